"""Gathering: what a person has here, part by part, into the draft of an archive.

Between two parts nothing is held, neither a transaction nor a lock, so it may take as long as it
takes; posts that are written meanwhile are left for the next time.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from microblog.domain import belongings, companions
from microblog.domain.belongings import Extent
from microblog.domain.companions import Sent
from microblog.i18n import gettext as _
from microblog.i18n import speaking
from microblog.jobs import entries
from microblog.jobs.disk import on_disk
from microblog.jobs.job import Job, Stopped
from microblog.jobs.packing import FORMAT, LAYOUT, VERSION, Draft, Packed

# Few enough that a page that is asked for meanwhile does not wait for them.
_BATCH = 200

# Entries of one kind, from a place on; and how one of them is written.
Read = Callable[..., Awaitable[Sequence[Any]]]
Write = Callable[[Any], Mapping[str, Any]]


class Gatherer:
    """Fills one draft for one job."""

    def __init__(self, job: Job, draft: Draft, *, pause: float) -> None:
        """Take whose things, where to, and for how many seconds to wait after each post."""
        self._job = job
        self._owner_id = job.owner_id
        self._draft = draft
        self._pause = pause

    async def gather(self, begun_at: datetime) -> tuple[int, Packed]:
        """Fill and finish it; the number of posts in it, and its sizes."""
        async with self._job.database.reading() as session:
            person = await belongings.of_self(session, self._owner_id)
            extent = await belongings.extent(session, self._owner_id)
        readme = _readme(str(self._job.task.arguments["language"]), person.username, begun_at)
        try:
            await on_disk(self._draft.begin, entries.of_self(person))
            posts = await self._posts(extent)
            await self._list("following", companions.following, entries.of_bond)
            await self._list("followers", companions.followers, entries.of_bond)
            await self._messages()
            return posts, await on_disk(self._draft.finish, readme)
        finally:
            await on_disk(self._draft.close)

    async def _posts(self, extent: Extent) -> int:
        await on_disk(self._draft.begin_list, "posts")
        # Never more at once than one percent, so that every percent is told.
        batch = max(1, min(_BATCH, extent.posts // 100))
        above, done, told = None, 0, 0
        while extent.last is not None:
            began = time.monotonic()
            async with self._job.database.reading() as session:
                posts = await belongings.posts(
                    session, self._owner_id, above=above, last=extent.last, limit=batch
                )
            if not posts:
                break
            await on_disk(self._draft.add_posts, posts)
            above, done = posts[-1].point, done + len(posts)
            # At least half of the time is everybody else's: pages go first.
            await asyncio.sleep(max(time.monotonic() - began, self._pause * len(posts)))
            told = await self._tell(told, 100 * done // extent.posts)
        await on_disk(self._draft.end_list)
        return done

    async def _tell(self, told: int, percent: int) -> int:
        # All of it is told when the letter is out.
        if told < percent < 100:
            told = percent
            await self._job.advance(progress=told)
        self._heed()
        return told

    async def _messages(self) -> None:
        await on_disk(self._draft.begin_list, "messages")
        await self._entries(companions.received, entries.of_message)
        await self._entries(companions.sent, entries.of_message, above=Sent(0, 0))
        await on_disk(self._draft.end_list)

    async def _list(self, name: str, read: Read, write: Write) -> None:
        await on_disk(self._draft.begin_list, name)
        await self._entries(read, write)
        await on_disk(self._draft.end_list)

    async def _entries(self, read: Read, write: Write, above: Any = 0) -> None:
        while True:
            async with self._job.database.reading() as session:
                found = await read(session, self._owner_id, above=above, limit=_BATCH)
            if not found:
                return
            await on_disk(self._draft.add, [write(each) for each in found])
            above = found[-1].key
            self._heed()

    def _heed(self) -> None:
        """Leave off between two parts when the runner stops."""
        if self._job.is_stopping():
            raise Stopped


def _readme(language: str, username: str, begun_at: datetime) -> str:
    with speaking(language):
        made = _(
            "This archive was made for %(username)s on %(date)s (UTC).",
            username=username,
            date=f"{begun_at:%Y-%m-%d %H:%M}",
        )
        posts = _("posts.json: your posts with their dates, oldest first.")
        everything = _(
            "archive.json: everything that you have here: your profile, your posts, whom you "
            "follow, who follows you, and your private messages. Keep it to yourself."
        )
        back = _(
            "You can bring your posts back, here or to another Microblog: on your account page, "
            "import this file as it is."
        )
        named = _(
            "The fields of archive.json (format %(name)s, version %(version)d):",
            name=FORMAT,
            version=VERSION,
        )
    return f"{made}\n\n{posts}\n{everything}\n\n{back}\n\n{named}\n\n{LAYOUT}"
