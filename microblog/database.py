"""The database: engines, and the unit of work.

A *writing* unit of work is one transaction: returning commits, raising rolls back. Just before
the commit the events that it recorded become rows; just after it, whoever listens is woken, and
whoever is to do what was promised (a promise leaves a name in ``session.info["promised"]``). A
*reading* one runs each statement by itself, without the round trips of a transaction, and cannot
write on SQLite.

SQLite has one writer. Here each process has one connection that may write, so writers of a process
wait for it in turn, in the loop; between processes ``BEGIN IMMEDIATE`` and the busy timeout put
them in turn. Readers are never in anybody's way (write-ahead log).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from socket import gaierror
from typing import Any

import aiosqlite
import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from microblog.domain import events
from microblog.logs import watch_queries
from microblog.settings import Database as DatabaseSettings

# What a query raises when the database is gone, full or locked: the service is busy, not broken.
UNAVAILABLE: tuple[type[Exception], ...] = (
    OperationalError,
    InterfaceError,
    PoolTimeout,
    # A server that is out of reach: asyncpg lets these through as they are.
    ConnectionError,
    TimeoutError,
    FileNotFoundError,
    gaierror,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)
# Classes of SQLSTATE (PostgreSQL, appendix A) in which the statement is not to blame: connection,
# rollback by the server, resources, locks, an operator's intervention, system.
_NOT_OUR_FAULT = ("08", "40", "53", "55", "57", "58")


class Database:
    """The engines of one application, and the units of work on them."""

    def __init__(self, url: str, settings: DatabaseSettings) -> None:
        """Prepare the engines for a normalised ``url``; nothing is opened yet."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        build = _sqlite_engines if self.is_sqlite else _postgresql_engines
        self._writer, self._reader = build(url, settings)
        self._committed: Callable[[], None] = _nobody
        self._keepers: dict[str, Callable[[], None]] = {}

    def watch(self, seconds: float) -> None:
        """Have statements that take longer named in the log."""
        for engine in (self._writer, self._reader):
            watch_queries(engine, seconds)

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called after each commit that wrote events."""
        self._committed = wake

    def on_promise(self, name: str, wake: Callable[[], None]) -> None:
        """Have ``wake`` called after each commit of a unit of work that promised ``name``."""
        self._keepers[name] = wake

    def writing(self) -> "UnitOfWork":
        """A unit of work that may write; nothing is opened before its first statement."""
        session = AsyncSession(self._writer, expire_on_commit=False)
        return UnitOfWork(session, self._committed, self._keepers)

    def skimming(self) -> "UnitOfWork":
        """A unit of work that only reads, each statement by itself."""
        session = AsyncSession(self._reader, expire_on_commit=False, autoflush=False)
        return UnitOfWork(session, _nobody, {})

    @asynccontextmanager
    async def begin(self, *, wake: bool = True) -> AsyncIterator[AsyncSession]:
        """Write: commit on return, roll back on an exception.

        With ``wake=False`` this process hears of its own events only as the others do.
        """
        work = self.writing()
        if not wake:
            work.committed = _nobody
        try:
            yield work.session
            await work.commit()
        finally:
            await work.close()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Read: every statement sees what is committed at its moment."""
        work = self.skimming()
        try:
            yield work.session
        finally:
            await work.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._reader.dispose()
        await self._writer.dispose()


class UnitOfWork:
    """One session whose commit says what happened."""

    def __init__(
        self,
        session: AsyncSession,
        committed: Callable[[], None],
        keepers: Mapping[str, Callable[[], None]],
    ) -> None:
        """Take a fresh session, whom to wake for events, and whom for which promise."""
        self.session = session
        self.committed = committed
        self._keepers = keepers

    async def commit(self) -> None:
        """Write the recorded events, commit, wake."""
        await self.session.flush()
        happened = await events.write(self.session)
        await self.session.commit()
        if happened:
            self.committed()
        for name in self.session.info.pop("promised", ()):
            self._keepers.get(name, _nobody)()

    async def close(self) -> None:
        """Give the connection back; what was not committed never was."""
        self.session.info.pop("events", None)
        self.session.info.pop("promised", None)
        await self.session.close()


def _nobody() -> None:
    """Stand in where nobody listens."""


def _sqlite_engines(url: str, settings: DatabaseSettings) -> tuple[AsyncEngine, AsyncEngine]:
    path = make_url(url).database or ""
    options: dict[str, Any] = {
        "async_creator": lambda: open_sqlite(path),
        "pool_timeout": settings.pool_timeout,
        # What people wrote does not belong into a message about an error.
        "hide_parameters": True,
        "max_overflow": 0,
    }
    writer = create_async_engine(url, pool_size=1, **options)
    reader = create_async_engine(
        url,
        pool_size=settings.pool_size,
        # sqlite3's own "autocommit" is what we set below; this keeps SQLAlchemy from beginning.
        isolation_level="AUTOCOMMIT",
        # There is never a transaction to roll back when a reader is returned.
        pool_reset_on_return=None,
        **options,
    )
    for engine, pragmas in (
        (writer, {"journal_mode": "WAL", "synchronous": settings.synchronous}),
        (reader, {"query_only": "ON"}),
    ):
        pragmas |= {"foreign_keys": "ON", "busy_timeout": str(int(settings.busy_timeout * 1000))}
        event.listen(engine.sync_engine, "connect", _configure(pragmas))
    event.listen(writer.sync_engine, "begin", _begin_immediate)
    return writer, reader


async def open_sqlite(path: str) -> aiosqlite.Connection:
    """Open a SQLite file; cancelled meanwhile, the connection is closed and not left behind."""

    async def connect() -> aiosqlite.Connection:
        return await aiosqlite.connect(path, isolation_level=None)

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


def _begin_immediate(connection: Any) -> None:
    # A transaction that reads first and then writes would fail at once if somebody else had written
    # in between, whatever the busy timeout says. Taking the lock first makes it wait its turn.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _postgresql_engines(url: str, settings: DatabaseSettings) -> tuple[AsyncEngine, AsyncEngine]:
    options: dict[str, Any] = {
        "pool_size": settings.pool_size,
        "pool_timeout": settings.pool_timeout,
        "pool_pre_ping": True,
        "hide_parameters": True,
        "connect_args": _postgresql_arguments(settings),
    }
    # Two pools: writers may wait for each other's rows, and readers must not wait for writers.
    writer = create_async_engine(url, max_overflow=0, **options)
    reader = create_async_engine(
        url,
        max_overflow=settings.pool_size,
        isolation_level="AUTOCOMMIT",
        # There is never a transaction to roll back when a reader is returned.
        pool_reset_on_return=None,
        **options,
    )
    for engine in (writer, reader):
        event.listen(engine.sync_engine, "handle_error", _tell_outages_apart)
    return writer, reader


def _postgresql_arguments(settings: DatabaseSettings) -> dict[str, Any]:
    return {
        "timeout": settings.pool_timeout,
        "server_settings": {
            "application_name": "microblog",
            "statement_timeout": str(int(settings.statement_timeout * 1000)),
            # A transaction that a vanished client left open must not hold its locks for ever.
            "idle_in_transaction_session_timeout": "60000",
            "timezone": "UTC",
        },
    }


def _tell_outages_apart(context: ExceptionContext) -> OperationalError | None:
    # SQLAlchemy has one plain error for nearly all that asyncpg raises: a server that shuts down,
    # is full or takes too long would pass for a mistake of ours.
    error = context.sqlalchemy_exception
    if type(error) is not DBAPIError or error.orig is None:
        return None
    if not str(getattr(error.orig, "sqlstate", "")).startswith(_NOT_OUR_FAULT):
        return None
    return OperationalError(
        error.statement, error.params, error.orig, connection_invalidated=context.is_disconnect
    )
