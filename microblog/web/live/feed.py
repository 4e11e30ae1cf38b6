"""An open socket: the two directions of one reader, without a web framework between.

A socket holds no database session while it waits, and nothing of the handshake: of most sockets,
waiting is all that they do.
"""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from microblog.database import UNAVAILABLE, Database
from microblog.domain.actors import Actor
from microblog.live import outbox, wire
from microblog.live.audience import Reader
from microblog.live.hub import Hub
from microblog.live.outbox import Line
from microblog.web.edge.asgi import Receive, Send
from microblog.web.live import channels
from microblog.web.live.channels import UnknownChannel

log = logging.getLogger(__name__)

_LONGEST_MESSAGE = 4096
# A peer that takes no byte for this long is dead, or wants to be.
_SEND_SECONDS = 30.0
_MINUTE = 60.0


class DeadPeer(Exception):
    """A peer that takes nothing any more; there is nobody to say it to."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Who was let in, and what the address of the socket asked for.

    ``messages`` is how many messages a minute may come in; ``as_of`` the event as of which memory
    knew the actor, if memory was asked.
    """

    actor: Actor
    since: int | None
    wishes: tuple[str, ...]
    language: str
    reads: frozenset[str]
    messages: int
    as_of: int | None = None


class Feed:
    """One socket from its acceptance to its end."""

    __slots__ = ("_database", "_hub", "_line", "_receive", "_send")

    def __init__(
        self, hub: Hub, database: Database, receive: Receive, send: Send, line: Line | None = None
    ) -> None:
        """Take what the socket needs for as long as it is open; a server of ours gives a line."""
        self._hub = hub
        self._database = database
        self._line = line
        self._receive = receive
        self._send = send

    async def serve(self, guest: Guest) -> None:
        """Serve one reader until either side has had enough."""
        try:
            await self._serve(guest)
        except DeadPeer:
            pass
        except UNAVAILABLE as error:
            log.warning("a socket cannot be served: %s", error)
            with suppress(DeadPeer):
                await self._close(outbox.TRY_AGAIN)

    async def _serve(self, guest: Guest) -> None:
        try:
            asked = await channels.found(self._database, guest.wishes)
        except UnknownChannel:
            await self._close(outbox.UNSUPPORTED)
            return
        reader = await self._hub.admit(
            guest.actor,
            guest.language,
            asked,
            reads=guest.reads,
            line=self._line,
            as_of=guest.as_of,
        )
        listening = asyncio.create_task(self._listen(reader, guest.messages))
        try:
            await self._tell(reader, guest.since)
        finally:
            self._hub.leave(reader)
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _tell(self, reader: Reader, since: int | None) -> None:
        """Everything that goes out, in order; ends with the close frame."""
        hub, box = self._hub, reader.outbox
        heartbeat, name = hub.settings.heartbeat, reader.actor.username
        await self._say(wire.frame("hello", reader.newest, heartbeat=heartbeat, user=name))
        async for frame in hub.catch_up(reader, since):
            if box.close_code is not None:
                break
            await self._say(frame)
        while box.close_code is None:
            waiting = await box.get(heartbeat)
            if waiting is not None:
                await self._say(waiting)
            elif box.close_code is None:
                await self._say(wire.frame("heartbeat", hub.position))
        if box.close_code != outbox.GONE:
            await self._close(box.close_code)

    async def _listen(self, reader: Reader, messages: int) -> None:
        """Everything that comes in: new channels, or an end."""
        box, minute, count = reader.outbox, 0.0, 0
        while box.close_code is None:
            event = await self._receive()
            if event["type"] == "websocket.connect":
                continue
            if event["type"] == "websocket.disconnect":
                box.close(outbox.GONE)
                return
            now = time.monotonic()
            if now - minute >= _MINUTE:
                minute, count = now, 0
            count += 1
            if count > messages:
                box.close(outbox.UNWELCOME)
            else:
                await self._hear(reader, event.get("text") or event.get("bytes"))

    async def _hear(self, reader: Reader, message: str | bytes | None) -> None:
        if _size(message) > _LONGEST_MESSAGE:
            reader.outbox.close(outbox.TOO_BIG)
            return
        try:
            asked = await channels.found(self._database, channels.wished(message))
        except UnknownChannel:
            reader.outbox.close(outbox.UNSUPPORTED)
        except UNAVAILABLE as error:
            log.warning("a wish for channels cannot be met: %s", error)
            reader.outbox.close(outbox.TRY_AGAIN)
        else:
            self._hub.audience.tune(reader, asked)

    async def _say(self, frame: str) -> None:
        if self._line is None or not self._line.say(frame):
            await self._put({"type": "websocket.send", "text": frame})

    async def _close(self, code: int) -> None:
        await self._put({"type": "websocket.close", "code": code})

    async def _put(self, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._send(message)
        except (TimeoutError, OSError):
            raise DeadPeer from None


def _size(message: str | bytes | None) -> int:
    return len(message.encode() if isinstance(message, str) else message or b"")
