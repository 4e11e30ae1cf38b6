"""Nothing half-written: what one transaction makes is all there, or nothing of it is."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from microblog.database import Database
from microblog.domain import events
from microblog.models import Event, Post
from microblog.settings import NO_FILE, load

# What a killed client has asked of PostgreSQL may still be done, and committed, for a moment.
_LEAVE_SECONDS = 20
_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


async def findings(database: Database) -> list[str]:
    """What is damaged or half-written, a line each.

    Every post has its event and its words in the index, and neither is there without a post. Only
    while nobody writes is this to be had: each table is read by itself.
    """
    if damage := damages(database.url.database or "") if database.is_sqlite else []:
        return damage
    key = "rowid" if database.is_sqlite else "post_id"
    async with database.reading() as session:
        posts = Counter(await session.scalars(select(Post.id)))
        told = select(Event.subject_id).where(Event.kind == events.POST_CREATED)
        parts = {
            "event": Counter(await session.scalars(told)),
            "entry in the index": Counter(
                await session.scalars(text(f"SELECT {key} FROM post_search"))
            ),
        }
    found = []
    for name, numbers in parts.items():
        found += [f"post {number} without {name}" for number in posts - numbers]
        # One too many is without a post of its own as well.
        found += [f"{name} without post {number}" for number in numbers - posts]
    return found


def damages(path: str) -> list[str]:
    """What SQLite itself finds wrong with a file."""
    file = sqlite3.connect(path)
    try:
        said = [str(line) for (line,) in file.execute("PRAGMA integrity_check")]
        strays = file.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    finally:
        file.close()
    return [line for line in said if line != "ok"] + [f"refers to nothing: {row}" for row in strays]


async def assert_whole(database: Database) -> None:
    """Nothing is half-written, nothing damaged."""
    assert await findings(database) == []


async def left_behind(environment: Mapping[str, str], folder: Path) -> list[str]:
    """What is damaged or half-written after servers were killed and before the next one starts.

    It needs room in ``folder`` for a copy of the data. Raises TimeoutError if others stay connected.
    """
    async with _at_rest(environment["DATABASE_URL"], folder) as url:
        settings = load(NO_FILE, {**environment, "DATABASE_URL": url})
        database = Database(settings.database_url, settings.database)
        try:
            if not settings.is_sqlite:
                await _left_alone(database)
            return await findings(database)
        finally:
            await database.close()


@asynccontextmanager
async def _at_rest(url: str, folder: Path) -> AsyncIterator[str]:
    """Where to look: of a SQLite file a copy, as whoever opens it first repairs it.

    To repair what a killed server has left is the next server's business.
    """
    origin = make_url(url)
    if origin.get_backend_name() != "sqlite":
        yield url
        return
    file = Path(origin.database or "")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        for part in (file, file.with_name(f"{file.name}-wal")):
            if part.exists():
                shutil.copy(part, scratch)
        yield f"sqlite:///{Path(scratch) / file.name}"


async def _left_alone(database: Database) -> None:
    """Wait until nobody else is connected."""
    async with asyncio.timeout(_LEAVE_SECONDS), database.reading() as session:
        while await session.scalar(_OTHERS):
            await asyncio.sleep(0.01)
