"""The hub: reads the event log once for this process and hands each event to those who hear it.

How a reader joins, without a hole and without doubling, is in :mod:`microblog.live.joining`.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from itertools import islice

from microblog.adapters.bus import SILENCE_SECONDS, Bus
from microblog.database import Database
from microblog.domain import events, follows, tongues
from microblog.domain.actors import Actor
from microblog.domain.events import Logged
from microblog.keeping import Service
from microblog.live import outbox
from microblog.live.audience import Audience, Channels, Reader
from microblog.live.endings import Endings
from microblog.live.joining import Joining
from microblog.live.memory import Memory
from microblog.live.outbox import Line, Outbox
from microblog.live.past import Past
from microblog.live.tail import Tail
from microblog.live.telling import Interpret, Render, Subjects, Teller, Told
from microblog.settings import Live as LiveSettings

_BATCH = 200
# So many people are asked about by one statement.
_AT_ONCE = 500
_STOP_SECONDS = 2.0
# How long a burst of events pauses for readers who are still busy with its last part.
_PAUSE_SECONDS = 0.25


class Hub:
    """One for each process."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        settings: LiveSettings,
        render: Render,
        memory: Memory | None = None,
    ) -> None:
        """Tie the parts together; :meth:`start` sets them going."""
        self.audience = Audience()
        self.sockets: Counter[int] = Counter()  # open ones, by person
        self.settings = settings
        self.closing = False
        self._database = database
        self._teller = Teller(self.audience, render)
        self._endings = Endings(database, self.audience)
        self._tail = Tail(
            database,
            # No more at once than an empty outbox takes with ease.
            portion=max(1, min(_BATCH, settings.queue_size // 2)),
            poll_seconds=settings.poll_seconds,
            deal=self._deal,
            missed=self._note_missed,
            between=self._between,
        )
        self._past = Past(database)
        self._unsure: set[int] = set()  # people who may follow others than is known
        self._joining = Joining(
            database, memory, self._past, self._tail, self._teller, self._endings, self.audience
        )
        self.listening = Service("bus", partial(bus.run, self.wake), patience=SILENCE_SECONDS)
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

    @property
    def moved_at(self) -> float:
        """When it dealt with an event last, by a clock that is never set."""
        return self._tail.moved_at

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

    async def _deal(self, event: Logged, seen: Subjects) -> None:
        if event.kind == events.FOLLOWED:
            self.audience.follow(event.actor_id, event.subject_id)
        elif event.kind == events.UNFOLLOWED:
            self.audience.unfollow(event.actor_id, event.subject_id)
        self._endings.note(event)
        self._past.note(event)
        await self._teller.tell(event, seen)

    def _note_missed(self, position: int) -> None:
        """Everything may be otherwise now: who follows whom, who is logged in, what posts say."""
        self._teller.tell_of_gap(position)
        self._past.forget()
        self._endings.note_any()
        self._unsure.update(self.audience.people)

    async def _relearn(self) -> None:
        while self._unsure:
            some = list(islice(self._unsure, _AT_ONCE))
            async with self._database.reading() as session:
                followed = await follows.followed_by(session, some)
            for who in some:
                self.audience.relearn(who, followed[who])
            # Only now: if the database did not answer, they are looked at again.
            self._unsure.difference_update(some)

    async def _between(self, full: bool) -> None:
        await self._relearn()
        await self._endings.close_ended()
        self._past.forget_old()
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
        *,
        reads: frozenset[str] | None = None,
        line: Line | None = None,
        as_of: int | None = None,
    ) -> Reader:
        """A reader who knows whom it follows; it hears nothing yet (see :meth:`catch_up`).

        ``line`` is for what need not wait. ``as_of`` is the event as of which memory, which may be
        believed at this moment, has said who this is; without it the database is asked.
        """
        reader = Reader(actor, language, Outbox(self.settings.queue_size, line), channels)
        reader.reads = tongues.read_by(actor, spoken=language) if reads is None else reads
        reader.as_of = as_of
        await self._joining.introduce(reader)
        self.audience.add(reader)
        if self.closing:
            reader.outbox.close(outbox.GOING_AWAY)
        return reader

    def catch_up(self, reader: Reader, since: int | None) -> AsyncIterator[str]:
        """Yield what the reader missed after ``since``; when this ends, the reader is live."""
        return self._joining.catch_up(reader, since)

    def leave(self, reader: Reader) -> None:
        """Let a reader go."""
        self.audience.remove(reader)


def _silence(poll_seconds: float) -> float:
    """After how many seconds without a turn something is wrong, and the database not only slow."""
    return 3 * poll_seconds + 20.0
