"""What belongs to the request under way: its unit of work, its person, the process's resources.

Returning an answer below 400 commits; anything else rolls back. Nothing is opened before the first
statement. A safe method has a reading unit of work, an unsafe one a writing unit of work, which on
SQLite holds the write lock from its first statement on: so whatever takes time (a body to read, a
password to check) comes before it.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from quart import current_app, g, make_response, request
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.database import UnitOfWork
from microblog.domain.actors import Actor
from microblog.resources import Resources
from microblog.settings import Settings

EXTENSION = "microblog"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

View = Callable[..., Awaitable[Any]]


def resources() -> Resources:
    """What lives as long as the process."""
    found: Resources = current_app.extensions[EXTENSION]
    return found


def settings() -> Settings:
    """What the operator decided."""
    return resources().settings


def session() -> AsyncSession:
    """This request's database session; in a safe method it can only read."""
    work: UnitOfWork | None = g.get("work")
    if work is None:
        database = resources().database
        work = database.skimming() if request.method in SAFE_METHODS else database.writing()
        g.work = work
    return work.session


def viewer() -> Actor:
    """The person who is logged in; only for pages that ask for a login."""
    actor: Actor = g.actor
    return actor


def find_viewer() -> Actor | None:
    """The person who is logged in, if anybody is."""
    actor: Actor | None = g.get("actor")
    return actor


def in_unit_of_work(view: View) -> View:
    """Run a view, then commit if it answered below 400; close in any case."""

    @wraps(view)
    async def run(**arguments: Any) -> Any:
        try:
            response = await make_response(await view(**arguments))
            work: UnitOfWork | None = g.get("work")
            writes = request.method not in SAFE_METHODS
            if work is not None and writes and response.status_code < 400:
                await work.commit()
            return response
        finally:
            await close()

    return run


async def close(_error: BaseException | None = None) -> None:
    """Give back what the request holds; what is not committed by now never was."""
    work: UnitOfWork | None = g.pop("work", None)
    if work is not None:
        await work.close()
