"""What belongs to the request under way: its unit of work, its person, the process's resources.

Returning an answer below 400 commits; anything else rolls back. Nothing is opened before the first
statement. A safe method has a reading unit of work, an unsafe one a writing unit of work, which on
SQLite holds the write lock from its first statement on: so whatever takes time (a body to read, a
password to check) comes before it.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from quart import Response, current_app, g, make_response, request
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.database import UnitOfWork, is_collision
from microblog.domain.actors import Actor
from microblog.resources import Resources
from microblog.settings import Settings
from microblog.web import edge
from microblog.web.before import Before

log = logging.getLogger(__name__)

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
    """Run a view, then commit if it answered below 400; close in any case.

    A change that the database has rolled back for the sake of another one is made once more.
    """

    @wraps(view)
    async def run(**arguments: Any) -> Any:
        if request.method in SAFE_METHODS or request.mimetype == "multipart/form-data":
            # What reads cannot collide, and a file that was sent is there only once.
            return await _run(view, arguments)
        before = Before()
        try:
            return await _run(view, arguments)
        except Exception as error:
            if not is_collision(error):
                raise
            log.info("a change collided with another one, and is made once more")
        before.restore()
        return await _run(view, arguments)

    return run


async def _run(view: View, arguments: dict[str, Any]) -> Any:
    try:
        answer = await view(**arguments)
        response = answer if isinstance(answer, Response) else await make_response(answer)
        work: UnitOfWork | None = g.get("work")
        writes = request.method not in SAFE_METHODS
        if work is not None and writes and response.status_code < 400:
            await work.commit()
        return response
    finally:
        await close()


def step_aside() -> None:
    """Let another request be worked on: this one waits for something that is done elsewhere."""
    edge.step_aside(request.scope)


async def pause() -> None:
    """Give back the connection of a request that reads, until it reads on.

    Whoever waits for others must not hold what they may need.
    """
    work: UnitOfWork | None = g.get("work")
    if work is not None and request.method in SAFE_METHODS:
        await work.session.close()


async def close(_error: BaseException | None = None) -> None:
    """Give back what the request holds; what is not committed by now never was."""
    work: UnitOfWork | None = g.pop("work", None)
    if work is not None:
        await work.close()
