"""Load shedding: whom the line has no room for is told so before anything is parsed.

A refusal by way of the parser and the gate costs half of what a page costs: a crowd three times too
large would leave no time for any page. Here it is a look at the bytes and an answer that is ready.
Only what cannot be misunderstood is answered so, the rest goes the usual way.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from microblog.web.edge.arrivals import Arrival
from microblog.web.edge.asgi import Scope
from microblog.web.edge.line import Line

# (scope) -> (the head's lines, the body). Must not block.
Draw = Callable[[Scope], tuple[list[tuple[bytes, bytes]], bytes]]

_KEPT = 256
_LONGEST = 200
_READS = (b"GET /", b"HEAD /")
_ALWAYS = tuple(method + path for method in _READS for path in (b"livez", b"readyz", b"static/"))
# A body, another protocol, or a client that waits for leave to go on.
_MORE = re.compile(rb"\r\n(?:content-length|transfer-encoding|upgrade|expect|[ \t])", re.IGNORECASE)
_HOST = re.compile(rb"\r\nhost:", re.IGNORECASE)
# What the parser, or somebody before us, might take for an end of line or of text.
_STRANGE = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n")
_CLOSES = re.compile(rb"\r\nconnection:[^\r]*close", re.IGNORECASE)
_TASTES = re.compile(rb"\r\n(accept|accept-language|cookie|origin): *([^\r]*)", re.IGNORECASE)
_LANGUAGE = re.compile(rb"(?:^|[; ])language=([^; ]*)")
_API = re.compile(rb"[A-Z]+ /api[/? ]")


class Shedder:
    """Judges what has just been read from a connection with nothing else under way."""

    def __init__(self, line: Line, draw: Draw) -> None:
        self._line = line
        self._draw = draw
        self._drawn = lru_cache(_KEPT)(self._serialized)

    @property
    def is_full(self) -> bool:
        """Whether anybody would be refused now."""
        return self._line.is_full

    def judge(
        self, data: bytes, arrival: Arrival | None, *, last: bool
    ) -> tuple[bytes, bool] | None:
        """What to answer, and whether the connection ends with it; or None: it may come in.

        That is counted in ``arrival``. With ``last`` the connection ends in any case.
        """
        if not is_plain(data):
            return None
        if not self._line.is_full:
            if arrival is not None:
                arrival.set_out(self._line)
            return None
        self._line.note_refusal()
        return self.answer(data, last=last)

    def answer(self, data: bytes, *, last: bool) -> tuple[bytes, bool]:
        """The refusal of this request, and whether the connection ends with it."""
        wishes = {name.lower(): value[:_LONGEST] for name, value in _TASTES.findall(data)}
        chosen = _LANGUAGE.search(wishes.get(b"cookie", b""))
        is_api = _API.match(data) is not None
        head, body = self._drawn(
            is_api,
            wishes.get(b"accept", b""),
            wishes.get(b"accept-language", b""),
            chosen[1] if chosen else b"",
            wishes.get(b"origin") if is_api else None,
        )
        closes = last or _CLOSES.search(data) is not None
        ending = b"connection: close\r\n\r\n" if closes else b"\r\n"
        return head + ending + (b"" if data.startswith(b"HEAD") else body), closes

    def _serialized(
        self, is_api: bool, accept: bytes, languages: bytes, chosen: bytes, origin: bytes | None
    ) -> tuple[bytes, bytes]:
        fields = [(b"accept", accept), (b"accept-language", languages)]
        if chosen:
            fields.append((b"cookie", b"language=" + chosen))
        if origin is not None:
            fields.append((b"origin", origin))
        path = "/api/" if is_api else "/"
        scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path}
        lines, body = self._draw({**scope, "headers": fields})
        head = b"".join(b"%s: %s\r\n" % line for line in lines)
        return b"HTTP/1.1 503 \r\n" + head, body


def is_always_let_in(data: bytes) -> bool:
    """Whether it asks for something that is answered whatever else is going on."""
    return data.startswith(_ALWAYS)


def is_plain(data: bytes) -> bool:
    """Whether this is one whole request that reads a page, and beyond doubt nothing else."""
    start = data[: data.find(b"\r\n") + 1]
    return (
        data.startswith(_READS)
        and data.find(b"\r\n\r\n") == len(data) - 4
        and start.endswith(b" HTTP/1.1\r")
        and start.count(b" ") == 2
        and not is_always_let_in(data)
        and len(_HOST.findall(data)) == 1
        and _MORE.search(data) is None
        and _STRANGE.search(data) is None
    )
