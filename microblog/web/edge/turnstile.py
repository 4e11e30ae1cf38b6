"""A turnstile: so many pass in one turn of the loop, and the others in the next ones.

A page that finds all it needs in memory never waits, so whoever only counts how many are worked on
at once would let a whole crowd through one after the other, without a break for the loop: for that
long no refusal, no post and no ping would leave.
"""

import asyncio
from collections import deque


class Turnstile:
    """Lets at most ``most`` through in one turn, first come first served."""

    __slots__ = ("_most", "_passed", "_waiting")

    def __init__(self, most: int) -> None:
        self._most = most
        self._passed = 0  # in this turn
        self._waiting: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def pass_through(self) -> None:
        """Return at once, or in the first turn with room; whoever is cancelled leaves the queue."""
        loop = asyncio.get_running_loop()
        if self._passed < self._most:
            if not self._passed:
                loop.call_soon(self._next_turn)
            self._passed += 1
            return
        mine = loop.create_future()
        self._waiting.append(mine)
        await mine

    def _next_turn(self) -> None:
        self._passed = 0
        while self._waiting and self._passed < self._most:
            first = self._waiting.popleft()
            if not first.done():
                first.set_result(None)
                self._passed += 1
        if self._passed:
            asyncio.get_running_loop().call_soon(self._next_turn)
