"""Wake-ups on PostgreSQL: ``NOTIFY`` rides on the commit, ``LISTEN`` hears it."""

import asyncio
import logging

import asyncpg
from sqlalchemy.engine import URL

from microblog.adapters.bus.promise import Wake, unheeded
from microblog.adapters.postgresql import TROUBLES, connect_arguments
from microblog.domain.events import NOTIFY_CHANNEL
from microblog.keeping import Beat

log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 10.0
_IDLE = "not listening to the database"
# A connection whose other end froze or vanished looks like one on which nothing happens.
KEEPALIVE_SECONDS = 15.0
ANSWER_SECONDS = 5.0


class PostgreSQLBus:
    """``LISTEN`` on a connection of its own, outside the pool; connected again when it is lost."""

    def __init__(self, url: URL) -> None:
        """Take the service's own database address."""
        self._arguments = connect_arguments(url, "microblog bus")
        self._pause = _FIRST_PAUSE
        self.trouble = _IDLE

    async def run(self, wake: Wake, beat: Beat = unheeded) -> None:
        """Listen; after a loss wake at once, as something may have happened meanwhile."""
        try:
            while True:
                beat()
                try:
                    await self._listen(wake, beat)
                except TROUBLES as error:
                    self._lost(error)
                wake()
                await asyncio.sleep(self._pause)
                self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        finally:
            self.trouble = _IDLE

    async def _listen(self, wake: Wake, beat: Beat) -> None:
        connection = await asyncpg.connect(**self._arguments, timeout=ANSWER_SECONDS)
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _connection: lost.set())
            async with asyncio.timeout(ANSWER_SECONDS):
                await connection.add_listener(NOTIFY_CHANNEL, lambda *_notification: wake())
            self._found()
            wake()
            beat()
            while not await _is_set(lost, KEEPALIVE_SECONDS):
                beat()
                async with asyncio.timeout(ANSWER_SECONDS):
                    await connection.execute("SELECT 1")
            raise ConnectionError("the connection was closed by the server")
        finally:
            # Politely would be a question again, to somebody who may not answer.
            connection.terminate()

    def _found(self) -> None:
        if self._pause > _FIRST_PAUSE:
            log.info("listening to the database again")
        self._pause = _FIRST_PAUSE
        self.trouble = ""

    def _lost(self, error: Exception) -> None:
        reason = str(error) or type(error).__name__
        if not self.trouble:
            log.warning("the connection to listen on was lost, trying again: %s", reason)
        elif self._pause == _FIRST_PAUSE:
            log.warning("no connection to listen on, trying again: %s", reason)
        self.trouble = f"{_IDLE}: {type(error).__name__}"

    def tell(self) -> None:
        """Nothing to do: the commit itself notifies."""

    async def close(self) -> None:
        """Nothing is kept open."""


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    """Whether it is set within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
