"""How a reader joins the feed: without a hole, and without hearing anything twice.

It catches up with the log until it knows of the event that the hub has turned to, and is taken into
the audience in that same moment, before anything else can run. So nothing falls between what was
replayed and what is live.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

from microblog.database import Database
from microblog.domain import events, follows
from microblog.domain.events import Logged
from microblog.live import wire
from microblog.live.audience import Audience, Reader
from microblog.live.endings import Endings
from microblog.live.followed import Followed
from microblog.live.memory import Memory
from microblog.live.past import Part, Past
from microblog.live.tail import Tail
from microblog.live.telling import Teller

# When all come back at once, most stand in line here: pages need the database and the loop, too.
_AT_ONCE = 2


class Joining:
    """One for each hub."""

    def __init__(
        self,
        database: Database,
        memory: Memory | None,
        past: Past,
        tail: Tail,
        teller: Teller,
        endings: Endings,
        audience: Audience,
    ) -> None:
        """Take what there is to ask; without ``memory`` it is always the database."""
        self._entrance = asyncio.Semaphore(_AT_ONCE)
        self._database = database
        self._memory = memory
        self._past = past
        self._tail = tail
        self._teller = teller
        self._endings = endings
        self._audience = audience

    async def introduce(self, reader: Reader) -> None:
        """Find out where the log ends, and then whom the reader follows.

        In this order: a follow in between is then in the set, and in what is caught up with.
        """
        if self._memory is not None and reader.as_of is not None:
            reader.newest = reader.as_of
            reader.followed = await self._memory.followed(reader.actor)
            return
        async with self._entrance, self._database.reading() as session:
            reader.newest = await events.newest(session)
            reader.followed = Followed(await follows.followed_ids(session, reader.actor.id))

    async def catch_up(self, reader: Reader, since: int | None) -> AsyncIterator[str]:
        """Yield what the reader missed after ``since``; when this ends, the reader is live."""
        await self._look_again(reader)
        position = reader.newest if since is None else since
        if position > reader.newest:
            yield wire.frame("gap", reader.newest)
            position = reader.newest
        await self._tail.reach(reader.newest)
        while position != self._tail.heading:
            target = self._tail.heading
            async with self._entrance:
                part = await self._past.part(position, target)
                is_whole = not part.misses(position)
                missed = list(self._replayed(reader, part, position)) if is_whole else []
            if not is_whole:
                yield wire.frame("gap", target)
                position = target
                await self._relearn(reader)
                continue
            for frame in missed:
                yield frame
            position = part.until
        self._audience.connect(reader)

    async def _relearn(self, reader: Reader) -> None:
        """Whom the reader follows may have changed in what is missing."""
        async with self._entrance, self._database.reading() as session:
            reader.followed = Followed(await follows.followed_ids(session, reader.actor.id))

    async def _look_again(self, reader: Reader) -> None:
        """The login may have ended before anybody could have told this reader."""
        if self._memory is not None and reader.as_of is not None:
            now = await self._memory.now()
            if now and self._memory.is_as_before(reader.actor, reader.as_of):
                return
        async with self._entrance:
            await self._endings.close_if_ended([reader])

    def _replayed(self, reader: Reader, part: Part, position: int) -> Iterator[str]:
        for event in part.after(position):
            _keep_in_step(reader, event)
            if frame := self._teller.frame_for(reader, event, part.seen):
                yield frame


def _keep_in_step(reader: Reader, event: Logged) -> None:
    if event.actor_id != reader.actor.id:
        return
    if event.kind == events.FOLLOWED:
        reader.followed.add(event.subject_id)
    elif event.kind == events.UNFOLLOWED:
        reader.followed.discard(event.subject_id)
