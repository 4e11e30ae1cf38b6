"""The hub: reads the event log once for this process and hands each event to those who hear it.

A reader joins by catching up: it reads the log for itself until it stands where the hub stands,
and is taken into the audience in that same moment, before anything else can run. So nothing falls
into a hole between what was replayed and what is live, and nothing comes twice.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.adapters.bus import Bus
from microblog.database import UNAVAILABLE, Database
from microblog.domain import events, follows, posts, sessions
from microblog.domain.actors import Actor
from microblog.domain.events import Logged
from microblog.domain.posts import PostView
from microblog.live import outbox, wire
from microblog.live.audience import Audience, Channels, Reader
from microblog.live.outbox import Outbox
from microblog.settings import Live as LiveSettings

log = logging.getLogger(__name__)

# The fragment of a post in a language, as pages show it.
Render = Callable[[PostView, str], str]
_BATCH = 200
_STOP_SECONDS = 2.0
# How long a burst of events pauses for readers who are still busy with its last part.
_PAUSE_SECONDS = 0.25
_FRAMES = {events.POST_CREATED: wire.post_created, events.POST_UPDATED: wire.post_updated}


class Hub:
    """One for each process. ``position`` is the id of the last event that it has dealt with."""

    def __init__(
        self, database: Database, bus: Bus, settings: LiveSettings, render: Render
    ) -> None:
        """Tie the parts together; :meth:`start` sets them going."""
        self.position = 0
        self.audience = Audience()
        self.sockets: Counter[int] = Counter()  # open ones, by person
        self.settings = settings
        self.closing = False
        self._database = database
        self._bus = bus
        self._render = render
        self._something = asyncio.Event()
        self._moved = asyncio.Condition()
        # No more at once than an empty outbox takes with ease.
        self._portion = max(1, min(_BATCH, settings.queue_size // 2))
        self._ended: set[int] = set()  # people of whom a login has ended, until that is dealt with
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin at the end of the log."""
        async with self._database.reading() as session:
            self.position = await events.newest(session)
        self._database.on_commit(self.wake)
        self._tasks = [
            asyncio.create_task(self._bus.run(self.wake), name="bus"),
            asyncio.create_task(self._tail(), name="hub"),
        ]

    def close_sockets(self, code: int = outbox.GOING_AWAY) -> None:
        """Have every socket closed and take no new one."""
        self.closing = True
        for reader in self.audience:
            reader.outbox.close(code)

    async def stop(self) -> None:
        """Close the sockets and end the tasks."""
        self.close_sockets()
        self._stopping = True
        self.wake()
        # In the middle of a statement it is let finish: cancelled there, a connection is lost.
        if self._tasks:
            await asyncio.wait(self._tasks[1:], timeout=_STOP_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self) -> None:
        """There may be something new in the log."""
        self._something.set()

    async def reach(self, position: int) -> None:
        """Wait until the hub has dealt with everything up to ``position``, and hurry it."""
        if self.position < position:
            self.wake()
            await self.pass_by(position)

    async def pass_by(self, position: int) -> None:
        """Wait until the hub, woken by whoever wakes it, has dealt with that position."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.position >= position)

    async def newest(self) -> int:
        """The id of the newest event there is."""
        async with self._database.reading() as session:
            return await events.newest(session)

    # Readers

    async def admit(self, actor: Actor, language: str, channels: Channels) -> Reader:
        """A reader who knows whom it follows; it hears nothing yet (see :meth:`catch_up`)."""
        reader = Reader(actor, language, Outbox(self.settings.queue_size), channels)
        async with self._database.reading() as session:
            # In this order: a follow in between is then in the set, and in what is caught up with.
            reader.newest = await events.newest(session)
            reader.followed = await follows.followed_ids(session, actor.id)
        self.audience.add(reader)
        if self.closing:
            reader.outbox.close(outbox.GOING_AWAY)
        return reader

    async def catch_up(self, reader: Reader, since: int | None) -> AsyncIterator[str]:
        """Yield what the reader missed after ``since``; when this ends, the reader is live."""
        # The login may have ended before anybody could have told this reader.
        await self._close_if_ended([reader])
        position = reader.newest if since is None else since
        if position > reader.newest:
            yield wire.frame("gap", reader.newest)
            position = reader.newest
        await self.reach(reader.newest)
        while position != self.position:
            target = self.position
            async with self._database.reading() as session:
                batch = await events.after(session, position, limit=_BATCH, until=target)
                seen = await _subjects(session, batch)
                # Asked last: what is swept away while we read is a gap too.
                oldest = await events.oldest(session)
            if oldest is None or position < oldest - 1:
                yield wire.frame("gap", target)
                position = target
                continue
            for event in batch:
                _keep_in_step(reader, event)
                if frame := self._frame_for(reader, event, seen.get(event.subject_id)):
                    yield frame
            position = batch[-1].id if len(batch) == _BATCH else target
        self.audience.connect(reader)

    def leave(self, reader: Reader) -> None:
        """Let a reader go."""
        self.audience.remove(reader)

    # The log

    async def _tail(self) -> None:
        while not self._stopping:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.settings.poll_seconds):
                    await self._something.wait()
            self._something.clear()
            try:
                while await self._read_on():
                    pass
            except UNAVAILABLE as error:
                log.warning("the event log cannot be read, trying again: %s", error)
                await self._try_again()
            except Exception:
                log.exception("the hub stumbled after event %d", self.position)
                await self._try_again()

    async def _try_again(self) -> None:
        await asyncio.sleep(1)
        self.wake()

    async def _read_on(self) -> bool:
        async with self._database.reading() as session:
            batch = await events.after(session, self.position, limit=self._portion)
            seen = await _subjects(session, batch) if batch else {}
        for event in batch:
            self.position = event.id
            try:
                self._deliver(event, seen.get(event.subject_id))
            except Exception:
                # An event that breaks the hub must not keep the next ones from anybody.
                log.exception("event %d could not be told", event.id)
        if batch:
            async with self._moved:
                self._moved.notify_all()
        await self._close_ended()
        if len(batch) < self._portion:
            return False
        await self._pause()
        return True

    async def _pause(self) -> None:
        """Let the sockets send: many events at once are no sign that a reader is slow."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PAUSE_SECONDS):
                while any(r.outbox.is_filling for r in self.audience):  # noqa: ASYNC110 (brief)
                    await asyncio.sleep(0.005)

    def _deliver(self, event: Logged, post: PostView | None) -> None:
        if event.kind == events.FOLLOWED:
            self.audience.follow(event.actor_id, event.subject_id)
        elif event.kind == events.UNFOLLOWED:
            self.audience.unfollow(event.actor_id, event.subject_id)
        elif event.kind in (events.SESSION_ENDED, events.ACCOUNT_ENDED):
            self._ended.add(event.actor_id)
        elif event.kind.startswith("post."):
            # Rendered once for each language, encoded once for each choice of channels.
            frames: dict[tuple[str, ...], str | None] = {}
            for reader in self.audience.hearing(event.actor_id):
                key = (reader.language, *reader.channels_of(event.actor_id))
                if key not in frames:
                    frames[key] = self._frame_for(reader, event, post)
                if frame := frames[key]:
                    reader.outbox.put(frame, event.id)

    def _frame_for(self, reader: Reader, event: Logged, post: PostView | None) -> str | None:
        channels = reader.channels_of(event.actor_id)
        if not channels or not event.kind.startswith("post."):
            return None
        if event.kind == events.POST_DELETED:
            return wire.post_deleted(event.id, channels, event.subject_id)
        if post is None:  # deleted meanwhile; that event follows
            return None
        html = self._render(post, reader.language)
        return _FRAMES[event.kind](event.id, channels, post, html)

    async def _close_ended(self) -> None:
        ended = frozenset(self._ended)
        await self._close_if_ended([r for who in ended for r in self.audience.of_person(who)])
        # Only now: if the database did not answer, they are looked at again.
        self._ended -= ended

    async def _close_if_ended(self, readers: list[Reader]) -> None:
        if not readers:
            return
        async with self._database.reading() as session:
            alive = await sessions.alive(session, {r.actor.session_id for r in readers})
        for reader in readers:
            if reader.actor.session_id not in alive:
                reader.outbox.close(outbox.SESSION_ENDED)


async def _subjects(session: AsyncSession, batch: list[Logged]) -> dict[int, PostView]:
    return await posts.by_ids(session, {e.subject_id for e in batch if e.kind in _FRAMES})


def _keep_in_step(reader: Reader, event: Logged) -> None:
    if event.actor_id != reader.actor.id:
        return
    if event.kind == events.FOLLOWED:
        reader.followed.add(event.subject_id)
    elif event.kind == events.UNFOLLOWED:
        reader.followed.discard(event.subject_id)
