"""One place among the workers: somebody serves there, and after that one the next."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

from microblog.serving.leash import HURRY, RETIRE
from microblog.serving.worker import Worker

log = logging.getLogger(__name__)

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
# Stands for the status of a worker that the system would not start.
CANNOT_HIRE = 1


def next_pause(pause: float) -> float:
    """Seconds before another try, after one that was preceded by `pause` and failed."""
    return min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)


class Place:
    """Keeps one worker, with longer and longer pauses while each dies before it was any use.

    `hire` gives a worker that was told to serve; `served` is called when one does; `gives_up`
    decides, by the status of a worker that ended, whether this place was a failure.
    """

    def __init__(
        self,
        hire: Callable[["Place"], Awaitable[Worker]],
        *,
        served: Callable[["Place"], None],
        gives_up: Callable[["Place", int], bool],
        stall_seconds: float,
    ) -> None:
        self.has_served = asyncio.Event()
        self.worker: Worker | None = None
        self._hire = hire
        self._served = served
        self._gives_up = gives_up
        self._stall_seconds = stall_seconds
        self._leaving = False
        self._nudged = asyncio.Event()

    async def keep(self) -> int:
        """Runs until the place is left; gives 0, or the status that made it give up."""
        pause = 0.0
        while not self._leaving:
            status, was_well = await self._live()
            if self._leaving:
                break
            if self._gives_up(self, status):
                return status
            log.warning("a worker ended (%s); starting another", status)
            pause = 0.0 if was_well else next_pause(pause)
            await self._rest(pause)
        return 0

    async def _live(self) -> tuple[int, bool]:
        """The life of one worker: its exit status, and whether it had served for a while."""
        try:
            worker = self.worker = await self._hire(self)
        except OSError as error:
            log.error("no worker can be started: %s", error)  # noqa: TRY400 - the system's reason is all
            return CANNOT_HIRE, False
        if self._leaving:
            worker.tell(signal.SIGTERM)
        status = await worker.live(self._stall_seconds, self._note_ready)
        self.worker = None
        return status, worker.was_well

    def leave(self, number: int) -> None:
        """Keep nobody any more; the worker gets the signal."""
        self._leave()
        if self.worker is not None:
            self.worker.tell(number)

    def hurry(self) -> None:
        """The worker, which was told to end, waits for nobody any more."""
        if self.worker is not None:
            self.worker.say(HURRY)

    def retire(self) -> None:
        """Keep nobody any more; the worker gives way to one that serves elsewhere."""
        self._leave()
        if self.worker is not None:
            self.worker.say(RETIRE)

    def renew(self) -> None:
        """Let go of the worker; the next follows at once."""
        self._nudged.set()
        if self.worker is not None:
            self.worker.let_go()

    def _leave(self) -> None:
        self._leaving = True
        self._nudged.set()

    def _note_ready(self) -> None:
        self.has_served.set()
        self._served(self)

    async def _rest(self, seconds: float) -> None:
        self._nudged.clear()
        if seconds and not self._leaving:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._nudged.wait()
