"""Pages as stencils: text that is the same each time, with holes for what never is.

What is in the holes (a fresh anti-forgery token, how far the event log is) differs with every
answer; all the rest depends only on what the page shows. So it is drawn once, packed once, and kept
by all that it shows: a page on which anything differs is another key, and what is kept can never be
out of date. A list of posts is a hole as well, filled with a part that is kept for itself: when
somebody writes, it alone is made anew, and who reads the same list shares it.

Only what lies between the holes is packed, each part for itself: a token shares no dictionary with
what people write, and the length of an answer tells nothing about it (BREACH, Black Hat USA 2013).
"""

import secrets
import zlib
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from functools import cached_property, lru_cache
from typing import Generic, TypeVar

T = TypeVar("T")

# Half as much again as their plain text each: some tens of KiB.
KEPT = 256

# Nobody can guess it and write it, and no escaping changes it.
MARK = secrets.token_hex(16)
CSRF, LIVE_SINCE, SOCKET_SINCE, NOTIFIED, POSTS, NEWER, OLDER = (
    f"{MARK}{name}{MARK}"
    for name in ("csrf", "live", "socket", "notified", "posts", "newer", "older")
)

# RFC 1952, 2.3: method deflate, no time, no name, unknown system.
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# RFC 1951, 3.2.6: the last block, with nothing in it.
_GZIP_END = b"\x03\x00"
# Most of what the highest level gives, for a third of its time.
_LEVEL = 4


class Part:
    """What may be long and fills a hole more than once."""

    def __init__(self, text: str) -> None:
        """Take it as it goes into the hole."""
        self.plain = text.encode()

    @cached_property
    def packed(self) -> bytes:
        """A run of blocks that looks back at nothing before it."""
        return _deflated(self.plain)


Values = Mapping[str, str | Part]


class Stencil:
    """A text with holes, which are named by the constants above."""

    __slots__ = ("_holes", "_packed", "_parts")

    def __init__(self, text: str) -> None:
        """Find the holes."""
        pieces = text.split(MARK)
        self._parts = [piece.encode() for piece in pieces[::2]]
        self._holes = [f"{MARK}{name}{MARK}" for name in pieces[1::2]]
        self._packed: list[bytes] | None = None

    def fill(self, values: Values) -> bytes:
        """The whole text, with these values in the holes; they must need no escaping."""
        return b"".join(self._woven(self._parts, [_plain(values[hole]) for hole in self._holes]))

    def fill_packed(self, values: Values) -> bytes:
        """As :meth:`fill`, in the format of gzip."""
        if self._packed is None:
            self._packed = [_deflated(part) for part in self._parts]
        plain = self.fill(values)
        woven = self._woven(self._packed, [_block(values[hole]) for hole in self._holes])
        tail = zlib.crc32(plain).to_bytes(4, "little") + len(plain).to_bytes(4, "little")
        return b"".join((_GZIP_HEAD, *woven, _GZIP_END, tail))

    @staticmethod
    def _woven(parts: list[bytes], between: list[bytes]) -> list[bytes]:
        woven = [b""] * (len(parts) + len(between))
        woven[::2], woven[1::2] = parts, between
        return woven


class Drawn(Generic[T]):
    """What was used last, by everything that it shows."""

    def __init__(self, most: int = KEPT) -> None:
        """Keep up to ``most``; none with 0."""
        self._most = most
        self._kept: OrderedDict[Hashable, T] = OrderedDict()

    def find(self, key: Hashable) -> T | None:
        """The one that shows exactly this, if it is kept."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def __len__(self) -> int:
        """How many there are."""
        return len(self._kept)

    def keep(self, key: Hashable, drawn: T) -> None:
        """Keep it, in place of the one that was not used for longest."""
        self._kept[key] = drawn
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)


@lru_cache(256)
def takes_gzip(accept_encoding: str) -> bool:
    """Whether a client takes gzip, by its Accept-Encoding header (RFC 9110, 12.5.3)."""
    qualities = {}
    for wish in accept_encoding.lower().split(","):
        coding, _, parameters = wish.partition(";")
        name, _, quality = parameters.partition("=")
        refused = name.strip() == "q" and quality.strip() in ("0", "0.0", "0.00", "0.000")
        qualities[coding.strip()] = not refused
    return qualities.get("gzip", qualities.get("*", False))


def _deflated(part: bytes) -> bytes:
    """A run of blocks that ends at a byte, and looks back at nothing before it."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH)


def _plain(value: str | Part) -> bytes:
    return value.plain if isinstance(value, Part) else value.encode()


def _block(value: str | Part) -> bytes:
    return value.packed if isinstance(value, Part) else _stored(value.encode())


def _stored(value: bytes) -> bytes:
    """A block as it is (RFC 1951, 3.2.4); a value is never as long as 64 KiB."""
    length = len(value)
    return b"\x00" + length.to_bytes(2, "little") + (length ^ 0xFFFF).to_bytes(2, "little") + value
