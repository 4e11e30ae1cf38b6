"""Wake-ups between processes: "there may be something new", never what.

A wake-up that is lost costs delay, not events: whoever is woken reads the log from where it stands,
and looks again after a while even if nobody calls.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

import aiosqlite
import asyncpg
from sqlalchemy.engine import URL

from microblog.database import open_sqlite
from microblog.domain.events import NOTIFY_CHANNEL

log = logging.getLogger(__name__)

Wake = Callable[[], None]
_LONGEST_PAUSE = 10.0


class Bus(Protocol):
    """Something that knows when another process has committed."""

    async def run(self, wake: Wake) -> None:
        """Call ``wake`` whenever there may be something new, until cancelled."""


def build(url: URL, *, sqlite_poll_seconds: float) -> Bus:
    """The bus that fits the database."""
    if url.get_backend_name() == "sqlite":
        return SQLiteBus(url.database or "", sqlite_poll_seconds)
    return PostgreSQLBus(url)


class SQLiteBus:
    """Watches ``PRAGMA data_version``: it changes when any other connection has committed."""

    def __init__(self, path: str, seconds: float) -> None:
        """Look at the file every ``seconds``."""
        self._path = path
        self._seconds = seconds

    async def run(self, wake: Wake) -> None:
        """Poll, and start over if the file is out of reach for a while."""
        while True:
            try:
                await self._watch(wake)
            except (aiosqlite.Error, OSError) as error:
                log.warning("the database file cannot be watched, trying again: %s", error)
                await asyncio.sleep(1)

    async def _watch(self, wake: Wake) -> None:
        connection = await open_sqlite(self._path)
        try:
            last = None
            while True:
                async with connection.execute("PRAGMA data_version") as cursor:
                    version = await cursor.fetchone()
                if version != last:
                    last = version
                    wake()
                await asyncio.sleep(self._seconds)
        finally:
            await connection.close()


class PostgreSQLBus:
    """``LISTEN`` on a connection of its own, outside the pool; connected again when it is lost."""

    def __init__(self, url: URL) -> None:
        """Take the service's own database address."""
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)

    async def run(self, wake: Wake) -> None:
        """Listen; after a loss wake at once, as something may have happened meanwhile."""
        pause = 0.1
        while True:
            try:
                await self._listen(wake)
                pause = 0.1
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("no connection to listen on, trying again in %.1f s: %s", pause, error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _listen(self, wake: Wake) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=5)
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _connection: lost.set())
            await connection.add_listener(NOTIFY_CHANNEL, lambda *_notification: wake())
            wake()
            await lost.wait()
            log.warning("the connection to listen on was lost")
        finally:
            await connection.close(timeout=1)
