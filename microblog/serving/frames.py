"""Frames of a websocket: encoded once for all who get the same, and bounded where they come in."""

from typing import Any

from hypercorn.protocol.ws_stream import FrameTooLargeError, WebsocketBuffer
from wsproto.events import Message

from microblog.live.texts import Text


class BoundedBuffer(WebsocketBuffer):
    """Refuses the part that would make a message too long, instead of storing it first."""

    def extend(self, event: Message[Any]) -> None:
        if self.length + len(event.data) > self.max_length:
            raise FrameTooLargeError
        super().extend(event)


def frame(text: str) -> bytes:
    """A text as one frame (RFC 6455, 5.2); one that goes to many is encoded once."""
    if not isinstance(text, Text):
        return _encoded(text)
    try:
        return text.encoded
    except AttributeError:
        text.encoded = _encoded(text)
        return text.encoded


def _encoded(text: str) -> bytes:
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return b"\x81" + size.to_bytes(1, "big") + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload
