"""What was read before, with what it depends on: so that it is known when it holds no longer."""

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from microblog.live.topics import EVERYTHING, Touched

T = TypeVar("T")

# How many events are looked back at. A value that was not asked for in all that time is dropped.
_RING = 4096
# What somebody changes past the program, at the database's own prompt, is seen after so long.
LONGEST_SECONDS = 60.0
# About a kilobyte each: a person, or a post in a list.
MOST_WEIGHT = 20_000


@dataclass(slots=True)
class Found(Generic[T]):
    """What was read, and the topics that it depends on. ``weight`` is its size in posts.

    What was made of something that is kept holds no longer than that: until ``ends_at``.
    """

    value: T
    topics: frozenset[int]
    weight: int = 1
    ends_at: float = math.inf


Load = Callable[[], Awaitable[Found[T] | None]]


@dataclass(slots=True)
class _Value:
    found: Found[Any]
    checked_at: int
    ends_at: float


@dataclass(slots=True)
class _Flight:
    """A value on its way; ``as_of`` is the event up to which it is sure to know of everything."""

    task: "asyncio.Task[Found[Any] | None]"
    as_of: int


class Kept:
    """Values by key, the least asked for dropped first.

    A value is right if no event after the last check touches one of its topics. ``position`` is the
    last event that was told here; what is asked is answered as of that.
    """

    def __init__(
        self,
        most: int = MOST_WEIGHT,
        *,
        ring: int = _RING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep values that weigh ``most`` together."""
        self.position = 0
        self.weight = 0
        self.hits = self.misses = self.dropped = 0
        self._most = most
        self._clock = clock
        self._values: OrderedDict[Hashable, _Value] = OrderedDict()
        self._flights: dict[Hashable, _Flight] = {}
        self._ring: deque[tuple[int, tuple[int, ...]]] = deque()
        self._longest_ring = ring
        self._floor = 0  # what touches anything up to here is not in the ring

    def tell(self, position: int, touched: Touched) -> None:
        """Something has happened; told in the order of the log."""
        if touched is EVERYTHING:
            self.forget(position)
            return
        self.position = position
        if touched:
            self._ring.append((position, touched))
            if len(self._ring) > self._longest_ring:
                self._floor = self._ring.popleft()[0]

    def forget(self, position: int) -> None:
        """Anything may have happened up to there."""
        self.dropped += len(self._values)
        self._values.clear()
        self._ring.clear()
        self.weight = 0
        self.position = self._floor = position

    def drop(self, key: Hashable) -> None:
        """Have it read anew next time."""
        value = self._values.pop(key, None)
        if value is not None:
            self.weight -= value.found.weight
            self.dropped += 1

    async def get(self, key: Hashable, load: Load[T]) -> T | None:
        """What is kept, or what ``load`` finds; that is kept, unless it is ``None``.

        However many ask for the same at the same time, one load is under way at a time; its failure
        is everybody's. It goes on for the others if the one who began it leaves, so it must not use
        anything of the one who asks.
        """
        value = self._find(key)
        if value is not None:
            self.hits += 1
            return cast("T", value.found.value)
        self.misses += 1
        found = await self._fetch(key, load)
        return None if found is None else found.value

    def _find(self, key: Hashable) -> _Value | None:
        value = self._values.get(key)
        if value is None:
            return None
        if value.checked_at != self.position:
            if self._is_touched(value.found.topics, value.checked_at, self.position):
                self.drop(key)
                return None
            value.checked_at = self.position
        if self._clock() >= value.ends_at:
            self.drop(key)
            return None
        self._values.move_to_end(key)
        return value

    def ends_at(self, key: Hashable) -> float:
        """Until when at most the value is kept that was just got, by the clock of this."""
        value = self._values.get(key)
        return math.inf if value is None else value.ends_at

    def is_untouched(self, topics: frozenset[int], since: int) -> bool:
        """Whether none of the events after ``since`` that were told here touches any of these."""
        return not self._is_touched(topics, since, self.position)

    def _is_touched(self, topics: frozenset[int], since: int, until: int) -> bool:
        """Whether an event after ``since`` and up to ``until`` touches one of the topics."""
        if since < self._floor:
            return True
        for position, touched in reversed(self._ring):
            if position <= since:
                return False
            if position <= until and not topics.isdisjoint(touched):
                return True
        return False

    async def _fetch(self, key: Hashable, load: Load[T]) -> Found[T] | None:
        needed = self.position
        while (flight := self._flights.get(key)) is not None:
            try:
                # Whoever leaves meanwhile leaves alone.
                found = await asyncio.shield(flight.task)
            except Exception:
                if flight.as_of >= needed:
                    raise
                continue
            if flight.as_of >= needed:
                return found
            if found is not None and not self._is_touched(found.topics, flight.as_of, needed):
                return found
            # It was under way before something happened that this one must see.
        return await asyncio.shield(self._begin(key, load).task)

    def _begin(self, key: Hashable, load: Load[T]) -> _Flight:
        # Before anything is read: what happens from now on is not sure to be in it.
        as_of, ends_at = self.position, self._clock() + LONGEST_SECONDS

        async def fly() -> Found[T] | None:
            try:
                found = await load()
                if found is not None:
                    self._keep(key, _Value(found, as_of, min(ends_at, found.ends_at)))
            finally:
                del self._flights[key]
            return found

        task = asyncio.create_task(fly(), name="reading")
        task.add_done_callback(_heed)
        flight = self._flights[key] = _Flight(task, as_of)
        return flight

    def _keep(self, key: Hashable, value: _Value) -> None:
        self.drop(key)
        if value.found.weight > self._most:
            return
        self._values[key] = value
        self.weight += value.found.weight
        while self.weight > self._most:
            self.drop(next(iter(self._values)))

    async def close(self) -> None:
        """Let what is under way come to its end."""
        flights = [flight.task for flight in self._flights.values()]
        if flights:
            await asyncio.wait(flights)

    def __len__(self) -> int:
        """How many values there are."""
        return len(self._values)


def _heed(task: "asyncio.Task[Any]") -> None:
    # A failure that nobody waits for any more is nobody's.
    if not task.cancelled():
        task.exception()
