"""A breaker: who fails again and again is left alone for a while."""

import time
from collections.abc import Callable

FAILURES = 5
REST_SECONDS = 30.0


class Breaker:
    """Closed, it lets everything through. Opened by ``failures`` in a row, it lets nothing through
    for ``rest`` seconds; then, half-open, one try at a time, until one goes well.

    Each try belongs to a generation. A new one begins whenever the breaker opens and whenever it
    tries again, so that what began before and ends late has no say in what holds now.
    """

    def __init__(
        self,
        failures: int = FAILURES,
        rest: float = REST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin closed. ``clock`` gives seconds that only grow."""
        self._most = failures
        self._rest = rest
        self._clock = clock
        self._failures = 0
        self._opened_at = 0.0
        self._is_tried = False
        self._generation = 1

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half-open``."""
        if self._failures < self._most:
            return "closed"
        return "open" if self._clock() - self._opened_at < self._rest else "half-open"

    @property
    def is_passable(self) -> bool:
        """Whether a try may begin now."""
        return self.state == "closed" or (self.state == "half-open" and not self._is_tried)

    def admit(self) -> int | None:
        """Begin a try, if one may: its generation, with which one of the other three must tell how
        it ends.
        """
        if not self.is_passable:
            return None
        if self.state == "half-open":
            self._is_tried = True
            self._generation += 1
        return self._generation

    def succeed(self, generation: int) -> None:
        """It went well."""
        if generation == self._generation:
            self._failures = 0
            self._is_tried = False

    def fail(self, generation: int) -> None:
        """It did not."""
        if generation != self._generation:
            return
        self._failures += 1
        self._is_tried = False
        if self._failures >= self._most:
            self._opened_at = self._clock()
            self._generation += 1

    def abandon(self, generation: int) -> None:
        """It was given up from our side, which tells nothing."""
        if generation == self._generation:
            self._is_tried = False
