"""What would be said again and again, said once in a while."""

import logging
import time
from collections.abc import Callable


class Seldom:
    """Warnings, the same one at most every ``every`` seconds.

    Made for few different ones: all are remembered.
    """

    def __init__(
        self,
        log: logging.Logger,
        *,
        every: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take where to say it. ``clock`` gives seconds that only grow."""
        self._log = log
        self._every = every
        self._clock = clock
        self._said: dict[str, float] = {}

    def warning(self, message: str, *values: object) -> None:
        """Say it, unless it has just been said with the same values."""
        text, now = message % values, self._clock()
        if now - self._said.get(text, now - self._every) >= self._every:
            self._said[text] = now
            self._log.warning(message, *values)
