"""What Hypercorn 0.18 leaves open under a live feed, closed in one place.

Left alone it changes to HTTP/2 when a client asks, holds more memory for an idle connection than
for a busy one, and on Python 3.12 and later waits for every open connection before its grace period
even begins. What it leaves open of websockets is in :mod:`microblog.serving.sockets`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar
from weakref import WeakSet

import h11
import hypercorn.asyncio.run
import hypercorn.asyncio.tcp_server
import hypercorn.protocol
import hypercorn.protocol.h11
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.events import Closed, Updated
from hypercorn.protocol.events import Event, Response
from hypercorn.protocol.h11 import H11Protocol, H11WSConnection

from microblog.serving.incoming import Incoming
from microblog.serving.sockets import Socket
from microblog.serving.waiting import Flag, LeanTaskGroup

# Of one message on a websocket; and between two pings.
MESSAGE_BYTES = 65_536
PING_SECONDS = 20.0


class Http1(H11Protocol):
    """HTTP/1.1 and nothing else: what stands in front of us speaks the newer ones."""

    async def _check_protocol(self, event: h11.Request) -> None:
        pass

    async def stream_send(self, event: Event) -> None:
        # While the process drains, each answer says that it is the last one on its connection.
        draining = getattr(self.context, "draining", False)
        if draining and isinstance(event, Response) and event.status_code >= 200:
            event = replace(event, headers=[*event.headers, (b"connection", b"close")])
        await super().stream_send(event)
        if isinstance(self.connection, H11WSConnection) and _switches(event):
            # From here on nobody speaks HTTP any more.
            del self.connection.h11_connection

    async def _maybe_recycle(self) -> None:
        await super()._maybe_recycle()
        incoming = self._incoming
        if incoming is not None and isinstance(self.connection, h11.Connection):
            incoming.note_answered(self.connection)

    async def _send_error_response(self, status_code: int) -> None:
        if (incoming := self._incoming) is not None:
            incoming.arrival.reach()  # it goes no further
        await super()._send_error_response(status_code)

    @property
    def _incoming(self) -> Incoming | None:
        # Hypercorn hands down a bound method: of the connection.
        found: Incoming | None = self.send.__self__.incoming  # type: ignore[attr-defined]
        return found

    async def _create_stream(self, request: h11.Request) -> None:
        if request.http_version not in (b"1.0", b"1.1"):
            await self._send_error_response(505)
            await self.send(Closed())
            return
        await super()._create_stream(request)


def _switches(event: Event) -> bool:
    return isinstance(event, Response) and event.status_code == 101


class Connection(TCPServer):
    """Known by name while it lives, so that it can be cut when patience ends."""

    living: ClassVar[WeakSet["Connection"]] = WeakSet()
    incoming: Incoming | None = None
    _is_read = False

    async def run(self) -> None:
        self.living.add(self)
        try:
            await super().run()
        finally:
            self.living.discard(self)
            # They know us as well: without a cycle all goes at once, and nothing to the collector.
            for name in ("protocol", "_task_group"):
                self.__dict__.pop(name, None)

    async def _read_data(self) -> None:
        await super()._read_data()
        # The timer of idle connections would keep this one for its full time, though it is over.
        self._is_read = True
        await self.idle_task.stop()

    async def protocol_send(self, event: Any) -> None:
        if self._is_read and isinstance(event, Updated):
            return  # no timer any more
        await super().protocol_send(event)

    async def _close(self) -> None:
        # A peer that the kernel has given up ends in a time-out, which Hypercorn takes for a crash.
        with suppress(OSError):
            await super()._close()


def cut_connections() -> int:
    """Drop every open connection without waiting for its peer; gives their number."""
    left = list(Connection.living)
    for connection in left:
        connection.writer.transport.abort()
    return len(left)


async def _listening_has_ended(_server: object) -> None:
    """What `Server.wait_closed` meant before Python 3.12: connections may outlive the listener."""


def mend() -> None:
    """Put the mended parts in place for this process. Twice is as good as once."""
    wait_closed: Callable[..., Awaitable[None]] = _listening_has_ended
    asyncio.base_events.Server.wait_closed = wait_closed  # type: ignore[method-assign,assignment]
    for module, name, mended in (
        (hypercorn.asyncio.run, "TCPServer", Connection),
        (hypercorn.protocol, "H11Protocol", Http1),
        (hypercorn.protocol.h11, "WSStream", Socket),
        (hypercorn.asyncio.tcp_server, "TaskGroup", LeanTaskGroup),
        (WorkerContext, "event_class", Flag),
        # Defaults, for whoever is started by Hypercorn's own command.
        (Config, "websocket_max_message_size", MESSAGE_BYTES),
        (Config, "websocket_ping_interval", PING_SECONDS),
    ):
        setattr(module, name, mended)
