"""`config`: what the operator has decided, and where."""

from collections.abc import Sequence

import click

from microblog import migrations
from microblog.cli import operating
from microblog.database import Database
from microblog.domain import translations
from microblog.settings import KEYS, Problem, Settings, inspect, one_line


@click.group()
def config() -> None:
    """Look at the settings."""


@config.command()
def check() -> None:
    """Show every setting, its value and its source, then what is wrong."""
    settings, problems = inspect()
    for row in _rows(settings, {problem.key for problem in problems}):
        click.echo(row)
    click.echo()
    if not problems and settings.translator.kind != "off":
        click.echo(_translated(settings))
    for line in _verdict(problems):
        click.echo(line)
    if problems:
        raise SystemExit(1)


def _rows(settings: Settings, wrong: set[str]) -> list[str]:
    cells = []
    for key in KEYS:
        value = key.shown(getattr(getattr(settings, key.section), key.field))
        # Beside a wrong value stands what would hold without it, so the row has to say so.
        mark = ", wrong: see below" if key.name in wrong else ""
        cells.append(
            (key.name, one_line(value) or "(empty)", f"({settings.sources[key.name]}{mark})")
        )
    widest_name = max(len(name) for name, _, _ in cells)
    widest_value = min(40, max(len(value) for _, value, _ in cells))
    return [
        f"{name:<{widest_name}}  {value:<{widest_value}}  {one_line(source)}"
        for name, value, source in cells
    ]


def _translated(settings: Settings) -> str:
    """How much of today's budget is used up, as far as there is a database that knows."""
    try:
        with operating.plainly():
            # A database that is behind, or not there yet, is not to be changed by looking at it.
            is_ready = migrations.schema_state(settings) == "head"
            spent = operating.run(settings, _spent_today) if is_ready else 0
    except click.ClickException as error:
        return f"Translated today: unknown ({error.message})"
    return f"Translated today: {spent} of {settings.translator.budget} characters"


async def _spent_today(database: Database) -> int:
    async with database.reading() as session:
        return await translations.spent_today(session)


def _verdict(problems: Sequence[Problem]) -> list[str]:
    if not problems:
        return ["Nothing is wrong."]
    return [f"microblog: {problem}" for problem in problems]
