"""Indexing: the search engine beside the database is told what has become of posts.

One task of the whole service, so that two never tell in different orders: who has it keeps it, and
passes on what is noted as soon as it is. A note goes when the engine has taken what it is about.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from microblog.adapters.search_engine import EngineDown, SearchEngine
from microblog.database import Database
from microblog.domain import events, tasks
from microblog.domain.search import entries, outbox
from microblog.jobs.job import Job
from microblog.models import utc_now

log = logging.getLogger(__name__)

AT_ONCE = 500
# Other processes' posts are looked for this often.
LOOK_SECONDS = 1.0
PAUSES = (1.0, 2.0, 5.0, 15.0, 30.0)

Advance = Callable[[int], None]


class Indexing:
    """Passes notes on to an engine, as long as it has the task."""

    def __init__(
        self,
        engine: SearchEngine,
        *,
        look_seconds: float = LOOK_SECONDS,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        """Take whom to tell, and how long to leave it alone after each failure in a row."""
        self._engine = engine
        self._look_seconds = look_seconds
        self._pauses = pauses
        self._noted = asyncio.Event()

    def wake(self) -> None:
        """Something may have been noted."""
        self._noted.set()

    async def run(self, job: Job) -> None:
        """Pass on what is noted, until the task is another one's or the runner stops."""
        failures = 0
        index: str | None = None
        while True:
            self._noted.clear()
            try:
                index = index or await self._index(job)
                told = await self.pass_on(job)
            except EngineDown as error:
                pause = self._pauses[min(failures, len(self._pauses) - 1)]
                failures += 1
                index = None
                log.warning("the search engine is told nothing for %g s: %s", pause, error)
                await asyncio.sleep(pause)
            else:
                failures = 0
                if not told:
                    await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._look_seconds):
                await self._noted.wait()
        except TimeoutError:
            pass

    async def _index(self, job: Job) -> str:
        """The index that answers; where there is none, one is made of all posts."""
        return await self._engine.current() or await self.renew(job)

    async def pass_on(self, job: Job, *drafts: str) -> int:
        """Tell what has become of the posts noted longest ago; returns how many notes that was.

        ``drafts`` are told, too. Raises :class:`EngineDown`; then all notes are still there.
        """
        async with job.database.reading() as session:
            notes = await outbox.oldest(session, limit=AT_ONCE)
            if not notes.ids:
                return 0
            as_of = await events.newest(session)
            found = await entries.by_ids(session, notes.post_ids)
        gone = set(notes.post_ids) - {entry.post_id for entry in found}
        # Asked each time: an index by that name must not come into being by being written to.
        current = await self._engine.current()
        if current is None and not drafts:
            await self.renew(job)
            return len(notes.ids)
        indexes = [*([current] if current else []), *drafts]
        await self._engine.write(indexes, found, sorted(gone), as_of=as_of)
        async with job.step() as session:
            await outbox.clear(session, notes)
        return len(notes.ids)

    async def renew(self, job: Job, advance: Advance = lambda _count: None) -> str:
        """Make a new index of all posts; returns its name when it answers.

        The one before answers until then, and both are told what changes meanwhile. Each post is
        read and told before anything else is, so the last word about it is the newest.
        """
        draft = await self._engine.begin()
        last = 0
        while True:
            async with job.database.reading() as session:
                as_of = await events.newest(session)
                found = await entries.above(session, last, limit=AT_ONCE)
            if not found:
                break
            await self._engine.write([draft], found, [], as_of=as_of)
            last = found[-1].post_id
            advance(len(found))
            await self.pass_on(job, draft)
            # A large service takes longer than a lease.
            await job.advance()
        await self._engine.switch(draft)
        log.info("the search engine answers from a new index of all posts")
        return draft


async def unneeded(_job: Job) -> None:
    """The engine that there was is there no more: nobody is to be told, and the task is over."""


async def reindex(database: Database, engine: SearchEngine, advance: Advance) -> None:
    """Make the engine's index anew, in whosever hands the telling is; they have it back afterwards.

    Raises :class:`EngineDown`, or :class:`microblog.domain.tasks.Lost` if somebody else does the
    same. A process that dies in the middle leaves the old index as it is.
    """
    async with database.begin() as session:
        await tasks.repeat(session, tasks.INDEX_POSTS, due_at=utc_now())
        task = await tasks.take_over(session, tasks.INDEX_POSTS, now=utc_now())
    job = Job(task, database, utc_now, is_stopping=lambda: False)
    try:
        await Indexing(engine).renew(job, advance)
    finally:
        async with database.begin() as session:
            await tasks.give_back(session, task, now=utc_now())
