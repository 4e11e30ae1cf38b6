"""SQLite: one file, one writer.

Here each process has one connection that may write, so writers of a process wait for it in turn, in
the loop; between processes ``BEGIN IMMEDIATE`` and the busy timeout put them in turn. Readers are
never in anybody's way (write-ahead log). A statement that only reads is given up after
``statement_timeout``: PostgreSQL does so by itself, here :class:`_Deadline` does.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from microblog.database import driver
from microblog.settings import Database as DatabaseSettings

clock = time.monotonic


def engines(url: str, settings: DatabaseSettings) -> tuple[AsyncEngine, AsyncEngine]:
    """The engine that writes, and the one that reads."""
    path = make_url(url).database or ""
    options: dict[str, Any] = {
        "async_creator": lambda: open_sqlite(path),
        # What people wrote does not belong into a message about an error.
        "hide_parameters": True,
        "max_overflow": 0,
    }
    writer = create_async_engine(
        url, poolclass=_Turns, pool_size=1, pool_timeout=settings.busy_timeout, **options
    )
    reader = create_async_engine(
        url,
        pool_size=settings.pool_size,
        pool_timeout=settings.pool_timeout,
        # sqlite3's own "autocommit" is what we set below; this keeps SQLAlchemy from beginning.
        isolation_level="AUTOCOMMIT",
        # There is never a transaction to roll back, and each try is a way to a thread and back.
        pool_reset_on_return=None,
        skip_autocommit_rollback=True,
        **options,
    )
    for engine, pragmas in (
        (writer, {"journal_mode": "WAL", "synchronous": settings.synchronous}),
        (reader, {"query_only": "ON"}),
    ):
        pragmas |= {"foreign_keys": "ON", "busy_timeout": str(int(settings.busy_timeout * 1000))}
        event.listen(engine.sync_engine, "connect", _configure(pragmas))
    event.listen(writer.sync_engine, "begin", _begin_immediate)
    _Deadline.keep(reader, settings.statement_timeout)
    return writer, reader


async def open_sqlite(path: str) -> driver.Connection:
    """Open a SQLite file; cancelled meanwhile, the connection is closed and not left behind."""

    async def connect() -> driver.Connection:
        connection = driver.Connection(path)
        await connection
        return connection

    opening = asyncio.create_task(connect())
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        await (await opening).close()
        raise


def _configure(pragmas: dict[str, str]) -> Callable[[Any, Any], None]:
    def configure(connection: Any, _record: Any) -> None:
        # SQLAlchemy says when a transaction begins, not the driver.
        connection.isolation_level = None
        cursor = connection.cursor()
        for name, value in pragmas.items():
            cursor.execute(f"PRAGMA {name} = {value}")
        cursor.close()

    return configure


class _Deadline:
    """When SQLite gives the statement up that a connection is at; one for each connection.

    SQLite looks at it between the steps of its machine, so that it comes late where a single step
    takes long: a search in FTS5 that finds nothing among very many entries is one.
    """

    # Some tens of milliseconds. Each look waits for its turn among Python's threads.
    _STEPS_BETWEEN = 1_000_000

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = float("inf")

    @classmethod
    def keep(cls, engine: AsyncEngine, seconds: float) -> None:
        """Have a deadline for each statement of this engine."""

        def connected(connection: Any, record: Any) -> None:
            deadline = record.info["deadline"] = cls(seconds)
            connection.run_async(
                lambda opened: opened.set_progress_handler(deadline.has_passed, cls._STEPS_BETWEEN)
            )

        def begun(connection: Any, *_statement: Any) -> None:
            connection.info["deadline"].begin()

        event.listen(engine.sync_engine, "connect", connected)
        event.listen(engine.sync_engine, "before_cursor_execute", begun)

    def begin(self) -> None:
        """Start anew."""
        self._end = time.monotonic() + self._seconds

    def has_passed(self) -> bool:
        """Whether it is over; SQLite stops then."""
        return time.monotonic() > self._end


class _Turns(AsyncAdaptedQueuePool):
    """Tells how long somebody has waited for a connection: whoever had it before may have waited
    for another process, and nobody is to wait as long once more.
    """

    def _do_get(self) -> ConnectionPoolEntry:
        began = clock()
        entry = super()._do_get()
        entry.info["waited"] = clock() - began
        return entry


def _begin_immediate(connection: Any) -> None:
    # A transaction that reads first and then writes would fail at once if somebody else had written
    # in between, whatever the busy timeout says. Taking the lock first makes it wait its turn.
    connection.exec_driver_sql(driver.BEGIN, (connection.info.pop("waited", 0.0),))
