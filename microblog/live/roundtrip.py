"""The way that every event goes, tried out: log, bus, hub."""

import asyncio
import math
import time

from microblog.adapters.bus import Bell
from microblog.database import Database
from microblog.domain import events
from microblog.live.hub import Hub

_SECONDS = 1.2
UNHEARD = "found by looking: nobody rang"


class Roundtrip:
    """Sends pings round. What has gone well is believed for a while."""

    def __init__(self, database: Database, bell: Bell, hub: Hub) -> None:
        """Take the stations."""
        self._database = database
        self._bell = bell
        self._hub = hub
        self._well_at = -math.inf

    async def ping(self, *, every: float = 5.0) -> str:
        """Send an event round, and do not let this process know otherwise than the others.

        Returns what is not as it should be though every event arrives, and nothing if all is well.
        Raises :class:`TimeoutError` if it does not arrive. A success is believed for ``every``
        seconds: whoever asks often does not write often.
        """
        trouble = [self._bell.trouble]
        if time.monotonic() - self._well_at >= every:
            if await self._is_heard():
                self._well_at = time.monotonic()
            else:
                trouble.append(UNHEARD)
        return "; ".join(word for word in trouble if word)

    async def _is_heard(self) -> bool:
        ring = self._bell.next_ring
        async with self._database.begin(wake=False) as session:
            events.record(session, events.PING, actor_id=0, subject_id=0)
        heard = True
        try:
            async with asyncio.timeout(_SECONDS):
                await ring.wait()
        except TimeoutError:
            heard = False
        async with asyncio.timeout(_SECONDS):
            await self._hub.reach(await self._hub.newest())
        return heard
