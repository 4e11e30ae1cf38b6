"""Housekeeping: what is old is forgotten, once for the whole service."""

from datetime import timedelta

from microblog.adapters.shelf import Shelf, off_the_loop
from microblog.database import Database
from microblog.domain import answers, archives, events, grants, limits, sessions, tasks, tokens
from microblog.domain.search import outbox
from microblog.jobs.job import Job
from microblog.models import utc_now
from microblog.settings import Settings

SWEEP_EVERY = timedelta(minutes=10)
# A file that nobody knows of, an hour after it was written, was left behind by a crash.
_FORGOTTEN = timedelta(hours=1)


async def promise_upkeep(database: Database) -> None:
    """Have the service kept clean from now on; said by every process, it is promised once."""
    async with database.begin() as session:
        await tasks.repeat(session, tasks.SWEEP, due_at=utc_now() + SWEEP_EVERY)
        if session.info.get(outbox.ENGINE):
            await tasks.repeat(session, tasks.INDEX_POSTS, due_at=utc_now())


class Housekeeping:
    """Sweeps the tables and the folders that grow by themselves."""

    def __init__(self, settings: Settings, archived: Shelf, uploaded: Shelf) -> None:
        """Take how long things are kept, and where files lie."""
        self._settings = settings
        self._archived = archived
        self._uploaded = uploaded

    async def sweep(self, job: Job) -> None:
        """Forget what is old, and put the task down until the next time."""
        live = self._settings.live
        async with job.step() as session:
            await events.sweep(session, keep_hours=live.keep_hours, keep_events=live.keep_events)
            await sessions.sweep(session)
            await tokens.sweep(session)
            await answers.sweep(session)
            await limits.sweep(session)
            await grants.sweep(session)
            await tasks.sweep(session)
            await archives.sweep(session)
            await tasks.recur(session, job.task, job.clock() + SWEEP_EVERY)
        job.settle()
        await self._sweep_files(job)

    async def _sweep_files(self, job: Job) -> None:
        async with job.database.reading() as session:
            exporting = await tasks.under_way(session, tasks.EXPORT_POSTS)
            importing = await tasks.under_way(session, tasks.IMPORT_POSTS)
            archived = await archives.names(session)
        archived |= {(task.cursor or {}).get("name", "") for task in exporting}
        uploaded = {task.arguments["upload"] for task in importing}
        await off_the_loop(self._archived.sweep, archived, _FORGOTTEN)
        await off_the_loop(self._uploaded.sweep, uploaded, _FORGOTTEN)
