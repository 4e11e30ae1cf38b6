"""What waits to be sent to one socket: bounded, and honest about what it had to drop."""

import asyncio
from collections import deque

from microblog.live import wire

# Why a socket is closed; the first two are of the protocol itself (RFC 6455), the others ours.
GOING_AWAY = 1001
UNSUPPORTED = 1003
TOO_BIG = 1009
TOO_SLOW = 1013
SESSION_ENDED = 4401
TOO_MANY = 4429


class Outbox:
    """Frames for one reader, at most ``size``.

    When it is full, everything in it gives way to one ``gap``: the reader must load anew. If it
    fills up again before the reader has taken that, the socket is closed as too slow.
    """

    def __init__(self, size: int) -> None:
        """Begin empty and open."""
        self._frames: deque[str] = deque()
        self._size = size
        self._lagging = False
        self._something = asyncio.Event()
        self.close_code: int | None = None

    @property
    def is_filling(self) -> bool:
        """Whether it is at least half full of frames that the reader may still take in time."""
        waiting = self.close_code is None and not self._lagging
        return waiting and 2 * len(self._frames) >= self._size

    def put(self, frame: str, seq: int) -> None:
        """Add a frame; never waits."""
        if self.close_code is not None:
            return
        if len(self._frames) >= self._size:
            self._overflow(seq)
        else:
            self._frames.append(frame)
        self._something.set()

    def _overflow(self, seq: int) -> None:
        if self._lagging:
            self.close(TOO_SLOW)
            return
        self._lagging = True
        self._frames.clear()
        self._frames.append(wire.frame("gap", seq))

    def close(self, code: int) -> None:
        """Have the socket closed with this code; what still waits is not sent."""
        if self.close_code is None:
            self.close_code = code
            self._frames.clear()
            self._something.set()

    async def get(self, patience: float) -> str | None:
        """The next frame; ``None`` after ``patience`` seconds of silence, or once it is closed."""
        if not self._frames and self.close_code is None:
            self._something.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._something.wait()
            except TimeoutError:
                pass  # and yet a frame may have come in that very moment
        if not self._frames:
            return None
        frame = self._frames.popleft()
        if not self._frames:
            self._lagging = False
        return frame
