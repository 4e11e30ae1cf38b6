"""SQLite's driver: what is short is done in the loop, all else in the connection's thread."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event, text

from microblog.database import Database, driver, open_sqlite, sqlite
from microblog.domain import brief
from microblog.settings import Database as DatabaseSettings

COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
COUNT += "SELECT count(*) FROM n"


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[driver.Connection]:
    """A file with one table, and a function that says in which thread it is called."""
    opened = await open_sqlite(str(tmp_path / "some.db"))
    await opened.execute("PRAGMA busy_timeout = 4321")
    await opened.execute("CREATE TABLE it (thread INTEGER)")
    await opened.create_function("here", 1, lambda _: threading.get_ident())
    yield opened
    await opened.close()


async def run(connection: driver.Connection, sql: str, *parameters: object) -> list[tuple[int]]:
    async with connection.cursor() as cursor:
        await cursor.execute(sql, parameters)
        return await cursor.fetchall()


async def test_only_one_row_in_a_transaction_is_short(connection: driver.Connection) -> None:
    loop = threading.get_ident()
    one, many = "INSERT INTO it VALUES (here(?)) RETURNING thread", ", (here(?))" * 40
    assert (await run(connection, one, 1))[0][0] != loop
    await run(connection, driver.BEGIN)
    assert (await run(connection, one, 1))[0][0] == loop
    assert (await run(connection, one.replace(" RET", f"{many} RET"), *range(41)))[0][0] != loop
    assert (await run(connection, "UPDATE it SET thread = here(?) RETURNING thread", 1))[0][
        0
    ] != loop
    assert (await run(connection, "SELECT here(?)", 1))[0][0] != loop
    await connection.rollback()
    assert await run(connection, "SELECT count(*) FROM it") == [(1,)]


async def test_a_lock_that_is_free_is_taken_and_another_one_waited_for(
    connection: driver.Connection, tmp_path: Path
) -> None:
    """The loop goes on meanwhile, and the patience of the connection is what it was."""
    other = await open_sqlite(str(tmp_path / "some.db"))
    await other.execute("PRAGMA busy_timeout = 60000")
    await run(connection, driver.BEGIN)
    waiting = asyncio.create_task(run(other, driver.BEGIN))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not other.is_idle
    await connection.commit()
    async with asyncio.timeout(20):
        await waiting
    assert other.driver.in_transaction
    await other.rollback()
    await other.close()
    assert await run(connection, "PRAGMA busy_timeout") == [(4321,)]


async def test_what_is_said_to_be_short_is_read_at_once(
    connection: driver.Connection, tmp_path: Path
) -> None:
    """What would have to wait goes to the thread."""
    loop, short = threading.get_ident(), f"{brief.MARK}here(?)"
    assert await run(connection, short, 1) == [(loop,)]
    assert await run(connection, "PRAGMA busy_timeout") == [(4321,)]
    other = await open_sqlite(str(tmp_path / "some.db"))
    await run(other, "BEGIN EXCLUSIVE")
    reading = asyncio.create_task(run(connection, f"{brief.MARK}thread, here(1) FROM it"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not connection.is_idle
    await run(other, "INSERT INTO it VALUES (7)")
    await other.commit()
    async with asyncio.timeout(20):
        ((row, thread),) = await reading  # type: ignore[misc]  # two columns
    assert row == 7
    assert thread != loop
    assert await run(connection, "PRAGMA busy_timeout") == [(4321,)]
    await other.close()


async def test_what_cannot_be_read_is_told_as_ever(connection: driver.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError, match="decode"):
        await run(connection, f"{brief.MARK}CAST(x'ff' AS TEXT)")


async def test_who_has_waited_already_waits_so_much_shorter(
    connection: driver.Connection, tmp_path: Path
) -> None:
    other = await open_sqlite(str(tmp_path / "some.db"))
    # Longer than any test may take.
    await other.execute("PRAGMA busy_timeout = 3600000")
    await run(connection, driver.BEGIN)
    for waited in (3_600, 7_200.5):
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            await run(other, driver.BEGIN, waited)
    assert await run(other, "PRAGMA busy_timeout") == [(3_600_000,)]
    await connection.rollback()
    await run(other, driver.BEGIN, 3_600)
    assert other.driver.in_transaction
    await other.rollback()
    await other.close()


async def test_waiting_for_the_connection_is_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One patience for both: the connection of the process, and the lock that others may have."""
    now = 1_000.0
    monkeypatch.setattr(sqlite, "clock", lambda: now)
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'some.db'}", DatabaseSettings())
    told: list[float] = []

    @event.listens_for(database._writer.sync_engine, "before_cursor_execute")
    def _note(_connection, _cursor, statement, parameters, *_) -> None:
        if statement == driver.BEGIN:
            told.extend(parameters)

    async def write() -> None:
        async with database.begin() as session:
            await session.execute(text("SELECT 1"))

    async with database.begin() as session:
        await session.execute(text("SELECT 1"))
        following = asyncio.create_task(write())
        for _ in range(20):
            await asyncio.sleep(0)
        now += 3.5
    async with asyncio.timeout(20):
        await following
    await write()
    await database.close()
    assert told == [0.0, 3.5, 0.0]


async def test_who_leaves_a_statement_behind_does_not_meet_it(
    connection: driver.Connection,
) -> None:
    """What comes after a cancelled statement waits until the thread is done with it."""
    await run(connection, driver.BEGIN)
    # Not entered: to leave a cursor waits for its statement.
    slow = asyncio.create_task(connection.cursor().execute(COUNT.format(1_000_000)))
    while connection.is_idle:
        await asyncio.sleep(0)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert not connection.is_idle
    found = await run(connection, "INSERT INTO it VALUES (here(?)) RETURNING thread", 1)
    assert found[0][0] != threading.get_ident()
    await connection.rollback()
    assert connection.is_idle
    assert not connection.driver.in_transaction


async def test_a_closed_one_says_so(tmp_path: Path) -> None:
    closed = await open_sqlite(str(tmp_path / "closed.db"))
    await closed.close()
    with pytest.raises(ValueError, match="closed"):
        await closed.in_thread(int)
    assert closed.is_idle


async def test_rows_come_one_by_one_as_well(connection: driver.Connection) -> None:
    async with connection.cursor() as cursor:
        await cursor.execute("SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4")
        assert await cursor.fetchone() == (1,)
        assert await cursor.fetchmany(2) == [(2,), (3,)]
        assert await cursor.fetchall() == [(4,)]
        assert await cursor.fetchone() is None
