"""A bus that can be asked whether it rings."""

import asyncio

from microblog.adapters.bus.promise import Bus, Wake


class Bell:
    """A bus, and a way to wait for its next wake-up."""

    def __init__(self, bus: Bus) -> None:
        """Take the bus."""
        self._bus = bus
        self.next_ring = asyncio.Event()
        """Set by the next wake-up; then there is another one here."""

    @property
    def trouble(self) -> str:
        """As the bus says."""
        return self._bus.trouble

    async def run(self, wake: Wake) -> None:
        """As the bus does."""

        def ring() -> None:
            rung, self.next_ring = self.next_ring, asyncio.Event()
            rung.set()
            wake()

        await self._bus.run(ring)

    def tell(self) -> None:
        """As the bus does."""
        self._bus.tell()

    async def close(self) -> None:
        """As the bus does."""
        await self._bus.close()
