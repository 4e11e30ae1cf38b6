"""Connections: taken from the listener, each Hypercorn's, and let go in an order that loses none.

Hypercorn's own server hangs up on idle connections the moment it is told to stop, whatever is on
its way on them, and forgets those that it has accepted but not yet begun.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.lifespan import Lifespan
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework, LifespanState

from microblog.serving.backlog import Acceptor
from microblog.serving.incoming import Incoming
from microblog.serving.mends import Connection
from microblog.serving.stopping import CANCEL_SECONDS, Stop
from microblog.web.edge import ARRIVAL, Shedder

log = logging.getLogger(__name__)

# A connection that the kernel has handed over just now is one of ours within this time.
BEGIN_SECONDS = 0.02


class Context(WorkerContext):
    """What connections have in common; while `draining`, the next answer on each is its last."""

    draining = False


class Connections:
    """All that are open."""

    def __init__(
        self, app: ASGIWrapper, config: Config, state: LifespanState, shedder: Shedder | None
    ) -> None:
        self.shedder = shedder
        self.keep_alive_seconds = config.keep_alive_timeout
        self._app = app
        self._config = config
        self._state = state
        self._context = Context(None)
        self._tasks: set[asyncio.Task[object]] = set()
        self._none_left = asyncio.Event()

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def draining(self) -> bool:
        return self._context.draining

    def begin(
        self, incoming: Incoming, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        # Each connection has a state of its own, with what it has on the way to the application.
        state = LifespanState({**self._state, ARRIVAL: incoming.arrival})
        connection = Connection(self._app, loop, self._config, self._context, state, reader, writer)
        connection.incoming = incoming
        task = loop.create_task(connection.run())
        self._tasks.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a connection failed", exc_info=error)
        if not self._tasks:
            self._none_left.set()

    def begin_draining(self) -> None:
        """From now on each answer is the last one on its connection."""
        self._context.draining = True

    async def drain(self, stop: Stop) -> None:
        """Answer what is under way or arrives while we linger, and end every connection."""
        await self._linger(stop)
        await self._context.terminated.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._config.graceful_timeout)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=CANCEL_SECONDS)

    async def _linger(self, stop: Stop) -> None:
        if not self._tasks:
            return
        self._none_left.clear()
        ends = [asyncio.create_task(event.wait()) for event in (self._none_left, stop.hurried)]
        await asyncio.wait(ends, timeout=stop.linger, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()


async def serve(
    app: ASGIFramework,
    config: Config,
    listener: socket.socket,
    stop: Stop,
    *,
    most: int,
    shedder: Shedder | None,
    begun: Callable[[], None],
    ending: Callable[[], None],
) -> None:
    """Serve until `stop` is asked for, and then until nothing is under way.

    No more than `most` connections are open at a time; `shedder` refuses what is too much.
    `begun` is called once connections are accepted, `ending` once they are no more. Raises
    Hypercorn's LifespanFailureError if the app refuses to start, LifespanTimeoutError if it takes
    too long over its start or end.
    """
    wrapped, state = ASGIWrapper(app), LifespanState({})
    lifespan = Lifespan(wrapped, config, asyncio.get_running_loop(), state)
    living = asyncio.create_task(lifespan.handle_lifespan())
    await lifespan.wait_for_startup()
    if living.done():
        living.result()
    connections = Connections(wrapped, config, state, shedder)
    acceptor = Acceptor(listener, connections, most)
    acceptor.begin()
    if not stop.asked.is_set():
        begun()
    await stop.asked.wait()
    connections.begin_draining()
    ending()
    await acceptor.end(min(BEGIN_SECONDS, stop.linger))
    await connections.drain(stop)
    await lifespan.wait_for_shutdown()
    living.cancel()
    with suppress(asyncio.CancelledError):
        await living
