"""Websockets as they should be: never compressed, bounded in every way, and light.

Left alone, Hypercorn 0.18 grants compression to everybody (a frame of 200 KB unpacks to hundreds of
MiB), keeps storing a message that is already too long, answers as many pings as somebody likes to
send, never judges the pongs, keeps a connection whose peer never answers the close frame, and keeps
the whole apparatus of the handshake and a task for its pings as long as a socket is open.
"""

import asyncio
import socket
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypercorn.protocol.events import Data, Event, Request, StreamClosed
from hypercorn.protocol.ws_stream import (
    ASGIWebsocketState,
    FrameTooLargeError,
    WSStream,
)
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import CloseConnection, Message, Ping
from wsproto.frame_protocol import CloseReason

from microblog.serving.frames import BoundedBuffer, frame
from microblog.serving.pings import pings_of
from microblog.serving.waiting import Flag, Mailbox

CLOSE_REPLY_SECONDS = 2.0
# More of them in one second is no conversation. Parts of messages, pings and pongs all count.
FRAMES_PER_SECOND = 100
# What a peer that reads nothing may have waiting for it, in the kernel and here, in bytes.
KERNEL_BUFFER = 65_536
WRITE_BUFFER = 32_768
_PING = b"\x89\x00"
# What an open socket offers to the application beyond ASGI: itself, to `say` something at once.
LINE = "microblog.line"


class Socket(WSStream):
    """One websocket: judged by its pongs and its pace, and gone once it is closed."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.buffer: BoundedBuffer = BoundedBuffer(self.config.websocket_max_message_size)
        # Hypercorn hands down bound methods: of the protocol, and behind it of the connection.
        self._writer: asyncio.StreamWriter = self.send.__self__.send.__self__.writer  # type: ignore[attr-defined]
        self._transport = self._writer.transport
        self._heard = True
        self._gone = Flag()
        self._second, self._frames = 0, 0

    async def handle(self, event: Event) -> None:
        if isinstance(event, Request):
            await self._shake_hands(event)
            return
        if isinstance(event, Data):
            if self._gone.is_set():
                return
            self._heard = True
            if not self.handshake.accepted:
                await self._refuse_haste()
                return
        elif isinstance(event, StreamClosed):
            self._gone.up()
            pings_of(self.context).forget(self)
        await super().handle(event)
        if self._gone.is_set() and self.handshake.accepted:
            _end_parsing(self.connection)

    async def _shake_hands(self, event: Request) -> None:
        headers = [item for item in event.headers if item[0] != b"sec-websocket-extensions"]
        await super().handle(replace(event, headers=headers))
        if self.closed:
            # Refused without asking the application: nobody else would hang up.
            await self.send(StreamClosed(stream_id=self.stream_id))

    async def _refuse_haste(self) -> None:
        """Who speaks before the handshake is over has left, as far as the application knows."""
        if not self.closed and self.state is ASGIWebsocketState.HANDSHAKE:
            await self._send_error_response(400)
        await self.send(StreamClosed(stream_id=self.stream_id))

    # What comes in

    async def _handle_events(self) -> None:
        for event in self.connection.events():
            if self._is_flood():
                await self._refuse(CloseReason.POLICY_VIOLATION)
                return
            if isinstance(event, Message):
                try:
                    self.buffer.extend(event)
                except FrameTooLargeError:
                    await self._refuse(CloseReason.MESSAGE_TOO_BIG)
                    return
                if event.message_finished:
                    await self._pass_on()
            elif isinstance(event, Ping):
                await self._send_wsproto_event(event.response())
            elif isinstance(event, CloseConnection):
                if self.connection.state is ConnectionState.REMOTE_CLOSING:
                    await self._send_wsproto_event(event.response())
                await self.send(StreamClosed(stream_id=self.stream_id))
            if self._gone.is_set():
                return  # and there is no parser any more

    def _is_flood(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._frames = second, 0
        self._frames += 1
        return self._frames > FRAMES_PER_SECOND

    async def _pass_on(self) -> None:
        if self.app_put is not None:
            await self.app_put(self.buffer.to_message())
        self.buffer.clear()

    async def _refuse(self, reason: CloseReason) -> None:
        await self._send_wsproto_event(CloseConnection(code=reason))
        # The close frame is out; a client that goes on sending must not be read any further.
        await self.send(StreamClosed(stream_id=self.stream_id))

    # What goes out

    async def _accept(self, message: Any) -> None:
        await super()._accept(message)
        # What the handshake needed: one that is over has no extensions and no questions.
        _end_parsing(self.connection)
        self.connection = Connection(ConnectionType.SERVER)
        self.handshake.key = self.handshake.extensions = self.handshake.connection_tokens = None
        offered: dict[str, Any] = self.scope["extensions"]
        offered[LINE] = self
        with suppress(OSError, RuntimeError):  # who has gone meanwhile needs none
            self._transport.set_write_buffer_limits(high=WRITE_BUFFER)
            line = self._transport.get_extra_info("socket")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)

    async def _send_pings(self) -> None:
        # One timer serves all sockets; this task of Hypercorn's is over at once.
        if not self.closed:
            pings_of(self.context).look_after(self, self.config.websocket_ping_interval or 0)

    def ping(self) -> bool:
        """Write a ping, whatever else is on its way; False, and cut, if the last had no answer."""
        if self._transport.is_closing():
            return False
        if self._heard:
            self._heard = False
            self._transport.write(_PING)
            return True
        self._cut()
        return False

    @property
    def is_heard(self) -> bool:
        """Whether anything came back since the last ping."""
        return self._heard

    def _cut(self) -> None:
        with suppress(RuntimeError):  # closed already
            self._transport.abort()

    def say(self, text: str) -> bool:
        """Send a text at once; False, and nothing is sent, while the peer takes too little."""
        transport = self._transport
        if not self._is_open or transport.get_write_buffer_size() > WRITE_BUFFER:
            return False
        try:
            transport.write(frame(text))
        except (ConnectionError, RuntimeError):  # the application learns of it in its turn
            return False
        return True

    async def app_send(self, message: Any) -> None:
        if message is None:
            await self._end_of_app()
        elif self._is_plain(message):
            # Straight to the line: a frame is written in one piece, whoever else is writing.
            with suppress(ConnectionError, RuntimeError):  # its reader finds out that it is gone
                self._transport.write(frame(message["text"]))
                await self._writer.drain()
            return
        await super().app_send(message)
        if message is not None and self.state is ASGIWebsocketState.CLOSED:
            self._stop_listening()
            self.task_group.spawn(self._drop_rude_peer)

    @property
    def _is_open(self) -> bool:
        connected = self.state is ASGIWebsocketState.CONNECTED and not self.closed
        return connected and self.connection.state is ConnectionState.OPEN

    def _is_plain(self, message: Any) -> bool:
        return (
            message["type"] == "websocket.send"
            and message.get("text") is not None
            and self._is_open
        )

    async def _end_of_app(self) -> None:
        if self.state in (ASGIWebsocketState.CONNECTED, ASGIWebsocketState.CLOSED):
            # Whoever takes nothing does not take our goodbye either, and must not keep us.
            patience = 2 * CLOSE_REPLY_SECONDS
            asyncio.get_running_loop().call_later(patience, self._cut)
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
        # Our reader may be waiting for room in the app's box, which nobody will make any more.
        box = getattr(put, "__self__", None)
        if isinstance(box, Mailbox):
            box.empty()

    async def _drop_rude_peer(self) -> None:
        await self._wait_until_gone(CLOSE_REPLY_SECONDS)
        await self.send(StreamClosed(stream_id=self.stream_id))

    async def _wait_until_gone(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._gone.wait()


def _end_parsing(connection: Connection) -> None:
    """A parser and its unread bytes are a ring, which only the collector would free."""
    connection._proto._parse_more = iter(())  # type: ignore[assignment]  # noqa: SLF001 - there is no other way


async def _drop(_message: object) -> None:
    pass
