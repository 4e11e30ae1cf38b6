"""SQLite's driver, with as few ways to its thread as possible.

aiosqlite sends each step of a statement to the connection's thread. On the way the thread and the
loop compete for the interpreter, again and again for microseconds of work: of a post's time that
was more than half. Here a statement is one way, rows included, and what is known to be short is
done in the loop itself: to take the write lock where it is free, to insert one row, and to read a
few by their numbers (:mod:`microblog.domain.brief`). Whatever may take long (to search, to change
many rows, to wait for another process, to commit) still has the thread.
"""

import sqlite3
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

import aiosqlite

from microblog.domain import brief

T = TypeVar("T")

# It may have one parameter: seconds that its writer has waited already, and waits less for others.
BEGIN = "BEGIN IMMEDIATE"
_CHUNK = 64
# A row has fewer values than these; many rows in one statement have more.
_FEW = 32


class Connection(aiosqlite.Connection):
    """A connection that works in the loop where that takes no time and its thread is idle."""

    def __init__(self, path: str) -> None:
        """Open nothing yet: it is to be awaited."""
        # Loop and thread never use it at the same time: see :attr:`is_idle`.
        opening = partial(sqlite3.connect, path, isolation_level=None, check_same_thread=False)
        super().__init__(opening, _CHUNK)
        self._given = self._done = 0

    @property
    def is_idle(self) -> bool:
        """Whether the thread has done all that it was given: who is cancelled leaves it at work."""
        return self._given == self._done

    @property
    def driver(self) -> sqlite3.Connection:
        """The connection itself."""
        return self._conn

    async def in_thread(self, step: Callable[..., T], *arguments: Any) -> T:
        """Do it in the thread, after all that the thread was given before."""
        if not self._running or self._connection is None:
            raise ValueError("Connection closed")

        def run() -> T:
            try:
                return step(*arguments)
            finally:
                self._done += 1

        self._given += 1
        result: T = await super()._execute(run)  # type: ignore[no-untyped-call]
        return result

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # What aiosqlite itself does by this name is counted, too.
        return await self.in_thread(partial(fn, *args, **kwargs))

    def cursor(self) -> "Cursor":  # type: ignore[override]  # it is entered, never awaited
        """A cursor, for ``async with``."""
        return Cursor(self, self._conn.cursor())

    async def rollback(self) -> None:
        """Roll back, if there is anything."""
        if not self.is_idle or self._conn.in_transaction:
            await super().rollback()


class Cursor(aiosqlite.Cursor):
    """A cursor that has read all rows when its statement is done."""

    def __init__(self, connection: Connection, cursor: sqlite3.Cursor) -> None:
        """Take the connection, and its own cursor."""
        super().__init__(connection, cursor)
        self._its = connection
        self._rows: list[Any] = []

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> "Cursor":
        """Run a statement."""
        given: Any = parameters or ()
        if sql == BEGIN:
            await self._begin(*given)
        elif self._its.is_idle and self._its.driver.in_transaction and _is_one_row(sql, given):
            self._rows = self._run(sql, given)
        elif not (self._its.is_idle and sql.startswith(brief.MARK) and self._is_read(sql, given)):
            self._rows = await self._its.in_thread(self._run, sql, given)
        return self

    def _is_read(self, sql: str, parameters: Any) -> bool:
        """Read at once, if nobody is in the way."""

        def read() -> None:
            self._rows = self._run(sql, parameters)

        return _is_done(self._its.driver, read)

    async def _begin(self, waited: float = 0.0) -> None:
        driver = self._its.driver
        if not (self._its.is_idle and _is_begun(driver)):
            await self._its.in_thread(_begin_in_turn, driver, waited)

    def _run(self, sql: str, parameters: Any) -> list[Any]:
        self._cursor.execute(sql, parameters)
        return self._cursor.fetchall() if self._cursor.description else []

    async def fetchall(self) -> list[Any]:
        """All rows."""
        rows, self._rows = self._rows, []
        return rows

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows, at most so many."""
        number = self.arraysize if size is None else size
        rows, self._rows = self._rows[:number], self._rows[number:]
        return rows

    async def fetchone(self) -> Any:
        """The next row, or None."""
        return next(iter(await self.fetchmany(1)), None)

    async def close(self) -> None:
        """Let the statement go."""
        if self._its.is_idle:
            self._cursor.close()
        else:
            await self._its.in_thread(self._cursor.close)


def _is_one_row(sql: str, parameters: Any) -> bool:
    return sql.startswith("INSERT ") and " VALUES (" in sql and 0 < len(parameters) <= _FEW


def _is_begun(driver: sqlite3.Connection) -> bool:
    """Take the write lock, if nobody has it."""
    return _is_done(driver, partial(driver.execute, BEGIN))


def _begin_in_turn(driver: sqlite3.Connection, waited: float) -> None:
    """Take the write lock, within what is left of the usual time."""
    _do_within(
        driver,
        lambda usual: max(0, usual - int(waited * 1000)),
        partial(driver.execute, BEGIN),
    )


def _is_done(driver: sqlite3.Connection, step: Callable[[], object]) -> bool:
    """Do it without waiting for anybody; whether that was possible."""
    try:
        _do_within(driver, lambda _usual: 0, step)
    except sqlite3.OperationalError as error:
        # Of an extended code (there are several for this) the last byte says what it is.
        # What Python itself complains of has none.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def _do_within(
    driver: sqlite3.Connection, milliseconds: Callable[[int], int], step: Callable[[], object]
) -> None:
    (usual,) = driver.execute("PRAGMA busy_timeout").fetchone()
    driver.execute(f"PRAGMA busy_timeout = {milliseconds(usual)}")
    try:
        step()
    finally:
        driver.execute(f"PRAGMA busy_timeout = {usual}")
