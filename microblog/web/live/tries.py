"""How often somebody tries to open a socket, counted in this process only.

The allowances that all processes share cost a statement for each person who comes; when a thousand
come back at once, each for the first time in a while, that would be a thousand. So every process
gives its part of the allowance, and remembers it in memory.
"""

import math
import time

from microblog.domain.errors import TooManyRequests

_MOST = 10_000


class Tries:
    """The rule is that of :mod:`microblog.domain.limits`: for each key the time of the next one."""

    def __init__(self, workers: int) -> None:
        """Give a part of each allowance, where so many processes do."""
        self._workers = workers
        self._arrivals: dict[str, float] = {}

    def spend(self, key: str, times: int, seconds: float) -> None:
        """Use one of ``times`` in any ``seconds``; :class:`TooManyRequests` if none is left."""
        interval, now = seconds / math.ceil(times / self._workers), time.monotonic()
        arrival = max(self._arrivals.get(key, now), now) + interval
        if arrival > now + seconds + 1e-6:
            raise TooManyRequests(arrival - now - seconds)
        if key not in self._arrivals and len(self._arrivals) >= _MOST:
            self._sweep(now)
        self._arrivals[key] = arrival

    def _sweep(self, now: float) -> None:
        self._arrivals = {key: then for key, then in self._arrivals.items() if then > now}
        if len(self._arrivals) >= _MOST:
            self._arrivals.clear()
