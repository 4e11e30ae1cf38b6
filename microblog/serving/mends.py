"""What Hypercorn 0.18 leaves open under a live feed, closed in one place.

Left alone it grants compression to everybody (a frame of 200 KB unpacks to hundreds of MiB), keeps
storing a message that is already too long, never judges the pongs, changes to HTTP/2 when a client
asks, keeps a connection whose peer never answers the close frame, holds a closed socket's task
until the next ping, and on Python 3.12 and later waits for every open connection before its grace
period even begins.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar
from weakref import WeakSet

import h11
import hypercorn.asyncio.run
import hypercorn.protocol
import hypercorn.protocol.h11
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Closed
from hypercorn.protocol.events import Data, Event, Request, StreamClosed
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.ws_stream import (
    ASGIWebsocketState,
    FrameTooLargeError,
    WebsocketBuffer,
    WSStream,
)
from wsproto.events import Message, Ping

CLOSE_REPLY_SECONDS = 2.0


class BoundedBuffer(WebsocketBuffer):
    """Refuses the part that would make a message too long, instead of storing it first."""

    overflowed = False

    def extend(self, event: Message[Any]) -> None:
        if self.overflowed or self.length + len(event.data) > self.max_length:
            self.overflowed = True
            raise FrameTooLargeError
        super().extend(event)


class Socket(WSStream):
    """One websocket: never compressed, bounded, judged by its pongs, and gone once it is closed."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.buffer: BoundedBuffer = BoundedBuffer(self.config.websocket_max_message_size)
        self._heard = True
        self._gone = asyncio.Event()

    async def handle(self, event: Event) -> None:
        if isinstance(event, Request):
            headers = [item for item in event.headers if item[0] != b"sec-websocket-extensions"]
            event = replace(event, headers=headers)
        elif isinstance(event, Data):
            self._heard = True
        elif isinstance(event, StreamClosed):
            self._gone.set()
        await super().handle(event)

    async def app_send(self, message: Any) -> None:
        if message is None:
            await self._end_of_app()
        await super().app_send(message)
        if message is not None and self.state is ASGIWebsocketState.CLOSED:
            self._stop_listening()
            self.task_group.spawn(self._drop_rude_peer)

    async def _end_of_app(self) -> None:
        if self.state is ASGIWebsocketState.CLOSED:
            # Hanging up before the peer has read our close frame could lose it.
            await self._wait_until_gone(CLOSE_REPLY_SECONDS)
        self._stop_listening()
        self.app_put = _drop

    def _stop_listening(self) -> None:
        """Whatever else the peer says is dropped, but that it has gone is still passed on."""
        put = self.app_put

        async def only_the_end(event: Any) -> None:
            if event["type"] == "websocket.disconnect" and put is not None:
                await put(event)

        self.app_put = only_the_end
        # Our reader may be waiting for room in the app's queue, which nobody will make any more.
        queue = getattr(put, "__self__", None)
        while isinstance(queue, asyncio.Queue) and not queue.empty():
            queue.get_nowait()

    async def _drop_rude_peer(self) -> None:
        await self._wait_until_gone(CLOSE_REPLY_SECONDS)
        await self.send(StreamClosed(stream_id=self.stream_id))

    async def _wait_until_gone(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._gone.wait()

    async def _handle_events(self) -> None:
        await super()._handle_events()
        if self.buffer.overflowed:
            # The close frame is out; a client that goes on sending must not be read any further.
            await self.send(StreamClosed(stream_id=self.stream_id))

    async def _send_pings(self) -> None:
        while not self.closed:
            if not self._heard:
                await self.send(StreamClosed(stream_id=self.stream_id))
                return
            self._heard = False
            await self._send_wsproto_event(Ping())
            await self._wait_until_gone(self.config.websocket_ping_interval or 0)


async def _drop(_message: object) -> None:
    pass


class Http1(H11Protocol):
    """HTTP/1.1 and nothing else: what stands in front of us speaks the newer ones."""

    async def _check_protocol(self, event: h11.Request) -> None:
        pass

    async def _create_stream(self, request: h11.Request) -> None:
        if request.http_version not in (b"1.0", b"1.1"):
            await self._send_error_response(505)
            await self.send(Closed())
            return
        await super()._create_stream(request)


class Connection(TCPServer):
    """Known by name while it lives, so that it can be cut when patience ends."""

    living: ClassVar[WeakSet["Connection"]] = WeakSet()

    async def run(self) -> None:
        self.living.add(self)
        try:
            await super().run()
        finally:
            self.living.discard(self)

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
    ):
        setattr(module, name, mended)
