"""Wake-ups on SQLite: the file itself tells that somebody has written."""

import asyncio
import logging

import aiosqlite

from microblog.adapters.bus.promise import Wake, unheeded
from microblog.database import open_sqlite
from microblog.keeping import Beat

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 1.0
_IDLE = "not watching the database file"


class SQLiteBus:
    """Watches ``PRAGMA data_version``: it changes when any other connection has committed."""

    def __init__(self, path: str, seconds: float) -> None:
        """Look at the file every ``seconds``."""
        self._path = path
        self._seconds = seconds
        self.trouble = _IDLE

    async def run(self, wake: Wake, beat: Beat = unheeded) -> None:
        """Poll, and start over if the file is out of reach for a while."""
        while True:
            beat()
            try:
                await self._watch(wake, beat)
            except (aiosqlite.Error, OSError) as error:
                log.warning("the database file cannot be watched, trying again: %s", error)
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _watch(self, wake: Wake, beat: Beat) -> None:
        connection = await open_sqlite(self._path)
        try:
            last = None
            while True:
                async with connection.execute("PRAGMA data_version") as cursor:
                    version = await cursor.fetchone()
                self.trouble = ""
                beat()
                if version != last:
                    last = version
                    wake()
                await asyncio.sleep(self._seconds)
        finally:
            self.trouble = _IDLE
            await connection.close()

    def tell(self) -> None:
        """Nothing to do: every commit changes the file."""

    async def close(self) -> None:
        """Nothing is kept open."""
