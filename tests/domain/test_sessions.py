"""Logins and their ends."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from microblog.database import Database
from microblog.domain import sessions, users
from microblog.domain.actors import Actor
from microblog.domain.sessions import Lifetimes
from microblog.models import Session, User, utc_now

LIVES = Lifetimes(idle=14, longest=90, remembered=365)


@pytest.fixture
async def susan(database: Database) -> User:
    async with database.begin() as session:
        return await users.register(session, "susan", "susan@example.com", "hash")


async def begin(database: Database, user: User, *, remembered: bool = False) -> str:
    async with database.begin() as session:
        return await sessions.begin(
            session, user.id, remembered=remembered, device="x" * 300, lifetimes=LIVES
        )


async def find(database: Database, token: str) -> Actor | None:
    async with database.reading() as session:
        return await sessions.find_actor(session, token, lifetimes=LIVES)


async def set_back(database: Database, **times: datetime) -> None:
    async with database.begin() as session:
        await session.execute(update(Session).values(**times))


def days_ago(days: float) -> datetime:
    return utc_now() - timedelta(days=days)


async def test_a_token_opens_its_login(database: Database, susan: User) -> None:
    token = await begin(database, susan)
    other = await begin(database, susan)
    assert token != other
    found = await find(database, token)
    assert found
    assert (found.id, found.username) == (susan.id, "susan")
    for guess in ("", "x", token[:-1], token.upper(), token + "x", "ü\x00"):
        assert await find(database, guess) is None


async def test_the_database_holds_no_token(database: Database, susan: User) -> None:
    """T-09."""
    token = await begin(database, susan)
    async with database.reading() as session:
        (row,) = (await session.execute(select(Session.__table__))).all()
    assert token not in str(row)
    assert len(token) >= 43


async def test_an_idle_login_ends(database: Database, susan: User) -> None:
    token = await begin(database, susan)
    await set_back(database, last_used_at=days_ago(13.9))
    assert await find(database, token)
    await set_back(database, last_used_at=days_ago(14.1))
    assert await find(database, token) is None


async def test_a_login_in_use_ends_too(database: Database, susan: User) -> None:
    token = await begin(database, susan)
    async with database.reading() as session:
        expires = await session.scalar(select(Session.expires_at))
    assert expires
    assert abs(expires - utc_now() - timedelta(days=90)) < timedelta(minutes=1)
    await set_back(database, expires_at=utc_now() - timedelta(seconds=1))
    assert await find(database, token) is None


async def test_a_remembered_login_lives_a_year_unused(database: Database, susan: User) -> None:
    """M-022."""
    token = await begin(database, susan, remembered=True)
    await set_back(database, last_used_at=days_ago(364))
    assert await find(database, token)
    async with database.reading() as session:
        expires = await session.scalar(select(Session.expires_at))
    assert expires
    assert abs(expires - utc_now() - timedelta(days=365)) < timedelta(minutes=1)


async def test_a_disabled_person_is_out_at_once(database: Database, susan: User) -> None:
    token = await begin(database, susan)
    async with database.begin() as session:
        await users.disable(session, susan)
        await users.disable(session, susan)
    assert await find(database, token) is None
    async with database.reading() as session:
        assert (await users.find_credentials(session, "susan")).user_id is None
    async with database.begin() as session:
        await users.enable(session, susan)
    assert await find(database, token) is None
    assert await find(database, await begin(database, susan))


async def test_which_logins_are_alive(database: Database, susan: User) -> None:
    ids = []
    for _ in range(3):
        found = await find(database, await begin(database, susan))
        assert found
        ids.append(found.session_id)
    async with database.begin() as session:
        await sessions.end(session, Actor(susan.id, "susan", session_id=ids[0]))
        await session.execute(
            update(Session).where(Session.id == ids[1]).values(expires_at=utc_now())
        )
    async with database.reading() as session:
        assert await sessions.alive(session, [*ids, 999, None]) == {ids[2]}
        assert await sessions.alive(session, []) == set()


async def test_use_is_noted_once_a_minute(database: Database, susan: User) -> None:
    """M-060, M-061."""
    found = await find(database, await begin(database, susan))
    assert found
    recently, long_ago = days_ago(30 / 86400), days_ago(1)
    for moment, moves in ((recently, False), (long_ago, True)):
        await set_back(database, last_used_at=moment)
        async with database.begin() as session:
            await session.execute(update(User).values(last_seen_at=moment))
            await sessions.touch(session, found)
            used = await session.scalar(select(Session.last_used_at))
            seen = await session.scalar(select(User.last_seen_at))
        assert used
        assert seen
        assert ((used > moment), (seen > moment)) == (moves, moves)
        assert sessions.is_stale(moment) is moves
    assert sessions.is_stale(None)


async def test_what_time_has_ended_is_forgotten(database: Database, susan: User) -> None:
    await begin(database, susan)
    await set_back(database, expires_at=days_ago(1))
    await begin(database, susan)
    async with database.begin() as session:
        await sessions.sweep(session)
        assert await session.scalar(select(func.count()).select_from(Session)) == 1
