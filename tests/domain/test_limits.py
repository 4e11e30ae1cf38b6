"""Allowances, exactly."""

import asyncio

import pytest
from sqlalchemy import func, select, update

from microblog.database import Database
from microblog.domain import limits
from microblog.domain.errors import TooManyRequests
from microblog.domain.limits import Allowance
from microblog.models import Rate

TEN = Allowance("guesses", 10, 600.0)


async def spend(database: Database, key: str = "susan", allowance: Allowance = TEN) -> bool:
    try:
        async with database.begin() as session:
            await limits.spend(session, allowance, key)
    except TooManyRequests:
        return False
    return True


async def wait(database: Database, seconds: float) -> None:
    """Let time pass."""
    async with database.begin() as session:
        await session.execute(update(Rate).values(arrival=Rate.arrival - seconds))


async def test_so_many_and_no_more(database: Database) -> None:
    """T-01."""
    assert [await spend(database) for _ in range(13)] == [True] * 10 + [False] * 3


async def test_keys_and_names_are_counted_apart(database: Database) -> None:
    for _ in range(10):
        await spend(database)
    assert await spend(database, "john")
    assert await spend(database, allowance=Allowance("posts", 10, 600.0))
    assert not await spend(database)


async def test_fifty_at_once_are_as_many(database: Database) -> None:
    """T-01: the statement decides, not who reads first."""
    allowed = await asyncio.gather(*(spend(database) for _ in range(50)))
    assert sum(allowed) == 10


async def test_one_comes_back_after_each_interval(database: Database) -> None:
    for _ in range(10):
        await spend(database)
    await wait(database, 59)
    assert not await spend(database)
    await wait(database, 1)
    assert [await spend(database) for _ in range(2)] == [True, False]
    await wait(database, 10_000)
    assert [await spend(database) for _ in range(11)] == [True] * 10 + [False]


async def test_a_clock_that_was_set_back_locks_nobody_out(database: Database) -> None:
    """T-77: what was noted by a clock far ahead does not count; a little ahead is another machine."""
    for ahead, allowed in ((3600 * 24, True), (590, False)):
        for _ in range(10):
            await spend(database)
        await wait(database, -ahead)
        assert await spend(database) == allowed
        async with database.reading() as session:
            if allowed:
                await limits.check(session, TEN, "susan")
            else:
                with pytest.raises(TooManyRequests):
                    await limits.check(session, TEN, "susan")


async def test_it_is_said_when_to_come_again(database: Database) -> None:
    for _ in range(10):
        await spend(database)
    async with database.begin() as session:
        with pytest.raises(TooManyRequests) as refusal:
            await limits.spend(session, TEN, "susan")
    assert 59 <= refusal.value.retry_after <= 61
    await wait(database, refusal.value.retry_after)
    assert await spend(database)


async def test_what_is_refused_uses_nothing(database: Database) -> None:
    for _ in range(30):
        await spend(database)
    await wait(database, 60)
    assert await spend(database)


async def test_what_succeeded_is_given_back(database: Database) -> None:
    for _ in range(30):
        assert await spend(database)
        async with database.begin() as session:
            await limits.give_back(session, TEN, "susan")
    assert [await spend(database) for _ in range(11)] == [True] * 10 + [False]


async def test_several_at_once(database: Database) -> None:
    """As many as that, or none; more than there are cost all of them, and no more."""

    async def take(amount: int) -> float:
        try:
            async with database.begin() as session:
                await limits.spend(session, TEN, "susan", amount=amount)
        except TooManyRequests as refusal:
            return refusal.retry_after
        return 0

    assert [await take(amount) for amount in (6, 4)] == [0, 0]
    assert 179 <= await take(3) <= 181
    async with database.begin() as session:
        await limits.give_back(session, TEN, "susan", amount=4)
    assert await take(5) > 0
    assert await take(4) == 0
    await wait(database, 600)
    assert await take(1000) == 0
    assert 59 <= await take(1) <= 61
    async with database.begin() as session:
        await limits.give_back(session, TEN, "susan", amount=1000)
    assert [await take(10), await take(1) > 0] == [0, True]


async def test_what_is_full_again_is_forgotten(database: Database) -> None:
    await spend(database, "old")
    await wait(database, 61)
    await spend(database, "new")
    async with database.begin() as session:
        await limits.sweep(session)
        keys = list(await session.scalars(select(Rate.key)))
    assert keys == ["guesses:new"]


async def test_a_long_key_fits(database: Database) -> None:
    for key in ("x" * 5000, "😀" * 300):
        assert await spend(database, key)
    async with database.reading() as session:
        assert await session.scalar(select(func.max(func.length(Rate.key)))) <= 200


@pytest.mark.parametrize(("left", "told"), [(0.0, 1), (0.4, 1), (1.2, 2), (59.9, 60)])
def test_seconds_are_whole_and_never_none(left: float, told: int) -> None:
    assert TooManyRequests(left).retry_after == told
