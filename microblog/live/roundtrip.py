"""The way that every event goes, tried out: log, bus, hub."""

import asyncio
import math
import time

from microblog.adapters.bus import Bell
from microblog.database import Database
from microblog.domain import events
from microblog.live.hub import Hub

_SECONDS = 1.2
# What comes from elsewhere says nothing about writing here: that is tried in any case by then.
_OWN_SECONDS = 30.0
UNHEARD = "found by looking: nobody rang"


class Roundtrip:
    """Sends pings round, one at a time. What has gone well is believed for a while."""

    def __init__(self, database: Database, bell: Bell, hub: Hub) -> None:
        """Take the stations."""
        self._database = database
        self._bell = bell
        self._hub = hub
        self._well_at = -math.inf
        self._pinging = asyncio.Lock()

    async def ping(self, *, every: float = 10.0) -> str:
        """Send an event round, and do not let this process know otherwise than the others.

        Returns what is not as it should be though every event arrives, and nothing if all is well.
        Raises :class:`TimeoutError` if it does not arrive. A success is believed for ``every``
        seconds, and so is any other event that went the same way, another process's ping too:
        whoever asks often does not fill the log.
        """
        trouble = [self._bell.trouble]
        async with self._pinging:
            if not self._went_well_within(every):
                if await self._is_heard():
                    self._well_at = time.monotonic()
                else:
                    trouble.append(UNHEARD)
        return "; ".join(word for word in trouble if word)

    def _went_well_within(self, seconds: float) -> bool:
        """Whether an event has come all the way lately, and nothing has been wrong since."""
        services = (self._hub.listening, self._hub.following)
        if self._bell.trouble or any(service.health != "ok" for service in services):
            return False
        passed_at = min(self._bell.rang_at, self._hub.moved_at)
        now = time.monotonic()
        is_fresh = now - max(self._well_at, passed_at) < seconds
        return is_fresh and now - self._well_at < max(seconds, _OWN_SECONDS)

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
