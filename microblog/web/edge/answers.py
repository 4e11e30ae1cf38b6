"""What leaves through the edge: answers of the application, and refusals in their place."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from microblog.web import headers
from microblog.web.edge.asgi import Receive, Scope, Send
from microblog.web.edge.refused import HINTS, Refuse, Refused, plain_refusal

log = logging.getLogger(__name__)

# A connection that is closed over unread bytes is reset, and the client may lose the answer. So
# a refused body is thrown away for a moment after the answer is out.
LINGER_SECONDS = 1.0
LINGER_BYTES = 1024 * 1024

_STARTS = frozenset({"http.response.start", "websocket.http.response.start"})


class Outgoing:
    """A `send` that puts the security headers on, and remembers whether an answer began.

    `on_start` is called when it begins.
    """

    __slots__ = ("_https", "_image_sources", "_send", "on_start", "started")

    def __init__(self, send: Send, *, https: bool, image_sources: tuple[str, ...]) -> None:
        self._send = send
        self._https = https
        self._image_sources = image_sources
        self.started = False
        self.on_start: Callable[[], None] | None = None

    async def __call__(self, message: Any) -> None:
        if message["type"] in _STARTS:
            self._start()
            fields = headers.apply(
                message.get("headers", ()), https=self._https, image_sources=self._image_sources
            )
            message = {**message, "headers": fields}
        elif message["type"] == "websocket.accept":
            self._start()
        await self._send(message)

    def _start(self) -> None:
        self.started = True
        if self.on_start is not None:
            self.on_start()


async def refuse_http(
    scope: Scope, receive: Receive, out: Outgoing, refuse: Refuse, refused: Refused
) -> None:
    """The whole answer goes out at once; the end of it waits for the client to stop sending."""
    start, body = answer(scope, refuse, refused)
    await out({"type": "http.response.start", **start})
    if not refused.unread:
        await out({"type": "http.response.body", "body": body, "more_body": False})
        return
    await out({"type": "http.response.body", "body": body, "more_body": True})
    await _linger(receive)
    # The server may be stuck putting the next piece into a full queue, and would then never take
    # the end of this answer: so somebody must keep reading.
    discarding = asyncio.create_task(_discard(receive, None))
    try:
        await out({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        discarding.cancel()


async def refuse_websocket(scope: Scope, out: Outgoing, refuse: Refuse, refused: Refused) -> None:
    """An answer instead of the handshake, where the server can; else its own kind of no."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await out({"type": "websocket.close", "code": 1008})
        return
    start, body = answer(scope, refuse, refused)
    await out({"type": "websocket.http.response.start", **start})
    await out({"type": "websocket.http.response.body", "body": body, "more_body": False})


def answer(scope: Scope, refuse: Refuse, refused: Refused) -> tuple[dict[str, Any], bytes]:
    """Status and headers, without those that every answer has; and the body."""
    content_type, text = _words(scope, refuse, refused)
    body = text.encode()
    fields = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        *refused.beside,
    ]
    if refused.status in HINTS:
        fields.append(HINTS[refused.status])
    if refused.closes and scope["http_version"].startswith("1"):
        # Where one request was bad, the next byte cannot be trusted to begin another.
        fields.append((b"connection", b"close"))
    if scope.get("method") == "HEAD":
        body = b""
    return {"status": refused.status, "headers": fields}, body


def _words(scope: Scope, refuse: Refuse, refused: Refused) -> tuple[str, str]:
    try:
        return refuse(scope, refused.status, refused.detail)
    except Exception:
        log.exception("a refusal could not be drawn")
        return plain_refusal(scope, refused.status, refused.detail)


async def _linger(receive: Receive) -> None:
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            await _discard(receive, LINGER_BYTES)
    except TimeoutError:
        pass


async def _discard(receive: Receive, limit: int | None) -> None:
    seen = 0
    while limit is None or seen < limit:
        message = await receive()
        seen += len(message.get("body", b""))
        if not message.get("more_body", False):
            return
