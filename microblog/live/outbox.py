"""What waits to be sent to one socket: bounded, and honest about what it had to drop."""

import asyncio

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


class Outbox:
    """Frames for one reader, at most ``size``.

    When it is full, everything in it gives way to one ``gap``: the reader must load anew. If it
    fills up again before the reader has taken that, the socket is closed as too slow.

    Most are empty at any moment, so an empty one holds next to nothing.
    """

    __slots__ = ("_frames", "_lagging", "_size", "_something", "close_code")

    def __init__(self, size: int) -> None:
        """Begin empty and open."""
        self._frames: list[str] | None = None  # a list, and short: what stays is moved up quickly
        self._size = size
        self._lagging = False
        self._something: asyncio.Future[None] | None = None
        self.close_code: int | None = None

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
        if self._frames is None and self.close_code is None:
            self._something = asyncio.get_running_loop().create_future()
            # Silence ends like a frame does, and with less to keep than a time-out.
            alarm = self._something.get_loop().call_later(patience, self._wake)
            try:
                await self._something
            finally:
                alarm.cancel()
                self._something = None
        if self._frames is None:
            return None
        frame = self._frames.pop(0)
        if not self._frames:
            self._frames = None
            self._lagging = False
        return frame
