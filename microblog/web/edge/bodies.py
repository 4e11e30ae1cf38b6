"""Reading the body of a request: never more than its limit, never for ever.

Small bodies are read here, as a whole, before the application is troubled. So a slow or endless
one occupies no view, no session and no parser, whatever its type. Large ones, where a route has
such a limit, pass through and are counted.
"""

import asyncio
from typing import Any

from microblog.web.edge import contents
from microblog.web.edge.answers import Outgoing
from microblog.web.edge.asgi import Receive
from microblog.web.edge.refused import Refused
from microblog.web.edge.rules import Head

MAX_BUFFERED = 1024 * 1024
BODY_SECONDS = 30.0
# For one piece of a large body; how long the whole may take is the framework's setting.
PIECE_SECONDS = 30.0
# Bytes in a second, on average, after a first while: less than the worst of lines.
SLOWEST = 4096
WHILE_SECONDS = 20.0


class Gone(Exception):
    """The client left while its body was read: there is nobody to answer."""


def check_declared(head: Head, limit: int) -> None:
    if head.length is not None and head.length > limit:
        raise _too_large(limit)


async def buffered(head: Head, receive: Receive, limit: int) -> Receive:
    """A `receive` that hands over the whole body at once, then whatever follows it."""
    body = await _whole(receive, limit)
    contents.check(head.content_type, body)
    waiting: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Any:
        return waiting.pop() if waiting else await receive()

    return receive_again


async def _whole(receive: Receive, limit: int) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise Gone
                body += message.get("body", b"")
                if len(body) > limit:
                    raise _too_large(limit)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise _too_slow() from None


class Counted:
    """`receive` and `send` of an application that reads a large body piece by piece.

    To the application a body that breaks a rule looks like a client that left; what it still
    says is dropped, and `refused` tells what to answer in its place.
    """

    def __init__(self, receive: Receive, out: Outgoing, limit: int) -> None:
        self.refused: Refused | None = None
        self._receive = receive
        self._out = out
        self._limit = limit
        self._seen = 0
        self._complete = False
        self._began = asyncio.get_running_loop().time()

    async def receive(self) -> Any:
        if self._complete:
            return await self._receive()
        try:
            return await self._piece()
        except Refused as refused:
            self.refused, self._complete = refused, True
            return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if self.refused is None or self._out.started:
            await self._out(message)

    async def _piece(self) -> Any:
        try:
            async with asyncio.timeout_at(self._latest()):
                message = await self._receive()
        except TimeoutError:
            raise _too_slow() from None
        self._seen += len(message.get("body", b""))
        if self._seen > self._limit:
            raise _too_large(self._limit)
        self._complete = not message.get("more_body", False)
        return message

    def _latest(self) -> float:
        """When the next piece must be there, by the loop's clock."""
        now = asyncio.get_running_loop().time()
        return min(now + PIECE_SECONDS, self._began + WHILE_SECONDS + self._seen / SLOWEST)


def _too_large(limit: int) -> Refused:
    return Refused(413, f"The request's body is larger than {limit:,} bytes.")


def _too_slow() -> Refused:
    return Refused(408, "The request's body did not arrive in time.")
