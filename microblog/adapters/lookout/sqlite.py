"""The end of the log on SQLite: a read of a page or two, in the loop itself."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from itertools import starmap

from microblog.adapters.lookout.promise import Blind, Fact

_LOOK = "SELECT id, kind, actor_id, subject_id FROM event WHERE id > ? ORDER BY id DESC LIMIT ?"


class SQLiteLookout:
    """A connection of its own that waits for nobody.

    Tens of microseconds: a thread would take longer to be woken. A reader is in nobody's way, and
    where it would have to wait itself it gives up at once.
    """

    is_immediate = True

    def __init__(self, path: str) -> None:
        """Look at this file, which is opened with the first look."""
        self._path = path
        self._connection: sqlite3.Connection | None = None

    async def look(self, position: int, most: int) -> Sequence[Fact]:
        """As promised."""
        try:
            rows = self._opened().execute(_LOOK, (position, most)).fetchall()
        except sqlite3.Error as error:
            await self.close()
            raise Blind(str(error)) from error
        return list(starmap(Fact, rows))

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(
                self._path, timeout=0, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA query_only = ON")
        return self._connection

    async def close(self) -> None:
        """As promised; with the next look it is opened again."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
