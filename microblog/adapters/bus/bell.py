"""A bus that can be asked whether it rings."""

import asyncio
import math
import time

from microblog.adapters.bus.promise import Bus, Wake, unheeded
from microblog.keeping import Beat


class Bell:
    """A bus, and a way to wait for its next wake-up."""

    def __init__(self, bus: Bus) -> None:
        """Take the bus."""
        self._bus = bus
        self.next_ring = asyncio.Event()
        """Set by the next wake-up; then there is another one here."""
        self.rang_at = -math.inf
        """When it rang last, by a clock that is never set."""

    @property
    def trouble(self) -> str:
        """As the bus says."""
        return self._bus.trouble

    async def run(self, wake: Wake, beat: Beat = unheeded) -> None:
        """As the bus does."""

        def ring() -> None:
            rung, self.next_ring = self.next_ring, asyncio.Event()
            rung.set()
            self.rang_at = time.monotonic()
            wake()

        await self._bus.run(ring, beat)

    def tell(self) -> None:
        """As the bus does."""
        self._bus.tell()

    async def close(self) -> None:
        """As the bus does."""
        await self._bus.close()
