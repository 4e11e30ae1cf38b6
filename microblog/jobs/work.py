"""One claimed task, from its beginning to the moment when it is written down what became of it."""

import asyncio
import logging
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.database import UNAVAILABLE
from microblog.domain import tasks
from microblog.domain.tasks import Lost
from microblog.jobs.job import Change, Failed, Handler, Job, Later, Stopped

log = logging.getLogger(__name__)

BEAT_SECONDS = tasks.LEASE.total_seconds() / 3

# What may be gone the next time, and what is no mistake of ours.
_PASSING: tuple[type[Exception], ...] = (Later, *UNAVAILABLE)
_EXPECTED: tuple[type[Exception], ...] = (Failed, *_PASSING)

# Writing down what became of a task is tried this often, a second apart.
_SETTLE_TRIES = 60
_TROUBLE_SECONDS = 1.0


class Work:
    """A job, its handler at work on it, and the heartbeat that keeps the lease."""

    def __init__(self, job: Job, handler: Handler, *, beat_seconds: float = BEAT_SECONDS) -> None:
        """Take what is to be done, and how; nothing begins yet."""
        self.job = job
        self.handler = handler
        self._beat_seconds = beat_seconds
        self._handling: asyncio.Future[None] | None = None
        self._name = f"task {job.task.id} ({job.task.name})"

    def cut(self) -> None:
        """Cancel the handler, never the writing down."""
        if self._handling is not None:
            self._handling.cancel()

    async def do(self) -> None:
        """Do the task and write down what became of it. Never raises."""
        job = self.job
        try:
            await self._handle()
        except Lost:
            log.info("%s was called off, or is another runner's now", self._name)
        except Stopped:
            log.info("%s goes on elsewhere, or after the next start", self._name)
            now = job.clock()
            await self._write(lambda session: tasks.give_back(session, job.task, now=now))
        except Exception as error:  # noqa: BLE001 (whatever it is, it is written down)
            await self._write(self._failure(error))
        else:
            if job.change is not None:
                await self._write(job.change)
            elif not job.is_settled:
                await self._write(lambda session: tasks.finish(session, job.task))

    async def _handle(self) -> None:
        """Run the handler under a heartbeat. Raises what it raises, and Lost, and Stopped."""
        if self.job.task.attempts > self.handler.most_attempts:
            raise Failed(tasks.LOST)
        if self.job.is_stopping():
            raise Stopped
        self._handling = handling = asyncio.ensure_future(self.handler.run(self.job))
        beating = asyncio.create_task(self._beat())
        try:
            await asyncio.wait({handling, beating}, return_when=asyncio.FIRST_COMPLETED)
            if not handling.done():
                handling.cancel()
                await asyncio.wait({handling})
        finally:
            handling.cancel()
            beating.cancel()
            await asyncio.gather(handling, beating, return_exceptions=True)
        # What came to its end in spite of being cut, as a letter that was just taken, is done.
        if not handling.cancelled():
            handling.result()
        elif self.job.change is None:
            if beating.cancelled():
                raise Stopped
            beating.result()

    async def _beat(self) -> None:
        """Keep the lease as long as the job works. Raises :class:`Lost` when it is gone."""
        job = self.job
        while True:
            await asyncio.sleep(self._beat_seconds)
            try:
                async with job.database.begin() as session:
                    await tasks.hold(session, job.task, now=job.clock())
            except UNAVAILABLE as error:
                log.warning("the lease of %s could not be moved on: %s", self._name, error)

    # What became of it

    def _failure(self, error: Exception) -> Change:
        """What an error means for the task: another try later, or its end."""
        reason = str(error) if isinstance(error, _EXPECTED) else tasks.BROKEN
        if not isinstance(error, _EXPECTED):
            log.error("%s stumbled", self._name, exc_info=error)
        due_at = self._next_try(error)
        if due_at is None:
            log.warning("%s failed: %s", self._name, reason)
            return lambda session: self._fail(session, reason)
        log.warning("%s goes on at %s UTC: %s", self._name, f"{due_at:%Y-%m-%d %H:%M:%S}", reason)
        return lambda session: tasks.rest(session, self.job.task, due_at, reason=reason)

    def _next_try(self, error: Exception) -> datetime | None:
        task, handler = self.job.task, self.handler
        may_pass = isinstance(error, _PASSING) or (
            handler.persistent and not isinstance(error, Failed)
        )
        due_at = self.job.clock() + handler.pauses[min(task.attempts, len(handler.pauses)) - 1]
        return due_at if may_pass and due_at <= task.created_at + handler.patience else None

    async def _fail(self, session: AsyncSession, reason: str) -> None:
        await tasks.fail(session, self.job.task, reason)
        if self.handler.given_up is not None:
            await self.handler.given_up(session, self.job.task)

    async def _write(self, change: Change) -> None:
        """Write down what became of the task, and do not let go of it before that is done."""
        for _ in range(_SETTLE_TRIES):
            try:
                async with self.job.database.begin() as session:
                    await change(session)
            except Lost:
                return
            except UNAVAILABLE as error:
                log.warning("what became of a task cannot be written down yet: %s", error)
                await asyncio.sleep(_TROUBLE_SECONDS)
            else:
                return
