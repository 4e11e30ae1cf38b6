"""The runner: takes tasks whose time has come, and does them, a few at once in each lane.

There is one in the loop of every process, or in a process of its own. It is woken by commits of its
process, and looks by itself for tasks whose time has come, that other processes have promised, or
whose runner has died.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

from microblog.database import UNAVAILABLE, Database
from microblog.domain import tasks
from microblog.domain.tasks import Claimed
from microblog.jobs.job import Handler, Job
from microblog.jobs.work import BEAT_SECONDS, Work
from microblog.keeping import Beat, Service
from microblog.models import utc_now

log = logging.getLogger(__name__)

_LOOK_SECONDS = 5.0
_TROUBLE_SECONDS = 1.0
# How long running jobs get to come to the end of a step, and then to clear up.
_POLITE_SECONDS = 2.0
_STOP_SECONDS = 4.0


class Runner:
    """Does what :func:`microblog.domain.tasks.promise` has promised."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        lanes: Mapping[str, int],
        *,
        clock: Callable[[], datetime] = utc_now,
        look_seconds: float = _LOOK_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        """Take what it can do, and how many tasks at once each lane takes."""
        self._database = database
        self._handlers = handlers
        self._lanes = lanes
        self._clock = clock
        self._look_seconds = look_seconds
        self._beat_seconds = beat_seconds
        self._something = asyncio.Event()
        self._stopping = False
        self.looking = Service("runner", self._look, patience=3 * look_seconds + 20.0)
        self._ending: asyncio.Task[None] | None = None
        self._running: dict[asyncio.Task[None], Work] = {}

    def start(self) -> None:
        """Begin to look for tasks."""
        self._database.on_promise(tasks.PROMISED, self.wake)
        self.looking.start()

    def wake(self) -> None:
        """There may be a task."""
        self._something.set()

    async def stop(self) -> None:
        """Let jobs come to the end of their step, give them back, and end within seconds.

        It may be asked more than once: whoever asks waits for the same end.
        """
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(), name="runner's end")
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        self._stopping = True
        self.wake()
        for work in self._running.values():
            if work.handler.hurries:
                work.cut()
        await self.looking.stop(patience=_POLITE_SECONDS)
        await self._let_end(_POLITE_SECONDS)
        for work in self._running.values():
            work.cut()
        await self._let_end(_STOP_SECONDS)
        if self._running:
            log.warning("%d tasks go on elsewhere when their lease is over", len(self._running))
        for working in self._running:
            working.cancel()

    async def _let_end(self, seconds: float) -> None:
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)

    # Looking

    async def _look(self, beat: Beat) -> None:
        while not self._stopping:
            beat()
            self._something.clear()
            try:
                pause = await self._take()
            except UNAVAILABLE as error:
                log.warning("the tasks cannot be read, trying again: %s", error)
                pause = _TROUBLE_SECONDS
            except Exception:
                log.exception("the runner stumbled")
                pause = self._look_seconds
            await self._pause(min(pause, self._look_seconds))

    async def _pause(self, seconds: float) -> None:
        if not self._stopping:
            try:
                async with asyncio.timeout(seconds):
                    await self._something.wait()
            except TimeoutError:
                pass

    async def _take(self) -> float:
        """Begin as many tasks as there are free hands; the seconds until the next look."""
        return min([await self._take_of(lane) for lane in self._lanes])

    async def _take_of(self, lane: str) -> float:
        names = [name for name, handler in self._handlers.items() if handler.lane == lane]
        while (hands := self._free_hands(lane)) > 0 and not self._stopping:
            now, held = self._clock(), self._held()
            async with self._database.reading() as session:
                due_at = await tasks.next_due(session, names, besides=held)
            if due_at is None:
                break
            if due_at > now:
                return (due_at - now).total_seconds()
            async with self._database.begin() as session:
                claimed = await tasks.claim(session, names, limit=hands, now=now, besides=held)
            if not claimed:
                break  # another one was quicker
            for task in claimed:
                self._begin(task)
        return self._look_seconds

    def _free_hands(self, lane: str) -> int:
        busy = Counter(work.handler.lane for work in self._running.values())
        return self._lanes[lane] - busy[lane]

    def _held(self) -> list[str]:
        return [work.job.task.id for work in self._running.values()]

    # Working

    def _begin(self, task: Claimed) -> None:
        job = Job(task, self._database, self._clock, lambda: self._stopping)
        work = Work(job, self._handlers[task.name], beat_seconds=self._beat_seconds)
        working = asyncio.create_task(work.do(), name=f"task {task.id}")
        self._running[working] = work
        working.add_done_callback(self._ended)

    def _ended(self, working: asyncio.Task[None]) -> None:
        del self._running[working]
        self.wake()
