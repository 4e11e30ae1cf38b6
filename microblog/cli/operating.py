"""What all commands on the database share: one loop, one database, and refusals in one line."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import click
from alembic.util.exc import CommandError
from sqlalchemy.exc import SQLAlchemyError

from microblog import migrations
from microblog.database import UNAVAILABLE, Database
from microblog.domain.errors import Refusal
from microblog.settings import Settings

Result = TypeVar("Result")

_EXPECTED: tuple[type[Exception], ...] = (CommandError, SQLAlchemyError, OSError, *UNAVAILABLE)


@contextmanager
def plainly() -> Iterator[None]:
    """Turn what may go wrong on an operator's machine into one line and exit status 1."""
    try:
        yield
    except Refusal as refusal:
        raise click.ClickException(refusal.message % refusal.values) from refusal
    except _EXPECTED as error:
        raise click.ClickException(first_line(error)) from error


def run(settings: Settings, work: Callable[[Database], Awaitable[Result]]) -> Result:
    """Do the work on a database that is at head; SQLite is brought there first, as `serve` does."""
    with plainly():
        _insist_on_head(settings)
        return asyncio.run(_within(settings, work))


def first_line(error: BaseException) -> str:
    """What the driver said, without the statement that it said it about."""
    said = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    return said.splitlines()[0]


def _insist_on_head(settings: Settings) -> None:
    state = migrations.schema_state(settings)
    if state == "head":
        return
    if not settings.is_sqlite:
        raise CommandError(
            f"the database is not at head (it is at {state}): run `microblog db upgrade`"
        )
    click.echo("microblog: bringing the database to head", err=True)
    migrations.upgrade_to_head(settings)


async def _within(settings: Settings, work: Callable[[Database], Awaitable[Result]]) -> Result:
    database = Database(
        settings.database_url, settings.database, has_search_engine=settings.search.has_engine
    )
    try:
        return await work(database)
    finally:
        await database.close()
