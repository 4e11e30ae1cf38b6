"""Permissions that are used once."""

import asyncio
from datetime import timedelta

import jwt
import pytest
from sqlalchemy import func, select, update

from microblog.database import Database
from microblog.domain import grants, users
from microblog.domain.grants import Permission
from microblog.models import Grant, User, utc_now

KEY = "a key that is long enough for this"
KINDS = tuple(grants.LIFETIMES)
SINGLE = (grants.RESET, grants.CONFIRM, grants.CHANGE_ADDRESS)


@pytest.fixture
async def susan(database: Database) -> User:
    async with database.begin() as session:
        return await users.register(session, "susan", "susan@example.com", "hash")


async def issue(database: Database, kind: str, user: User | None) -> str:
    async with database.begin() as session:
        user_id = user.id if user else None
        number = await grants.issue(session, kind, user_id, key=KEY, email="new@example.com")
        token = await grants.link_token(session, number, key=KEY)
    assert token is not None
    return token


async def find(database: Database, kind: str, token: str, key: str = KEY) -> Permission | None:
    async with database.reading() as session:
        return await grants.find(session, kind, token, key=key)


async def use(database: Database, permission: Permission) -> bool:
    async with database.begin() as session:
        return await grants.use(session, permission)


@pytest.mark.parametrize("kind", KINDS)
async def test_issued_found_used(database: Database, susan: User, kind: str) -> None:
    token = await issue(database, kind, susan)
    permission = await find(database, kind, token)
    assert permission is not None
    assert (permission.kind, permission.user_id) == (kind, susan.id)
    assert permission.email == "new@example.com"
    assert await use(database, permission)
    assert not await use(database, permission)
    assert await find(database, kind, token) is None
    async with database.reading() as session:
        (number,) = await session.scalars(select(Grant.id))
        assert await grants.link_token(session, number, key=KEY) is None


@pytest.mark.parametrize("kind", KINDS)
async def test_a_token_is_good_for_its_kind_and_key(
    database: Database, susan: User, kind: str
) -> None:
    """T-12."""
    token = await issue(database, kind, susan)
    for other in set(KINDS) - {kind}:
        assert await find(database, other, token) is None
    assert await find(database, kind, token, key=f"{KEY}!") is None


@pytest.mark.parametrize("kind", KINDS)
async def test_it_ends(database: Database, susan: User, kind: str) -> None:
    """T-12: for the link, for its letter, and for whoever has the form open."""
    token = await issue(database, kind, susan)
    permission = await find(database, kind, token)
    assert permission
    claims = jwt.decode(token, KEY, algorithms=["HS256"])
    length = claims["exp"] - utc_now().timestamp()
    assert length == pytest.approx(grants.LIFETIMES[kind].total_seconds(), abs=20)
    async with database.begin() as session:
        await session.execute(update(Grant).values(expires_at=utc_now() - timedelta(seconds=1)))
    assert await find(database, kind, token) is None
    assert not await use(database, permission)
    async with database.begin() as session:
        (number,) = await session.scalars(select(Grant.id))
        assert await grants.link_token(session, number, key=KEY) is None
        await grants.sweep(session)
        assert await session.scalar(select(func.count()).select_from(Grant)) == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_of_some_kinds_only_the_newest_counts(
    database: Database, susan: User, kind: str
) -> None:
    """T-12: and it stays so once the newest was used. Other people's and other kinds do not count."""
    async with database.begin() as session:
        john = await users.register(session, "john", "john@example.com", "hash")
    first = await issue(database, kind, susan)
    for other in set(KINDS) - {kind}:
        await issue(database, other, susan)
    await issue(database, kind, john)
    await issue(database, kind, None)
    early = await find(database, kind, first)
    assert early
    newest = await find(database, kind, await issue(database, kind, susan))
    assert newest
    assert (await find(database, kind, first) is None) == (kind in SINGLE)
    assert await use(database, newest)
    assert await use(database, early) == (kind not in SINGLE)


async def test_nobodys_permissions_do_not_replace_one_another(database: Database) -> None:
    tokens = [await issue(database, grants.INVITE, None) for _ in range(3)]
    for token in tokens:
        assert await find(database, grants.INVITE, token)


async def test_twenty_at_once(database: Database, susan: User) -> None:
    """T-12."""
    permission = await find(database, grants.RESET, await issue(database, grants.RESET, susan))
    assert permission
    used = await asyncio.gather(*(use(database, permission) for _ in range(20)))
    assert sorted(used) == [False] * 19 + [True]


async def test_undone_with_its_transaction(database: Database, susan: User) -> None:
    token = await issue(database, grants.RESET, susan)
    permission = await find(database, grants.RESET, token)
    assert permission
    with pytest.raises(ZeroDivisionError):
        async with database.begin() as session:
            assert await grants.use(session, permission)
            raise ZeroDivisionError
    assert await use(database, permission)


async def test_revoked(database: Database, susan: User) -> None:
    reset = await issue(database, grants.RESET, susan)
    confirm = await issue(database, grants.CONFIRM, susan)
    async with database.begin() as session:
        await grants.revoke(session, susan.id, grants.RESET, grants.CHANGE_ADDRESS)
    assert await find(database, grants.RESET, reset) is None
    assert await find(database, grants.CONFIRM, confirm)


async def test_those_after_one_are_revoked(database: Database, susan: User) -> None:
    tokens = [await issue(database, grants.RESTORE_ADDRESS, susan) for _ in range(3)]
    middle = await find(database, grants.RESTORE_ADDRESS, tokens[1])
    assert middle
    async with database.begin() as session:
        await grants.revoke_newer(session, middle)
    found = [await find(database, grants.RESTORE_ADDRESS, token) for token in tokens]
    assert [permission is not None for permission in found] == [True, True, False]


async def test_gone_with_its_person(database: Database, susan: User) -> None:
    await issue(database, grants.RESET, susan)
    async with database.begin() as session:
        await users.close(session, await users.by_id(session, susan.id))
        assert await session.scalar(select(func.count()).select_from(Grant)) == 0


async def test_the_database_holds_no_secret(database: Database, susan: User) -> None:
    """T-12."""
    token = await issue(database, grants.RESET, susan)
    secret = jwt.decode(token, KEY, algorithms=["HS256"])["jti"]
    async with database.reading() as session:
        (row,) = (await session.execute(select(Grant.__table__))).all()
    assert secret not in str(row)
    assert token.rpartition(".")[2] not in str(row)
    assert len(secret) >= 43


@pytest.mark.parametrize(
    "odd",
    ["", ".", "..", "a.b", "a.b.c", "x" * 999, "x" * 100_000, "\x00", "ü.😀.x", "\udcff", "="],
)
async def test_odd_tokens(database: Database, odd: str) -> None:
    assert await find(database, grants.RESET, odd) is None
