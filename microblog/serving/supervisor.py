"""Several serving processes behind one listening socket, and whoever keeps them.

The socket is bound once, here. Each worker is a fresh interpreter that gets it by number, and a
leash. SIGHUP replaces them one after the other, so that new code and settings are served without a
gap.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Sequence
from functools import partial

from microblog.serving import pulse, systemd
from microblog.serving.place import Place
from microblog.serving.reserve import Reserve
from microblog.serving.stopping import ECHO_SECONDS, on_hangup
from microblog.serving.worker import Worker

log = logging.getLogger(__name__)

# Beyond the workers' patience: they leave by themselves before that.
KILL_AFTER_SECONDS = 1.4


class Supervisor:
    """Keeps `count` workers alive until a signal; `ready` is called when the first one accepts.

    `patience` is what a worker may take to end and `stall_seconds` how long its loop may stand
    still (0: for ever), both in seconds. With `spare`, one more has everything loaded and waits:
    it takes the place of a worker that dies in a fraction of the time that a start takes.
    """

    def __init__(
        self,
        command: Sequence[str],
        listener: socket.socket,
        count: int,
        *,
        ready: Callable[[], None],
        patience: float,
        stall_seconds: float = 0.0,
        spare: bool = False,
    ) -> None:
        self._listener = listener
        self._reserve = Reserve(command, listener, spare=spare)
        self._count = count
        self._ready = ready
        self._patience = patience
        self._stall_seconds = stall_seconds
        self._preparing: set[asyncio.Task[None]] = set()
        self._first_of_new: Place | None = None
        self._places: dict[Place, asyncio.Task[int]] = {}
        self._stopping = asyncio.Event()
        self._stopped_at = 0.0
        self._hangup = asyncio.Event()
        self._serves = False
        self._status = 0

    async def run(self) -> int:
        """Returns the exit status: 0, or that of the worker that could not start at all."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop_or_hurry)
        on_hangup(self._stop_or_hurry, self._hangup.set)
        for _ in range(self._count):
            self._open(lambda _place, status: status > 0 and not self._serves)
        beside = [
            asyncio.create_task(pulse.beat(pulse.BEAT_SECONDS, systemd.alive)),
            asyncio.create_task(self._replace_when_asked()),
        ]
        await self._stopping.wait()
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await self._reserve.close()
        await self._end()
        return self._status

    def restart(self) -> None:
        """Let go of every worker; new ones follow at once."""
        for place in self._places:
            place.renew()

    def _open(self, gives_up: Callable[[Place, int], bool]) -> Place:
        place = Place(
            self._hire,
            served=self._note_served,
            gives_up=gives_up,
            stall_seconds=self._stall_seconds,
        )
        keeping = self._places[place] = asyncio.create_task(place.keep())
        keeping.add_done_callback(partial(self._note_end, place))
        return place

    async def _hire(self, place: Place) -> Worker:
        return await self._reserve.hire(fresh=place is self._first_of_new)

    def _note_served(self, place: Place) -> None:
        if not self._serves:
            self._serves = True
            self._ready()
            systemd.ready()
        # A spare loads when nobody waits for a start any more.
        if all(other.has_served.is_set() for other in self._places):
            preparing = self._reserve.prepare(anew=place is self._first_of_new)
            task = asyncio.create_task(preparing)
            self._preparing.add(task)
            task.add_done_callback(self._preparing.discard)

    def _note_end(self, place: Place, keeping: asyncio.Task[int]) -> None:
        del self._places[place]
        if keeping.exception() is not None:
            log.critical("the keeping of a worker failed", exc_info=keeping.exception())
            self._status = 1
        elif not self._serves:
            self._status = self._status or keeping.result()
        else:
            return
        if not self._stopping.is_set():
            self._stop()

    # Replacing

    async def _replace_when_asked(self) -> None:
        while True:
            await self._hangup.wait()
            self._hangup.clear()
            systemd.reloading()
            await self._replace_all()
            systemd.ready()

    async def _replace_all(self) -> None:
        """Each new worker serves before an old one leaves. Where none comes up, nothing changes."""
        log.info("replacing the workers, one after the other")
        for number, old in enumerate(list(self._places)):
            if not await self._raise_another(first=number == 0):
                log.error("a new worker did not come up; those that are there go on")
                return
            old.retire()
            await self._see_off(old)
        log.info("all workers are replaced")

    async def _raise_another(self, *, first: bool) -> bool:
        """One more place, whose worker must serve. The first takes over nothing loaded before."""
        place = self._open(lambda place, _: not place.has_served.is_set())
        self._first_of_new = place if first else None
        serving = asyncio.create_task(place.has_served.wait())
        await asyncio.wait([serving, self._places[place]], return_when=asyncio.FIRST_COMPLETED)
        serving.cancel()
        self._first_of_new = None
        return place.has_served.is_set()

    async def _see_off(self, place: Place) -> None:
        if keeping := self._places.get(place):
            await asyncio.wait([keeping], timeout=self._patience + KILL_AFTER_SECONDS)
            place.leave(signal.SIGKILL)
            await asyncio.wait([keeping])

    # Stopping

    def _stop_or_hurry(self) -> None:
        """The first signal is passed on; one that is no echo of it hurries the workers."""
        if not self._stopping.is_set():
            self._stop()
        elif asyncio.get_running_loop().time() - self._stopped_at > ECHO_SECONDS:
            for place in self._places:
                place.hurry()

    def _stop(self) -> None:
        """Close our side first, then tell the workers."""
        systemd.stopping()
        self._stopped_at = asyncio.get_running_loop().time()
        self._stopping.set()
        self._listener.close()
        for place in self._places:
            place.leave(signal.SIGTERM)

    async def _end(self) -> None:
        keeping = list(self._places.values())
        if keeping:
            _, late = await asyncio.wait(keeping, timeout=self._patience + KILL_AFTER_SECONDS)
            if late:
                log.warning("killing workers that would not end")
            for place in self._places:
                place.leave(signal.SIGKILL)
            await asyncio.gather(*keeping, return_exceptions=True)
