"""A line of requests: who has a place, who waits for one, and who need not even begin to wait."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from microblog.i18n import marked
from microblog.logs import Seldom
from microblog.web.edge.asgi import Receive
from microblog.web.edge.bodies import Gone
from microblog.web.edge.refused import Refused
from microblog.web.edge.turnstile import Turnstile

# A few milliseconds of work.
_IN_A_TURN = 4
# How many of the last requests say how long one takes.
_REMEMBERED = 16
_LEFT = frozenset({"http.disconnect", "websocket.disconnect"})
_BUSY = marked("The service is busy. Please try again in a moment.")

seldom = Seldom(logging.getLogger(__name__))


class Place:
    """The right to be worked on. Whoever has one gives it back, and says when all is over."""

    __slots__ = ("_beside", "_given_back", "_line", "began")

    def __init__(self, line: "Line", began: float) -> None:
        self._line = line
        self._given_back = self._beside = False
        self.began = began

    def give_back(self) -> None:
        if not self._given_back:
            self._given_back = True
            self._line.leave(self)

    def step_aside(self) -> None:
        if not self._given_back and self._line.beside < self._line.most:
            self._line.beside += 1
            self._beside = True
            self.give_back()

    def end(self) -> None:
        self.give_back()
        self._line.beside -= self._beside
        self._beside = False


class Line:
    """Places, and those who wait for one, first come first served.

    ``places`` at once, ``most`` in line, ``patience`` seconds there at most. ``clock`` gives
    seconds that only grow.
    """

    def __init__(
        self,
        places: int,
        most: int,
        patience: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._places = places
        self.most = most
        self._patience = patience
        self._clock = clock
        self._free = places
        self._waiting: deque[asyncio.Future[Place]] = deque()
        self._turnstile = Turnstile(_IN_A_TURN)
        self._held = 0.0  # seconds that a place is held of late
        self._moved_at = clock()
        self.beside = 0  # those who stepped aside, and have not ended
        self.coming = 0  # those who were let in, and do not stand here yet
        self.refused = 0  # so far

    async def turn(self, receive: Receive, since: float | None = None) -> tuple[Place, Receive]:
        """A place, and what to receive from after that.

        Who was let in already, and ``since`` when, is only refused for being late. Raises
        :class:`Refused` (503), or :class:`Gone` if the client has left meanwhile.
        """
        since = self._let_in() if since is None else since
        await self._turnstile.pass_through()
        now = self._clock()
        if self._free:
            self._free -= 1
            self._moved_at = now
            return Place(self, now), receive
        return await self._wait(receive, since + self._patience - now)

    def _let_in(self) -> float:
        if self.is_full:
            raise self._full()
        return self._clock()

    @property
    def is_full(self) -> bool:
        """Whether a newcomer is told to go."""
        ahead = self.waiting + self.coming - self._free
        return ahead >= 0 and (ahead >= self.most or self._expected(ahead) > self._patience / 2)

    def _expected(self, ahead: int) -> float:
        """How long a newcomer would wait, in seconds; a standstill is expected to last as long."""
        next_turn = self._held / self._places
        standstill = 0.0 if self._free else self._clock() - self._moved_at
        return max((ahead + 1) * next_turn, standstill)

    def now(self) -> float:
        return self._clock()

    def note_refusal(self) -> None:
        """Somebody was told to go."""
        self.refused += 1
        seldom.warning("more requests than this process can do: newcomers are told to come again")

    def _full(self) -> Refused:
        self.note_refusal()
        return busy()

    async def _wait(self, receive: Receive, patience: float) -> tuple[Place, Receive]:
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[Place] = loop.create_future()
        heard = _Heard(receive, mine)
        self._waiting.append(mine)
        timer = loop.call_later(patience, lambda: self._give_up(mine))
        listening = asyncio.create_task(heard.listen())
        try:
            place = await mine
        except BaseException:
            self._forget(mine)
            raise
        finally:
            timer.cancel()
            listening.cancel()
            await asyncio.wait({listening})
        return place, heard.receive

    def _give_up(self, waiter: asyncio.Future[Place]) -> None:
        if not waiter.done():
            waiter.set_exception(self._full())

    def _forget(self, waiter: asyncio.Future[Place]) -> None:
        if waiter in self._waiting:
            self._waiting.remove(waiter)
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            # Cancelled in the very moment of the turn.
            waiter.result().give_back()

    def leave(self, place: Place) -> None:
        now = self._moved_at = self._clock()
        self._held += (now - place.began - self._held) / _REMEMBERED
        while self._waiting:
            first = self._waiting.popleft()
            if not first.done():
                first.set_result(Place(self, now))
                return
        self._free += 1

    @property
    def waiting(self) -> int:
        return len(self._waiting) + len(self._turnstile)


class _Heard:
    """What a client says while it waits; only its leaving matters now, the rest is for later."""

    def __init__(self, receive: Receive, waiter: asyncio.Future[Place]) -> None:
        self._receive = receive
        self._waiter = waiter
        self._kept: deque[Any] = deque()

    async def listen(self) -> None:
        more = True
        # A body is not taken in before its turn, beyond the piece that shows that there is one.
        while more:
            message = await self._receive()
            self._kept.append(message)
            kind = message["type"]
            if kind in _LEFT:
                _settle(self._waiter, Gone())
                return
            # Who wants to open a websocket says so first, and nothing else before the answer.
            more = kind == "websocket.connect" or (
                kind == "http.request" and not message.get("more_body", False)
            )

    async def receive(self) -> Any:
        return self._kept.popleft() if self._kept else await self._receive()


def busy() -> Refused:
    """What whoever is told to go is told."""
    return Refused(503, _BUSY)


def _settle(waiter: asyncio.Future[Place], outcome: Exception) -> None:
    if not waiter.done():
        waiter.set_exception(outcome)
