"""What has already been told, for readers who come back: read and worded once for all of them.

When a network or a server returns, everybody asks for the same part of the log at the same moment.
So it is read in parts that begin at fixed places, whatever number a reader comes with, and parts
are kept for a while. What posts say in them is what they said to those who heard them live: as of
the hub's position, or later.
"""

import asyncio
import time
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from operator import attrgetter

from microblog.database import Database
from microblog.domain import events
from microblog.domain.events import Logged
from microblog.live.telling import Subjects, subjects

# Ids of the log that one part covers at most, and how many parts are kept for how long.
LENGTH = 200
_MOST = 8
_LONGEST_SECONDS = 30.0
# These change nothing that an earlier event's frame shows.
_HARMLESS = frozenset(
    (
        events.POST_CREATED,
        events.FOLLOWED,
        events.UNFOLLOWED,
        events.SESSION_ENDED,
        events.NOTIFIED,
        events.MESSAGE_CREATED,
        events.PING,
    )
)
_id = attrgetter("id")


@dataclass(frozen=True, slots=True)
class Part:
    """All events above ``start``, up to ``until``; ``oldest`` is the oldest that was there."""

    start: int
    until: int
    events: tuple[Logged, ...]
    seen: Subjects
    oldest: int | None
    ends_at: float

    def after(self, position: int) -> tuple[Logged, ...]:
        """Its events above that position."""
        return self.events[bisect_right(self.events, position, key=_id) :]

    def misses(self, position: int) -> bool:
        """Whether something that followed on ``position`` was swept away before this was read."""
        return self.oldest is None or position < self.oldest - 1

    def is_about(self, author_id: int) -> bool:
        """Whether it shows this person or something of theirs."""
        return any(event.actor_id == author_id for event in self.events)


class Past:
    """The parts that were asked for lately."""

    def __init__(self, database: Database) -> None:
        """Know of nothing yet."""
        # With 0 every part is read for each who asks.
        self.most = _MOST
        self._database = database
        self._parts: OrderedDict[int, Part] = OrderedDict()
        self._changes = 0
        # One reads at a time: the others find what it has read, and pages need connections, too.
        self._reading = asyncio.Lock()

    def note(self, event: Logged) -> None:
        """Let go of what no longer says what the database says."""
        if event.kind in _HARMLESS:
            return
        self._changes += 1
        for start, part in list(self._parts.items()):
            if event.actor_id == events.ANYBODY or part.is_about(event.actor_id):
                del self._parts[start]

    def forget(self) -> None:
        """Anything may have changed."""
        self._changes += 1
        self._parts.clear()

    def forget_old(self) -> None:
        """Let go of what has been kept for long."""
        now = time.monotonic()
        for start, part in list(self._parts.items()):
            if part.ends_at <= now:
                del self._parts[start]

    async def part(self, position: int, target: int) -> Part:
        """The part that goes on from ``position``, up to ``target`` if it is as long as that.

        The hub must have turned to ``target`` already.
        """
        start = position - position % LENGTH
        until = min(target, start + LENGTH)
        part = self._found(start, until)
        if part is None:
            async with self._reading:
                part = self._found(start, until) or await self._read(start, until)
        return part

    def _found(self, start: int, until: int) -> Part | None:
        part = self._parts.get(start)
        if part is None or part.until < until or part.ends_at <= time.monotonic():
            return None
        self._parts.move_to_end(start)
        return part

    async def _read(self, start: int, until: int) -> Part:
        part = None
        while part is None:
            part = await self._read_on(start, until)
        return part

    async def _read_on(self, start: int, until: int) -> Part | None:
        """None if that on which it was to follow was let go of meanwhile."""
        self.forget_old()
        changes, known = self._changes, self._parts.get(start)
        ends_at = time.monotonic() + _LONGEST_SECONDS
        async with self._database.reading() as session:
            begun = start if known is None else known.until
            batch = await events.after(session, begun, limit=LENGTH, until=until)
            seen = await subjects(session, batch)
            # Asked last: what is swept away while we read is a gap too.
            oldest = await events.oldest(session)
        if known is not self._parts.get(start):
            return None
        part = Part(start, until, tuple(batch), seen, oldest, ends_at)
        if known is not None:
            part = _joined(known, part)
        # If something has changed, this was read before that or after: good for one, not to keep.
        if changes == self._changes:
            self._keep(part)
        return part

    def _keep(self, part: Part) -> None:
        self._parts[part.start] = part
        self._parts.move_to_end(part.start)
        if len(self._parts) > self.most:
            self._parts.popitem(last=False)


def _joined(known: Part, more: Part) -> Part:
    seen = Subjects(
        known.seen.posts | more.seen.posts,
        known.seen.translations | more.seen.translations,
        # Its own: what is worded now may be of the past by the time that somebody asks for `known`.
        dict(known.seen.frames),
    )
    oldest = more.oldest if more.misses(known.until) else known.oldest
    return Part(known.start, more.until, known.events + more.events, seen, oldest, known.ends_at)
