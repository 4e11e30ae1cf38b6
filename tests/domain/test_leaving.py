"""Whoever asked leaves in the middle: what was begun is finished, and no connection is lost."""

import asyncio
import logging
import random
from collections import Counter
from contextlib import AsyncExitStack, suppress

import pytest
from sqlalchemy import event, func, select, text

from microblog.database import Database, UnitOfWork
from microblog.database.finishing import finish
from microblog.domain import events
from microblog.models import User
from tests.domain.test_database import on_postgresql, people, somebody


class Pools:
    """What the pools of a database say: how often connected, how many are out."""

    def __init__(self, database: Database) -> None:
        self._engines = (database._writer.sync_engine, database._reader.sync_engine)
        self.connected = 0
        for engine in self._engines:
            event.listen(engine, "connect", self._count)

    def _count(self, *_: object) -> None:
        self.connected += 1

    @property
    def out(self) -> int:
        return sum(engine.pool.checkedout() for engine in self._engines)  # type: ignore[attr-defined]


def assert_quiet(caplog: pytest.LogCaptureFixture) -> None:
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_who_leaves_while_it_is_committed_has_committed(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    pools, woken = Pools(database), asyncio.Event()
    database.on_commit(woken.set)

    async def write() -> None:
        async with database.begin() as session:
            session.add(somebody(1))
            events.record_change(session, events.ANYBODY)

    writing = asyncio.create_task(write())
    # In the engine's own words: the statement COMMIT is about to be sent.
    event.listen(database._writer.sync_engine, "commit", lambda _connection: writing.cancel())
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await people(database) == 1
    assert woken.is_set()
    assert pools.out == 0
    connected = pools.connected
    async with database.reading() as session:
        await session.execute(text("SELECT 1"))
    work = database.writing()
    await work.session.execute(text("SELECT 1"))
    await work.close()
    assert pools.connected == connected
    assert_quiet(caplog)


async def test_who_leaves_while_it_is_rolled_back_leaves_the_connection(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    pools = Pools(database)

    async def write() -> None:
        work = database.writing()
        try:
            work.session.add(somebody(1))
            await work.session.flush()
        finally:
            await work.close()

    writing = asyncio.create_task(write())
    event.listen(database._writer.sync_engine, "rollback", lambda _connection: writing.cancel())
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert (pools.out, pools.connected) == (0, 1)
    work = database.writing()
    assert await work.session.scalar(select(func.count()).select_from(User)) == 0
    await work.close()
    assert pools.connected == 1
    assert_quiet(caplog)


@on_postgresql
async def test_a_rush_of_readers_opens_its_connections_once(database: Database) -> None:
    """None is closed because more are given back than a pool keeps."""
    pools = Pools(database)

    async def rush() -> None:
        async with AsyncExitStack() as stack:
            for _ in range(10):
                session = await stack.enter_async_context(database.reading())
                await session.execute(text("SELECT 1"))

    await rush()
    assert pools.connected == 10
    await rush()
    assert pools.connected == 10


async def test_many_who_leave_at_any_moment_hold_nothing(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    pools, chance = Pools(database), random.Random(1)
    ends: Counter[bool] = Counter()

    async def ask(work: UnitOfWork) -> None:
        try:
            for _ in range(3):
                await work.session.execute(text("SELECT 1"))
            await work.commit()
        finally:
            await work.close()

    async def ask_and_leave(number: int) -> None:
        asking = asyncio.create_task(ask(database.writing() if number % 2 else database.skimming()))
        # A moment is a turn of the loop: each statement takes some of them.
        for _ in range(chance.randrange(60)):
            await asyncio.sleep(0)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        ends[asking.cancelled()] += 1

    async def visit(number: int) -> None:
        for _ in range(10):
            await ask_and_leave(number)

    async with asyncio.timeout(60):
        await asyncio.gather(*(visit(number) for number in range(16)))
    assert ends[True] > 0
    assert pools.out == 0
    async with asyncio.timeout(10), database.begin() as session:
        session.add(somebody(1))
    assert await people(database) == 1
    assert_quiet(caplog)


async def test_what_is_finished_may_fail(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever was cancelled is told just that, or a loop that tries again would never end."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        begun.set()
        await go_on.wait()
        raise ZeroDivisionError("so it went")

    finishing = asyncio.create_task(finish(fail()))
    await begun.wait()
    finishing.cancel()
    await asyncio.sleep(0)
    assert not finishing.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    assert "so it went" in caplog.text
    with pytest.raises(ZeroDivisionError):
        await finish(fail())
