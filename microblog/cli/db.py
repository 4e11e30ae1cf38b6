"""`db`: where the schema stands, and how it moves."""

import click
from alembic.script import Script, ScriptDirectory

from alembic import command
from microblog import migrations
from microblog.cli import plan as planning
from microblog.cli import revising
from microblog.cli.operating import plainly
from microblog.settings import Settings, load_or_exit

# So that `-1` is a number of steps and no option.
_STEPS = {"ignore_unknown_options": True}


@click.group()
def db() -> None:
    """Look at the schema and move it."""


@db.command(context_settings=_STEPS)
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Go up to REVISION (head, 0003, +1 …)."""
    settings = load_or_exit()
    with plainly():
        before = _known_state(settings)
        migrations.upgrade(settings, revision)
        _report(before, _known_state(settings))


@db.command(context_settings=_STEPS)
@click.argument("revision", default="-1")
def downgrade(revision: str) -> None:
    """Go down to REVISION (-1, 0003, base …); without it one step."""
    settings = load_or_exit()
    with plainly():
        before = _known_state(settings)
        if before == "base":
            click.echo("Nothing to do: the database is empty.")
            return
        command.downgrade(migrations.config(settings.database_url), revision)
        _report(before, _known_state(settings))


@db.command()
def current() -> None:
    """Show the revision that the database is at."""
    settings = load_or_exit()
    with plainly():
        state = _known_state(settings)
    click.echo(f"{migrations.newest()} (head)" if state == "head" else state)


@db.command()
def history() -> None:
    """Show every migration, newest first, and where the database is."""
    settings = load_or_exit()
    with plainly():
        applied = _place(_known_state(settings))
        for number, script in reversed(list(enumerate(_chain(), start=1))):
            mark = "  <- the database is here" if number == applied else ""
            click.echo(f"{_named(script)}{mark}")


@db.command()
@click.option("-m", "--message", required=True, help="What the migration does, in a few words.")
def migrate(message: str) -> None:
    """Write a migration that makes the models true; no database is touched."""
    with plainly():
        path, differences = revising.write(message)
    click.echo(f"Written: {path}")
    for difference in differences:
        click.echo(f"  {difference}")
    if not differences:
        click.echo("Models and migrations are equal: the script is empty, for you to fill in.")


@db.command()
def check() -> None:
    """Compare the database, at head, with the models; exit status 1 if they differ."""
    settings = load_or_exit()
    with plainly():
        state = _known_state(settings)
        if state != "head":
            raise click.ClickException(f"the database is not at head (it is at {state})")
        differences = revising.differences(settings.database_url)
    for difference in differences:
        click.echo(f"Differs: {difference}")
    if differences:
        raise SystemExit(1)
    click.echo("Models and migrations are equal.")


@db.command()
def plan() -> None:
    """Show which migrations are pending and what each of them touches; nothing is changed."""
    settings = load_or_exit()
    with plainly():
        pending = _chain()[_place(_known_state(settings)) :]
        for line in planning.lines(settings, pending):
            click.echo(line)
    if not pending:
        click.echo("Nothing to do: the database is at head.")


def _known_state(settings: Settings) -> str:
    state = migrations.schema_state(settings)
    if state not in {"head", "base", *(script.revision for script in _chain())}:
        raise click.ClickException(
            f"the database is at {state}, which this version of microblog does not know"
        )
    return state


def _report(before: str, after: str) -> None:
    if before == after:
        click.echo(f"Nothing to do: the database is at {after}.")
        return
    chain = _chain()
    start, end = _place(before), _place(after)
    for script in chain[start:end]:
        click.echo(f"up    {_named(script)}")
    for script in reversed(chain[end:start]):
        click.echo(f"down  {_named(script)}")
    click.echo(f"The database is at {after}.")


def _chain() -> list[Script]:
    """Every migration, oldest first."""
    scripts = ScriptDirectory.from_config(migrations.config())
    return list(scripts.walk_revisions())[::-1]


def _place(state: str) -> int:
    """How many migrations have been applied in this state."""
    revisions = ["base", *(script.revision for script in _chain())]
    return revisions.index(migrations.newest() if state == "head" else state)


def _named(script: Script) -> str:
    return f"{script.revision}  {script.doc}"
