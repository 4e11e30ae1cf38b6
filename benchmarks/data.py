"""What is in the measured database: the town of `demo fill`, and the readers that are measured.

All of it comes from seeds, so that two databases of the same size hold the same; in a city even the
newest posts are the same whatever its size (:mod:`benchmarks.growing`).
"""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from alembic import command
from microblog import migrations
from microblog.adapters.hasher import Hasher
from microblog.app import create_app
from microblog.database import Database
from microblog.domain import sessions, tokens
from microblog.domain.actors import Actor
from microblog.domain.sessions import Lifetimes
from microblog.models import Follow, Post, User
from microblog.resources import Resources
from microblog.settings import NO_FILE, load

SECRET = "a secret of the measurements, worth nothing"
PASSWORD = "a password of the measurements, worth nothing"


# A city's history is written once, with so many posts; other amounts are made of it.
_CITY, _HISTORY = 10_000, 100_000
# Half of those whom somebody follows are among the authors of so many newest posts, so that a home
# page is full whatever the amount.
_LATELY = 1_000


@dataclass(frozen=True)
class Size:
    """How much there is. The readers of the home page follow some, silent ones, or many.

    Whoever has a socket ``follows`` so many: the author, and others of the town.
    """

    people: int = 10_000
    posts: int = 1_000_000
    sockets: int = 1_000
    some: int = 100
    many: int = 5_000
    silent: int = 3
    logins: int = 50
    follows: int = 1

    @property
    def name(self) -> str:
        kept = f"{self.people}_{self.posts}_{self.sockets}_{self.some}_{self.many}_{self.silent}"
        if self.follows > 1:
            kept = f"{kept}_{self.follows}"
        return f"{kept}_{migrations.newest()}"

    @property
    def origin(self) -> "Size | None":
        """The size that this one is made of; a small town writes all of its posts itself."""
        if self.people < _CITY or self.posts == _HISTORY:
            return None
        return replace(self, posts=_HISTORY)


# Usernames: who reads the pages, and who writes to the sockets.
READER, QUIET, KEEN, AUTHOR = "reader.of.some", "reader.of.silence", "reader.of.many", "author"


def listeners(size: Size) -> list[str]:
    """The names of those whose sockets are open."""
    return [f"listener{number:04}" for number in range(size.sockets)]


def guests(size: Size) -> list[str]:
    """The names of those who log in with a password."""
    return [f"guest{number:04}" for number in range(size.logins)]


def silent(size: Size) -> list[str]:
    """Some who never wrote a word: the longest way for a query that looks for the newest."""
    return listeners(size)[: size.silent]


def environment(url: str, folder: str) -> dict[str, str]:
    """The settings of the measured site; nobody's allowance runs out."""
    return {
        "DATABASE_URL": url,
        "SECRET_KEY": SECRET,
        "MICROBLOG_SERVER_INSTANCE": folder,
        "MICROBLOG_LIMITS_SCALE": "100000",
    }


def fill(url: str, folder: str, size: Size) -> None:
    """Make the tables in an empty database, and fill it: the demonstration's town, our readers."""
    environ = environment(url, folder)
    settings = load(NO_FILE, environ)
    command.upgrade(migrations.config(settings.database_url), "head")
    program = (sys.executable, "-m", "microblog", "demo", "fill")
    amount = ("--users", str(size.people), "--posts", str(size.posts))
    subprocess.run((*program, *amount), env=os.environ | environ, check=True, capture_output=True)
    asyncio.run(_add_readers(Database(settings.database_url, settings.database), size))


async def _add_readers(database: Database, size: Size) -> None:
    names = (READER, QUIET, KEEN, AUTHOR, *listeners(size))
    try:
        async with database.begin() as session:
            town = (await session.scalars(select(User.id).order_by(User.id))).all()
            newest = select(Post.user_id).order_by(Post.id.desc()).limit(_LATELY)
            busy = sorted(set((await session.scalars(newest)).all()))
            await session.execute(insert(User), [_person(name) for name in names])
            found = await session.execute(select(User.username, User.id))
            await session.execute(
                insert(Follow), list(_follows(dict(found.tuples().all()), town, busy, size))
            )
    finally:
        await database.close()


def _person(name: str) -> dict[str, Any]:
    address = f"{name}@example.com"
    return {"username": name, "username_key": name, "email": address, "email_key": address}


def _follows(
    ids: Mapping[str, int], town: Sequence[int], busy: Sequence[int], size: Size
) -> Iterator[dict[str, int]]:
    chance = random.Random(1)
    lately = chance.sample(busy, min(size.some // 2, len(busy)))
    others = chance.sample(sorted(set(town) - set(lately)), size.some - len(lately))
    circles: dict[str, Sequence[int]] = {
        READER: [*lately, *others],
        KEEN: chance.sample(town, size.many),
        QUIET: [ids[name] for name in silent(size)],
        **{name: [ids[AUTHOR], *chance.sample(town, size.follows - 1)] for name in listeners(size)},
    }
    for follower, followed in circles.items():
        for followed_id in followed:
            yield {"follower_id": ids[follower], "followed_id": followed_id}


async def add_guests(url: str, folder: str, size: Size) -> None:
    """Open accounts with a password for the guests: hashed once, as the site does it."""
    settings = load(NO_FILE, environment(url, folder))
    database, hasher = Database(settings.database_url, settings.database), Hasher()
    try:
        hashed = {"password_hash": await hasher.hash(PASSWORD)}
        async with database.begin() as session:
            await session.execute(insert(User), [_person(name) | hashed for name in guests(size)])
    finally:
        hasher.close()
        await database.close()


async def busiest(url: str, folder: str) -> str:
    """The username of whoever wrote most."""
    settings = load(NO_FILE, environment(url, folder))
    database = Database(settings.database_url, settings.database)
    query = select(User.username).join(Post, Post.user_id == User.id).group_by(User.id)
    try:
        async with database.reading() as session:
            found = await session.scalar(query.order_by(func.count().desc(), User.id).limit(1))
            return str(found)
    finally:
        await database.close()


async def newest(url: str, folder: str) -> int:
    """The id of the newest post."""
    settings = load(NO_FILE, environment(url, folder))
    database = Database(settings.database_url, settings.database)
    try:
        async with database.reading() as session:
            return await session.scalar(select(func.max(Post.id))) or 0
    finally:
        await database.close()


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


async def access_tokens(url: str, folder: str, names: Sequence[str]) -> dict[str, str]:
    """A token for each of these people, with which a program may read and write."""
    settings = load(NO_FILE, environment(url, folder))
    database = Database(settings.database_url, settings.database)
    try:
        async with database.begin() as session:
            found = await session.execute(
                select(User.id, User.username).where(User.username.in_(names))
            )
            return {
                name: await tokens.make(
                    session, Actor(number, name), "benchmark", (tokens.READ, tokens.WRITE), days=1
                )
                for number, name in found.tuples().all()
            }
    finally:
        await database.close()


async def _log_in(session: AsyncSession, user: User) -> str:
    return await sessions.begin(
        session, user.id, remembered=False, device="benchmark", lifetimes=Lifetimes()
    )
