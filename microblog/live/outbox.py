"""What waits to be sent to one socket: bounded, and honest about what it had to drop."""

import asyncio
import time
from typing import Protocol

from microblog.live import wire

# Why a socket is closed: four digits from 4000 on are ours, the others of the protocol itself
# (RFC 6455, 7.4.1, and its registry). `GONE` is never sent: the other side has left.
GOING_AWAY = 1001
UNSUPPORTED = 1003
UNWELCOME = 1008
TOO_BIG = 1009
TOO_SLOW = TRY_AGAIN = 1013
SESSION_ENDED = 4401
TOO_MANY = 4429
GONE = 1006

# Timers may be early by as much.
_GRAIN_SECONDS = 0.001


class Line(Protocol):
    """The way to a peer that takes what is said, as long as it does."""

    @property
    def is_heard(self) -> bool:
        """Whether the peer has answered when it was asked last whether it is there."""

    def say(self, frame: str) -> bool:
        """Send it at once; False, and nothing is sent, while too much is on its way already."""


class Outbox:
    """Frames for one reader, at most ``size``.

    When it is full, everything in it gives way to one ``gap``: the reader must load anew. If it
    fills up again before the reader has taken that, the socket is closed as too slow.

    Most are empty at any moment, so an empty one holds next to nothing; and what would only pass
    through it goes straight to the ``line``, if there is one, without waking anybody.
    """

    __slots__ = ("_frames", "_lagging", "_size", "_something", "_spoken_at", "close_code", "line")

    def __init__(self, size: int, line: Line | None = None) -> None:
        """Begin empty and open."""
        self.line = line
        self.close_code: int | None = None
        self._frames: list[str] | None = None  # a list, and short: what stays is moved up quickly
        self._size = size
        self._lagging = False
        self._something: asyncio.Future[None] | None = None  # there while somebody waits in `get`
        self._spoken_at = 0.0

    @property
    def is_behind(self) -> bool:
        """Whether frames wait in it, or would before long: its reader answers nothing."""
        return self._frames is not None or (self.line is not None and not self.line.is_heard)

    @property
    def is_filling(self) -> bool:
        """Whether it is at least half full of frames that the reader may still take in time."""
        waiting = self.close_code is None and not self._lagging
        return waiting and 2 * len(self._frames or ()) >= self._size

    def put(self, frame: str, seq: int) -> None:
        """Add a frame; never waits."""
        if self.close_code is not None:
            return
        if self._frames is None:
            # While nobody waits in `get`, what was taken last may not be out yet.
            if self._something is not None and self.line is not None and self.line.say(frame):
                self._spoken_at = time.monotonic()
                return
            self._frames = [frame]
        elif len(self._frames) >= self._size:
            self._overflow(seq)
        else:
            self._frames.append(frame)
        self._wake()

    def _overflow(self, seq: int) -> None:
        if self._lagging:
            self.close(TOO_SLOW)
            return
        self._lagging = True
        self._frames = [wire.frame("gap", seq)]

    def close(self, code: int) -> None:
        """Have the socket closed with this code; what still waits is not sent."""
        if self.close_code is None:
            self.close_code = code
            self._frames = None
            self._wake()

    def _wake(self) -> None:
        if self._something is not None and not self._something.done():
            self._something.set_result(None)

    async def get(self, patience: float) -> str | None:
        """The next frame; ``None`` after ``patience`` seconds of silence, or once it is closed."""
        self._spoken_at = time.monotonic()
        while self._frames is None and self.close_code is None:
            rest = self._spoken_at + patience - time.monotonic()
            if rest < _GRAIN_SECONDS:
                return None
            await self._wait(rest)
        if self._frames is None:
            return None
        frame = self._frames.pop(0)
        if not self._frames:
            self._frames = None
            self._lagging = False
        return frame

    async def _wait(self, seconds: float) -> None:
        self._something = asyncio.get_running_loop().create_future()
        # Silence ends like a frame does, and with less to keep than a time-out.
        alarm = self._something.get_loop().call_later(seconds, self._wake)
        try:
            await self._something
        finally:
            alarm.cancel()
            self._something = None
