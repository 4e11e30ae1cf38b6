"""Wake-ups by Redis, and by the database as long as Redis is away."""

import asyncio
import logging
from contextlib import suppress
from functools import partial

from microblog.adapters.bus.promise import SILENCE_SECONDS, Bus, Wake, unheeded
from microblog.adapters.redis import Link, RedisDown
from microblog.keeping import Beat, Service

log = logging.getLogger(__name__)

CHANNEL = "microblog:event"
_AGAIN_SECONDS = 0.5


class RedisBus:
    """``SUBSCRIBE`` in each process, ``PUBLISH`` after each commit that wrote events.

    What is committed while this process changes from the one bus to the other is found as well: it
    wakes once more as soon as it hears again.
    """

    def __init__(self, link: Link, own: Bus) -> None:
        """Take the connection, and the database's own bus."""
        self._link = link
        self._own = own
        self._listens = False
        self._news = False
        self._telling: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str:
        """Why Redis does not ring, and why the database does not do so in its place."""
        if self._listens and not self._link.trouble:
            return ""
        words = [f"without redis: {self._link.trouble or 'not listening'}"]
        if not self._listens and self._own.trouble:
            words.append(self._own.trouble)
        return "; ".join(words)

    async def run(self, wake: Wake, beat: Beat = unheeded) -> None:
        """Listen to Redis, or to the database until Redis answers again."""

        def heard() -> None:
            self._listens = True
            wake()

        while True:
            try:
                with suppress(RedisDown):
                    await self._link.listen(CHANNEL, heard, beat)
            finally:
                self._listens = False
            await self._do_without(wake, beat)

    async def _do_without(self, wake: Wake, beat: Beat) -> None:
        own = Service("database's own bus", partial(self._own.run, wake), patience=SILENCE_SECONDS)
        own.start()
        try:
            is_back = False
            while not is_back:
                beat()
                await asyncio.sleep(_AGAIN_SECONDS)
                is_back = await self._link.is_back()
        finally:
            await own.stop()

    def tell(self) -> None:
        """Publish, beside the request. Commits of the same moment are told as one."""
        self._news = True
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell(), name="telling redis")

    async def _tell(self) -> None:
        while self._news:
            self._news = False
            # What is not told is found by whoever looks, and that is often.
            with suppress(RedisDown):
                await self._link.publish(CHANNEL)

    async def close(self) -> None:
        """End what is being told."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.wait({self._telling})
        await self._own.close()
