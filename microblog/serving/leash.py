"""What a worker and its keeper say to each other, over a socket pair whose closing says the rest.

Each word is one byte. Behind the words a worker that crashes may leave a text: where it was.
"""

import faulthandler
import socket
from collections.abc import Callable
from contextlib import suppress

# The keeper's: serve now; give way to a worker that has come up in your place; stop without
# waiting for anybody.
GO = b"g"
RETIRE = b"q"
HURRY = b"h"
# The worker's: connections are accepted; the event loop still turns.
READY = b"r"
BEAT = b"."

_MOST = 65_536


class Leash:
    """The worker's end."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)

    def wait(self) -> bool:
        """Wait until we are to serve; false when the keeper has gone or has no use for us."""
        self._socket.setblocking(True)
        return self._socket.recv(1) == GO

    def leave_last_words(self) -> None:
        """From now on a crash (and SIGABRT, the keeper's question) tells it where we were."""
        self._socket.setblocking(False)
        faulthandler.enable(self._socket.fileno())

    def say(self, word: bytes) -> None:
        """Never waits: a keeper that does not listen must not hold us up."""
        with suppress(OSError):
            self._socket.send(word)

    def heard(self) -> bytes:
        """The latest words, nothing at all once the keeper has let go.

        Raises :class:`BlockingIOError` if there is nothing to hear yet.
        """
        with suppress(ConnectionError):
            return self._socket.recv(_MOST)
        return b""

    def fileno(self) -> int:
        return self._socket.fileno()


class Report:
    """What has come from a worker so far, taken apart."""

    def __init__(self) -> None:
        self.is_ready = False
        self._last_words = b""

    def take(self, received: bytes, ready: Callable[[], None]) -> None:
        words = received
        if not self._last_words:
            words = received.lstrip(READY + BEAT)
            if READY in received[: len(received) - len(words)]:
                self.is_ready = True
                ready()
        self._last_words = (self._last_words + words)[:_MOST]

    @property
    def last_words(self) -> str:
        return self._last_words.decode(errors="replace").strip()
