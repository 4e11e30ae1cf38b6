"""Importing: the posts of an archive come back, with their dates, and nobody is disturbed by it.

The whole archive is checked before the first post is put in. Then each part is put in by one unit
of work, together with how far it is: whoever goes on after a crash begins behind it, and what is
there already is left out in any case. What else an archive holds stays where it is.

A post stands in everybody's lists where its date belongs, and anybody can write dates into a file:
so no date is later than the upload, and where others write, too, an archive brings no more posts of
the last day than a person may send at once.
"""

import asyncio
import logging
import time
from datetime import timedelta

from microblog.adapters.shelf import Shelf
from microblog.database import Database
from microblog.domain import restoring, tasks
from microblog.domain.restoring import Restored
from microblog.domain.tasks import Lost
from microblog.i18n import marked
from microblog.jobs.disk import on_disk
from microblog.jobs.job import Failed, Job, Stopped
from microblog.jobs.unpacking import TOO_LARGE, NoArchive, Parcel
from microblog.settings import Archives

log = logging.getLogger(__name__)

GONE = marked("The file that you sent is not there any more. Please send it again.")
TOO_FRESH = marked(
    "There are too many posts of the last day in this archive. Please try again tomorrow."
)

# One unit of work puts in so many; others that write wait for it.
_BATCH = 50
# Then it is their turn for as long, at least for so many seconds: on SQLite the writers of other
# processes look only now and then.
_LEAST_PAUSE = 0.02
# Posts of so long ago are still on top of people's lists.
_FRESH = timedelta(days=1)
# Reading alone keeps nobody waiting.
_CHECKED_AT_ONCE = 200


class Importer:
    """Takes archives apart."""

    def __init__(self, settings: Archives, shelf: Shelf, *, most_fresh: int) -> None:
        """Take the operator's bounds, where uploads lie, and how many posts may be of today."""
        self._settings = settings
        self._shelf = shelf
        self._most_fresh = most_fresh

    async def run(self, job: Job) -> None:
        """Do one import; what was sent is removed at its end, whatever that is."""
        upload = job.task.arguments["upload"]
        try:
            await self._import(job, upload)
        except Failed:
            await on_disk(self._shelf.remove, upload)
            raise
        except Lost:
            if not await _is_active(job.database, job.task.id):
                await on_disk(self._shelf.remove, upload)
            raise
        await on_disk(self._shelf.remove, upload)

    async def _import(self, job: Job, upload: str) -> None:
        if not await on_disk(self._shelf.path(upload).exists):
            raise Failed(GONE)
        done = (job.task.cursor or {}).get("done", 0)
        total = await self._check(job, upload)
        if not done:
            await job.advance(progress=0)
        added = await self._restore(job, upload, done, total)
        async with job.step() as session:
            await tasks.finish(session, job.task)
        job.settle()
        log.info("task %s has brought back %d of %d posts", job.task.id, added, total)

    async def _check(self, job: Job, upload: str) -> int:
        """Read all of it; how many posts there are. Raises :class:`Failed`."""
        parcel, total, fresh = self._parcel(job, upload), 0, 0
        try:
            while posts := await _posts(job, parcel, _CHECKED_AT_ONCE):
                total += len(posts)
                if total > self._settings.import_posts:
                    raise Failed(TOO_LARGE)
                fresh += await _count_fresh(job, posts)
        finally:
            await on_disk(parcel.close)
        if fresh > self._most_fresh and await _have_others_written(job):
            raise Failed(TOO_FRESH)
        return total

    async def _restore(self, job: Job, upload: str, done: int, total: int) -> int:
        parcel, added, seen = self._parcel(job, upload), 0, 0
        try:
            while posts := await _posts(job, parcel, _BATCH):
                seen += len(posts)
                if seen > done:
                    began = time.monotonic()
                    added += await _put_in(job, posts, seen, total)
                    await asyncio.sleep(max(_LEAST_PAUSE, time.monotonic() - began))
        finally:
            await on_disk(parcel.close)
        return added

    def _parcel(self, job: Job, upload: str) -> Parcel:
        bound = self._settings.unpacked_bytes
        return Parcel(self._shelf.path(upload), most_bytes=bound, now=job.task.created_at)


async def _posts(job: Job, parcel: Parcel, number: int) -> list[Restored]:
    if job.is_stopping():
        raise Stopped
    try:
        posts = await on_disk(parcel.next_posts, number)
    except NoArchive as error:
        raise Failed(str(error)) from error
    await asyncio.sleep(0)
    return posts


async def _count_fresh(job: Job, posts: list[Restored]) -> int:
    """How many would be new here, and as good as new."""
    since = job.task.created_at - _FRESH
    fresh = [post for post in posts if post.created_at > since]
    if not fresh:
        return 0
    async with job.database.reading() as session:
        return len(await restoring.missing(session, job.owner_id, fresh))


async def _have_others_written(job: Job) -> bool:
    async with job.database.reading() as session:
        return await restoring.have_others_written(session, job.owner_id)


async def _put_in(job: Job, posts: list[Restored], seen: int, total: int) -> int:
    before, after = (100 * count // total for count in (seen - len(posts), seen))
    async with job.step() as session:
        added = await restoring.restore(session, job.owner_id, posts)
        await tasks.note(
            session,
            job.task,
            # All of it is told at the end.
            progress=after if before < after < 100 else None,
            cursor={"done": seen},
        )
    return added


async def _is_active(database: Database, task_id: str) -> bool:
    async with database.reading() as session:
        return await tasks.is_active(session, task_id)
