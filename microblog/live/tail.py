"""The end of the event log, followed: each event is read once for this process."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from microblog.database import UNAVAILABLE, Database, finish
from microblog.domain import events
from microblog.domain.events import Logged
from microblog.keeping import Beat
from microblog.live.telling import BREATH_SECONDS, Subjects, subjects

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 1.0

# Deals with one event; must not wait for anybody, but may let others have a turn.
Deal = Callable[[Logged, Subjects], Awaitable[None]]
# Called when events are gone that were never read, with the id of the last of them; must not wait.
Missed = Callable[[int], None]
# Called after each portion; whether the portion was a full one, so that more may follow.
Between = Callable[[bool], Awaitable[None]]


class Tail:
    """Reads on whenever it is woken. ``position`` is the id of the last event dealt with.

    ``heading`` is that of the event that it has turned to: who hears at that moment is told, and
    nobody who comes later. Most of the time both are the same. ``portion`` is the number of events
    that are read at once; it sleeps ``poll_seconds`` at most.
    """

    def __init__(
        self,
        database: Database,
        *,
        portion: int,
        poll_seconds: float,
        deal: Deal,
        missed: Missed,
        between: Between,
    ) -> None:
        self.position = self.heading = 0
        # When something was dealt with last, by a clock that is never set.
        self.moved_at = -math.inf
        self._database = database
        self._portion = portion
        self._poll_seconds = poll_seconds
        self._deal = deal
        self._missed = missed
        self._between = between
        self._something = asyncio.Event()
        self._moved = asyncio.Condition()
        self._stopping = False

    async def newest(self) -> int:
        """The id of the newest event there is."""
        async with self._database.reading() as session:
            return await events.newest(session)

    async def begin(self) -> None:
        """Stand at the end of the log."""
        self.position = self.heading = await self.newest()

    def wake(self) -> None:
        """There may be something new in the log."""
        self._something.set()

    def stop(self) -> None:
        """Have :meth:`run` end after what it is doing."""
        self._stopping = True
        self.wake()

    async def reach(self, position: int) -> None:
        """Wait until everything up to ``position`` has been dealt with, and hurry it."""
        if self.position < position:
            self.wake()
            await self.pass_by(position)

    async def pass_by(self, position: int) -> None:
        """Wait until that position has been dealt with, woken by whoever wakes."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.position >= position)

    async def run(self, beat: Beat) -> None:
        """Follow the log until :meth:`stop`; beat with every turn."""
        while not self._stopping:
            beat()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._something.wait()
            self._something.clear()
            try:
                while await self._read_on(beat):
                    beat()
            except UNAVAILABLE as error:
                log.warning("the event log cannot be read, trying again: %s", error)
                await self._try_again()
            except Exception:
                log.exception("the hub stumbled after event %d", self.position)
                await self._try_again()

    async def _try_again(self) -> None:
        await asyncio.sleep(_AGAIN_SECONDS)
        self.wake()

    async def _read_on(self, beat: Beat) -> bool:
        async with self._database.reading() as session:
            batch = await events.after(session, self.position, limit=self._portion)
            # A number that was never committed is no loss; only the first ones are swept away.
            is_hole = bool(batch) and batch[0].id != self.position + 1
            oldest = await events.oldest(session) if is_hole else None
            seen = await subjects(session, batch)
        if oldest is not None and oldest > self.position + 1:
            self.position = self.heading = batch[0].id - 1
            log.warning("events up to %d were swept away unread", self.position)
            self._missed(self.position)
        if batch:
            # To read this took a while already: now it is the turn of pages.
            await asyncio.sleep(BREATH_SECONDS)
        for event in batch:
            # To its end, once begun: nobody is told half of it, or twice.
            await finish(self._turn_to(event, seen))
            beat()
        full = len(batch) == self._portion
        await self._between(full)
        return full

    async def _turn_to(self, event: Logged, seen: Subjects) -> None:
        self.heading = event.id
        try:
            await self._deal(event, seen)
        except Exception:
            # An event that breaks the hub must not keep the next ones from anybody.
            log.exception("event %d could not be told", event.id)
        self.position = event.id
        self.moved_at = time.monotonic()
        async with self._moved:
            self._moved.notify_all()
