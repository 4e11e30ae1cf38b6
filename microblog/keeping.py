"""Services of a process: what runs for as long as it does, and begins again when it ends by itself.

A service is a coroutine function that goes on for ever. Whatever ends it (an error, a cancellation
that nobody asked for, a plain return) is named in the log, and it begins again after a pause, which
grows while it keeps ending. It beats to show that it is alive and not only there: one that hangs is
ended, and begins again like the others.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
# What ran for so long was well: its end says nothing about the next one.
CALM_SECONDS = 30.0
# A silence is counted in so many looks, so that what the loop itself has stood still for is one.
LOOKS = 4
_SILENT = "no sign of life"

Beat = Callable[[], None]
Work = Callable[[Beat], Coroutine[Any, Any, None]]


class Service:
    """One service, from :meth:`start` to :meth:`stop`."""

    def __init__(self, name: str, work: Work, *, patience: float = math.inf) -> None:
        """Take what to do, which is handed the way to beat.

        Without a beat for ``patience`` seconds it is not well, and soon afterwards it is ended.
        """
        self.name = name
        self._work = work
        self._patience = patience
        self._pause = FIRST_PAUSE
        self._task: asyncio.Task[None] | None = None
        self._next: asyncio.TimerHandle | None = None
        self._watching: asyncio.TimerHandle | None = None
        self._silent_looks = 0
        self._is_hung = False
        self._trouble = "not started"
        self._began_at = 0.0
        self._beat_at = 0.0
        self._wanted = False

    def start(self) -> None:
        """Begin; there must be a running loop."""
        self._wanted = True
        if self._next is not None:
            self._next.cancel()
        self._begin()
        self._look_later()

    async def stop(self, *, patience: float = 0.0) -> None:
        """End for good: by itself within ``patience`` seconds, or cancelled."""
        self._wanted = False
        self._trouble = "stopped"
        if self._watching is not None:
            self._watching.cancel()
        if self._next is not None:
            self._next.cancel()
        if self._task is not None:
            if patience:
                await asyncio.wait({self._task}, timeout=patience)
            self._task.cancel()
            await asyncio.wait({self._task})

    @property
    def health(self) -> str:
        """``ok``, or what is wrong, in words for an operator."""
        if self._trouble:
            return self._trouble
        silence = time.monotonic() - self._beat_at
        return "ok" if silence <= self._patience else f"{_SILENT} for {silence:.0f} s"

    def _begin(self) -> None:
        self._trouble = ""
        self._silent_looks = 0
        self._is_hung = False
        self._began_at = self._beat_at = time.monotonic()
        self._task = asyncio.create_task(self._work(self._beat), name=self.name)
        self._task.add_done_callback(self._ended)

    def _beat(self) -> None:
        self._beat_at = time.monotonic()
        self._silent_looks = 0

    def _look_later(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        if self._patience < math.inf:
            loop = asyncio.get_running_loop()
            self._watching = loop.call_later(self._patience / LOOKS, self._look)

    def _look(self) -> None:
        self._look_later()
        self._silent_looks += 1
        # The first look may come right after a beat. And what is cancelled may hang once more.
        if self._silent_looks > LOOKS and self._task is not None and not self._task.done():
            log.error("the %s gives no sign of life; ending it", self.name)
            # It may clear up for as long again.
            self._silent_looks, self._is_hung = 0, True
            self._task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if not self._wanted:
            return
        reason = "cancelled" if task.cancelled() else type(error).__name__ if error else "ended"
        if self._is_hung:
            reason = _SILENT
        if time.monotonic() - self._began_at > CALM_SECONDS:
            self._pause = FIRST_PAUSE
        self._trouble = f"not running: {reason}"
        log.error(
            "the %s stopped by itself (%s); it begins again in %.1f s",
            self.name,
            reason,
            self._pause,
            exc_info=error,
        )
        self._next = asyncio.get_running_loop().call_later(self._pause, self._begin)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
