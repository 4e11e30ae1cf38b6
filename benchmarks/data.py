"""What is in the measured database: people with uneven tongues, their posts, and the readers.

Everything comes from one seed, so that two databases of the same size hold the same.
"""

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from alembic import command
from microblog import migrations
from microblog.app import create_app
from microblog.database import Database
from microblog.domain import sessions
from microblog.domain.sessions import Lifetimes
from microblog.models import Follow, Post, User, utc_now
from microblog.resources import Resources
from microblog.settings import NO_FILE, load

SECRET = "a secret of the measurements, worth nothing"
_SILENT = ("silent1", "silent2", "silent3")
_BATCH = 5_000
_WORDS = (
    "morning train late again coffee garden rain river book chapter four reading slowly bread "
    "oven friends visit mountain photo bicycle broken chain repaired music loud neighbour cat "
    "asleep sun window open letter arrived finally translation strange word language question "
    "answer tomorrow "
)


@dataclass(frozen=True)
class Size:
    """How much there is. The readers of the home page follow some, silent ones, or many."""

    people: int = 1_000
    posts: int = 100_000
    sockets: int = 200
    some: int = 100
    many: int = 500

    @property
    def name(self) -> str:
        return f"{self.people}_{self.posts}_{self.sockets}_{migrations.newest()}"


# Usernames: who reads the pages, who writes to the sockets, and whom nobody ever heard.
READER, QUIET, KEEN, AUTHOR = "reader", "quiet", "keen", "author"


def listeners(size: Size) -> list[str]:
    """The names of those whose sockets are open."""
    return [f"listener{number:04}" for number in range(size.sockets)]


def environment(url: str, folder: str) -> dict[str, str]:
    """The settings of the measured site; nobody's allowance runs out."""
    return {
        "DATABASE_URL": url,
        "SECRET_KEY": SECRET,
        "MICROBLOG_SERVER_INSTANCE": folder,
        "MICROBLOG_LIMITS_SCALE": "100000",
    }


def fill(url: str, folder: str, size: Size) -> None:
    """Make the tables and write everything into an empty database."""
    settings = load(NO_FILE, environment(url, folder))
    command.upgrade(migrations.config(settings.database_url), "head")
    asyncio.run(_fill(Database(settings.database_url, settings.database), size))


async def _fill(database: Database, size: Size) -> None:
    try:
        async with database.begin() as session:
            await _write(session, User, _people(size))
            found = await session.execute(select(User.username, User.id))
            ids = dict(found.tuples().all())
            await _write(session, Follow, _follows(ids, size))
            await _write(session, Post, _posts(ids, size))
    finally:
        await database.close()


async def _write(session: AsyncSession, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            await session.execute(insert(table), batch)
            batch = []
    if batch:
        await session.execute(insert(table), batch)


def _people(size: Size) -> Iterator[dict[str, Any]]:
    special = (READER, QUIET, KEEN, AUTHOR, *_SILENT, *listeners(size))
    for name in (*_crowd(size), *special):
        address = f"{name}@example.com"
        yield {"username": name, "username_key": name, "email": address, "email_key": address}


def _crowd(size: Size) -> list[str]:
    return [f"person{number:05}" for number in range(size.people)]


def _follows(ids: Mapping[str, int], size: Size) -> Iterator[dict[str, Any]]:
    chance, crowd = random.Random(1), _crowd(size)
    circles: dict[str, Sequence[str]] = {
        READER: chance.sample(crowd, min(size.some, len(crowd))),
        KEEN: chance.sample(crowd, min(size.many, len(crowd))),
        QUIET: _SILENT,
        **dict.fromkeys(listeners(size), (AUTHOR,)),
    }
    for person in crowd:
        known = chance.sample(crowd, min(20, len(crowd)))
        circles[person] = [name for name in known if name != person]
    for follower, followed in circles.items():
        for name in followed:
            yield {"follower_id": ids[follower], "followed_id": ids[name]}


def _posts(ids: Mapping[str, int], size: Size) -> Iterator[dict[str, Any]]:
    chance, crowd, now = random.Random(2), _crowd(size), utc_now()
    for number in range(size.posts):
        # A few write most: the first tenth of the crowd writes four posts in ten.
        who = crowd[int(len(crowd) * chance.random() ** 2.5)]
        yield {
            "user_id": ids[who],
            "body": _body(chance),
            "language": "en",
            "timestamp": now - timedelta(minutes=size.posts - number),
        }


def _body(chance: random.Random) -> str:
    text = " ".join(chance.choices(_WORDS.split(), k=chance.randint(3, 40))).capitalize() + "."
    if chance.random() < 0.1:
        text += f" https://example.com/{chance.randrange(10**6)}"
    return text


async def cookies(url: str, folder: str, names: Sequence[str]) -> dict[str, str]:
    """A login for each of these people: the Cookie header that a browser would send."""
    app = create_app(load(NO_FILE, environment(url, folder)))
    built: Resources = app.extensions["microblog"]
    try:
        async with built.database.begin() as session:
            found = await session.execute(select(User).where(User.username.in_(names)))
            tokens = {user.username: await _log_in(session, user) for (user,) in found.all()}
    finally:
        await built.database.close()
    (auth,) = app.extensions["QUART_AUTH"]
    return {name: f"{auth.cookie_name}={auth.dump_token(tokens[name], app)}" for name in names}


async def _log_in(session: AsyncSession, user: User) -> str:
    return await sessions.begin(
        session, user.id, remembered=False, device="benchmark", lifetimes=Lifetimes()
    )
