"""Exporting: all that a person has here, into an archive that only they may fetch.

The file is written anew by each attempt: one that was interrupted is of no use, and none can be
half of two. Then one unit of work offers it and promises the letter about it, and the task rests
until that letter is out: a restart from there on repeats nothing. What is offered stays, also if
the letter cannot go out, or the person calls the export off while it waits: then only the letter is
dropped.
"""

import logging
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.adapters.shelf import Shelf, new_name, off_the_loop
from microblog.domain import archives, letters, tasks, users
from microblog.domain.letters import Letter
from microblog.domain.tasks import Lost
from microblog.jobs.disk import on_disk
from microblog.jobs.gathering import Gatherer
from microblog.jobs.job import Failed, Job
from microblog.jobs.packing import Draft, Packed, read_plain
from microblog.letterpress import Attachment
from microblog.models import User
from microblog.settings import Archives

log = logging.getLogger(__name__)

# A letter is given up after a day: then this says the same of the export, if nobody else has.
_LETTER_PATIENCE = timedelta(hours=26)


class Exporter:
    """Makes archives."""

    def __init__(self, settings: Archives, shelf: Shelf) -> None:
        """Take the operator's wishes, and where archives lie."""
        self._settings = settings
        self._shelf = shelf

    async def run(self, job: Job) -> None:
        """Do one export, up to its letter."""
        cursor = job.task.cursor or {}
        if cursor.get("offered"):
            raise Failed(letters.UNDELIVERED)
        name, earlier = new_name(), cursor.get("name")
        await job.advance(progress=0, cursor={"name": name})
        if earlier:
            await on_disk(self._shelf.remove, earlier)
        try:
            posts, packed = await self._pack(job, name)
        except BaseException:
            await on_disk(self._shelf.remove, name)
            raise
        try:
            await self._offer(job, name, posts, packed)
        except Lost:
            await on_disk(self._shelf.remove, name)
            raise

    async def _pack(self, job: Job, name: str) -> tuple[int, Packed]:
        begun_at = job.clock()
        draft = Draft(self._shelf, name, begun_at)
        return await Gatherer(job, draft, pause=self._settings.pause).gather(begun_at)

    async def _offer(self, job: Job, name: str, posts: int, packed: Packed) -> None:
        days = self._settings.keep_days
        async with job.step() as session:
            user = await users.by_id(session, job.owner_id)
            await archives.offer(
                session, user.id, job.task.id, name, size=packed.size, posts=posts, days=days
            )
            await self._promise_letter(session, job, user, name, packed)
            due_at = job.clock() + _LETTER_PATIENCE
            await tasks.rest(session, job.task, due_at, cursor={"name": name, "offered": True})
        job.settle()
        log.info("task %s has written an archive of %d posts", job.task.id, posts)

    async def _promise_letter(
        self, session: AsyncSession, job: Job, user: User, name: str, packed: Packed
    ) -> None:
        await letters.promise(
            session,
            letters.EXPORT_POSTS,
            recipient=user.email,
            language=job.task.arguments["language"],
            user_id=user.id,
            completes=job.task.id,
            username=user.username,
            archive=name,
            attached=packed.plain < self._settings.attach_bytes,
            days=self._settings.keep_days,
        )


async def attachments(shelf: Shelf, letter: Letter) -> list[Attachment]:
    """What goes with the letter about an export: its posts, if they are not too many."""
    if letter.kind != letters.EXPORT_POSTS or not letter.details["attached"]:
        return []
    content = await off_the_loop(read_plain, shelf, letter.details["archive"])
    return [Attachment("posts.json", "application/json", content)] if content else []
