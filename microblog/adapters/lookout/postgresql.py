"""The end of the log on PostgreSQL: one prepared statement on a connection outside the pools."""

import asyncio
import logging
import time
from collections.abc import Sequence
from itertools import starmap
from typing import Any

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from sqlalchemy.engine import URL

from microblog.adapters.lookout.promise import Blind, Fact
from microblog.adapters.postgresql import TROUBLES, connect_arguments

log = logging.getLogger(__name__)

# Who waits longer is better off with the database itself, which has time-outs of its own.
ANSWER_SECONDS = 1.0
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_LOOK = "SELECT id, kind, actor_id, subject_id FROM event WHERE id > $1 ORDER BY id DESC LIMIT $2"


class PostgreSQLLookout:
    """Connected with the first look, and again after a loss; meanwhile blind.

    Of several looks at the same time only one is allowed: a connection answers one at a time.
    """

    is_immediate = False

    def __init__(self, url: URL) -> None:
        """Take the service's own database address."""
        self._arguments = connect_arguments(
            url, "microblog lookout", statement_timeout=str(int(ANSWER_SECONDS * 1000))
        )
        self._connection: Any = None
        self._statement: PreparedStatement[Any] | None = None
        self._pause = _FIRST_PAUSE
        self._again_at = 0.0

    async def look(self, position: int, most: int) -> Sequence[Fact]:
        """As promised."""
        if time.monotonic() < self._again_at:
            raise Blind
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                statement = self._statement or await self._prepared()
                rows = await statement.fetch(position, most)
        except TROUBLES as error:
            self._lost(error)
            raise Blind from error
        return list(starmap(Fact, rows))

    async def _prepared(self) -> "PreparedStatement[Any]":
        self._connection = await asyncpg.connect(**self._arguments)
        self._statement = await self._connection.prepare(_LOOK)
        self._pause = _FIRST_PAUSE
        return self._statement

    def _lost(self, error: Exception) -> None:
        if self._statement is not None:
            reason = str(error) or type(error).__name__
            log.warning("the end of the log is out of sight, trying again: %s", reason)
        self._again_at = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            # Politely would be a question again, to somebody who may not answer.
            self._connection.terminate()
        self._connection = self._statement = None

    async def close(self) -> None:
        """As promised; with the next look it is opened again."""
        self._let_go()
