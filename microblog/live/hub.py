"""The hub: reads the event log once for this process and hands each event to those who hear it.

A reader joins by catching up: it reads the log for itself until it stands where the hub stands,
and is taken into the audience in that same moment, before anything else can run. So nothing falls
into a hole between what was replayed and what is live, and nothing comes twice.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress

from microblog.adapters.bus import Bus
from microblog.database import Database
from microblog.domain import events, follows, tongues
from microblog.domain.actors import Actor
from microblog.domain.events import Logged
from microblog.keeping import Service
from microblog.live import outbox, wire
from microblog.live.audience import Audience, Channels, Reader
from microblog.live.endings import Endings
from microblog.live.outbox import Outbox
from microblog.live.tail import Tail
from microblog.live.telling import Interpret, Render, Subjects, Teller, Told, subjects
from microblog.settings import Live as LiveSettings

_BATCH = 200
_STOP_SECONDS = 2.0
# When all come back at once, most stand in line here: pages need connections to the database, too.
_AT_ONCE = 2
# How long a burst of events pauses for readers who are still busy with its last part.
_PAUSE_SECONDS = 0.25


class Hub:
    """One for each process."""

    def __init__(
        self, database: Database, bus: Bus, settings: LiveSettings, render: Render
    ) -> None:
        """Tie the parts together; :meth:`start` sets them going."""
        self.audience = Audience()
        self.sockets: Counter[int] = Counter()  # open ones, by person
        self.settings = settings
        self.closing = False
        self.entrance = asyncio.Semaphore(_AT_ONCE)  # for what a newcomer asks the database
        self._database = database
        self._teller = Teller(self.audience, render)
        self._endings = Endings(database, self.audience)
        self._tail = Tail(
            database,
            # No more at once than an empty outbox takes with ease.
            portion=max(1, min(_BATCH, settings.queue_size // 2)),
            poll_seconds=settings.poll_seconds,
            deal=self._deal,
            between=self._between,
        )
        self.listening = Service("bus", lambda _beat: bus.run(self.wake))
        self.following = Service("hub", self._tail.run, patience=_silence(settings.poll_seconds))

    async def start(self) -> None:
        """Begin at the end of the log."""
        await self._tail.begin()
        self._database.on_commit(self.wake)
        self.listening.start()
        self.following.start()

    def on_arrival(self, interpret: Interpret, told: Told) -> None:
        """Have ``interpret`` called for each post that some reader wants translated.

        Translations come back by the names that ``told`` gives to languages.
        """
        self._teller.on_arrival(interpret, told)

    def close_sockets(self, code: int = outbox.GOING_AWAY, *, spread: float = 0.0) -> None:
        """Have every socket closed, in the course of ``spread`` seconds, and take no new one."""
        self.closing = True
        readers = list(self.audience)
        loop = asyncio.get_running_loop()
        for number, reader in enumerate(readers):
            if spread:
                loop.call_later(spread * number / len(readers), reader.outbox.close, code)
            else:
                reader.outbox.close(code)

    async def stop(self) -> None:
        """Close the sockets and end the tasks."""
        self.close_sockets()
        self._tail.stop()
        # In the middle of a statement it is let finish: cancelled there, a connection is lost.
        await self.following.stop(patience=_STOP_SECONDS)
        await self.listening.stop()

    # The log

    @property
    def position(self) -> int:
        """The id of the last event that the hub has dealt with."""
        return self._tail.position

    def wake(self) -> None:
        """There may be something new in the log."""
        self._tail.wake()

    async def reach(self, position: int) -> None:
        """Wait until the hub has dealt with everything up to ``position``, and hurry it."""
        await self._tail.reach(position)

    async def pass_by(self, position: int) -> None:
        """Wait until the hub, woken by whoever wakes it, has dealt with that position."""
        await self._tail.pass_by(position)

    async def newest(self) -> int:
        """The id of the newest event there is."""
        return await self._tail.newest()

    def _deal(self, event: Logged, seen: Subjects) -> None:
        if event.kind == events.FOLLOWED:
            self.audience.follow(event.actor_id, event.subject_id)
        elif event.kind == events.UNFOLLOWED:
            self.audience.unfollow(event.actor_id, event.subject_id)
        self._endings.note(event)
        self._teller.tell(event, seen)

    async def _between(self, full: bool) -> None:
        await self._endings.close_ended()
        if full:
            await self._pause()

    async def _pause(self) -> None:
        """Let the sockets send: many events at once are no sign that a reader is slow."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PAUSE_SECONDS):
                while any(r.outbox.is_filling for r in self.audience):  # noqa: ASYNC110 (brief)
                    await asyncio.sleep(0.005)

    # Readers

    async def admit(
        self,
        actor: Actor,
        language: str,
        channels: Channels,
        reads: frozenset[str] | None = None,
    ) -> Reader:
        """A reader who knows whom it follows; it hears nothing yet (see :meth:`catch_up`)."""
        reader = Reader(actor, language, Outbox(self.settings.queue_size), channels)
        reader.reads = tongues.read_by(actor, spoken=language) if reads is None else reads
        async with self.entrance, self._database.reading() as session:
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
        async with self.entrance:
            await self._endings.close_if_ended([reader])
        position = reader.newest if since is None else since
        if position > reader.newest:
            yield wire.frame("gap", reader.newest)
            position = reader.newest
        await self.reach(reader.newest)
        while position != self.position:
            target = self.position
            async with self.entrance, self._database.reading() as session:
                batch = await events.after(session, position, limit=_BATCH, until=target)
                seen = await subjects(session, batch)
                # Asked last: what is swept away while we read is a gap too.
                oldest = await events.oldest(session)
            if oldest is None or position < oldest - 1:
                yield wire.frame("gap", target)
                position = target
                continue
            for event in batch:
                _keep_in_step(reader, event)
                if frame := self._teller.frame_for(reader, event, seen):
                    yield frame
            position = batch[-1].id if len(batch) == _BATCH else target
        self.audience.connect(reader)

    def leave(self, reader: Reader) -> None:
        """Let a reader go."""
        self.audience.remove(reader)


def _silence(poll_seconds: float) -> float:
    """After how many seconds without a turn something is wrong, and the database not only slow."""
    return 3 * poll_seconds + 20.0


def _keep_in_step(reader: Reader, event: Logged) -> None:
    if event.actor_id != reader.actor.id:
        return
    if event.kind == events.FOLLOWED:
        reader.followed.add(event.subject_id)
    elif event.kind == events.UNFOLLOWED:
        reader.followed.discard(event.subject_id)
