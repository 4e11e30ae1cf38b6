"""What the database holds about accounts, and how a test lets time pass in it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, func, select, update

from microblog.domain import grants, tasks
from microblog.live.audience import Reader
from microblog.models import Grant, Session, Task, User
from microblog.models.base import Base
from tests.cast import Browser, Cast, Person


async def token(cast: Cast, kind: str) -> str:
    """What the link of the newest permission of a kind holds."""
    async with cast.resources.database.reading() as session:
        grant_id = await session.scalar(select(func.max(Grant.id)).where(Grant.kind == kind))
        assert grant_id is not None, f"no permission of the kind {kind}"
        found = await grants.link_token(session, grant_id, key=cast.resources.secret_key)
    assert found is not None
    return found


async def user(cast: Cast, person: Person) -> User:
    async with cast.resources.database.reading() as session:
        return await session.get_one(User, person.id)


async def change(cast: Cast, person: Person, **columns: Any) -> None:
    async with cast.resources.database.begin() as session:
        await session.execute(update(User).where(User.id == person.id).values(**columns))


async def letters(cast: Cast) -> list[tuple[str, str, str]]:
    """Kind, recipient and language of every letter that is really one, the oldest first."""
    async with cast.resources.database.reading() as session:
        told = await session.scalars(
            select(Task.arguments)
            .where(Task.name == tasks.SEND_LETTER)
            .order_by(Task.created_at, Task.id)
        )
        said = ("kind", "recipient", "language")
        return [tuple(of[name] for name in said) for of in told if of["recipient"]]


def all_of(kind: str) -> Select[tuple[Grant]]:
    return select(Grant).where(Grant.kind == kind)


async def expire(cast: Cast, kind: str) -> None:
    """Let the lifetime of every permission of a kind pass, and a second more."""
    over = grants.LIFETIMES[kind] + timedelta(seconds=1)
    async with cast.resources.database.begin() as session:
        for grant in await session.scalars(all_of(kind)):
            grant.created_at -= over
            grant.expires_at -= over


async def everything(cast: Cast) -> str:
    """All rows of all tables, as text."""
    async with cast.resources.database.reading() as session:
        rows = [
            str(tuple(row))
            for table in Base.metadata.sorted_tables
            for row in await session.execute(select(table))
        ]
    return "\n".join(rows)


async def account(cast: Cast, person: Person) -> str:
    """All that a form of the account page might change."""
    async with cast.resources.database.reading() as session:
        found = []
        for table, whose in (
            (User, User.id),
            (Session, Session.user_id),
            (Grant, Grant.user_id),
            (Task, Task.subject_id),
        ):
            columns = [
                column
                for column in table.__table__.columns
                if column.name not in ("last_seen_at", "last_used_at")
            ]
            query = select(*columns).where(whose == person.id).order_by(table.id)
            found += [str(tuple(row)) for row in await session.execute(query)]
    return "\n".join(found)


@asynccontextmanager
async def open_socket(cast: Cast, person: Person, browser: Browser) -> AsyncIterator[Reader]:
    """A socket of this browser, and the hub's side of it."""
    hub = cast.resources.hub
    before = set(map(id, hub.audience.of_person(person.id)))
    async with browser.client.websocket("/live") as socket:
        assert '"hello"' in await socket.receive()
        (reader,) = (r for r in hub.audience.of_person(person.id) if id(r) not in before)
        async with asyncio.timeout(10):
            while not reader.live:
                await asyncio.sleep(0.005)
        yield reader


async def close_code(reader: Reader, *, seconds: float = 5) -> int:
    """With which code a socket is closed, as soon as it is."""
    async with asyncio.timeout(seconds):
        while reader.outbox.close_code is None:
            await asyncio.sleep(0.005)
    return reader.outbox.close_code
