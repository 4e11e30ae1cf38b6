"""What the rest of the program knows of Redis."""

from collections.abc import Callable, Sequence
from typing import Protocol

from microblog.keeping import Beat


class RedisDown(Exception):
    """No answer that could be used. That is known and said already; the text is for nobody."""


class Link(Protocol):
    """The way to one Redis. Everything may raise :class:`RedisDown`, within a second."""

    trouble: str
    """Empty while it answers; else why not, in a word or two."""

    async def listen(self, channel: str, heard: Callable[[], None], beat: Beat) -> None:
        """Call ``heard`` once on being subscribed, then for each message, until it is lost.

        ``beat`` is called every second or so.
        """

    async def publish(self, channel: str) -> None:
        """Send an empty message."""

    async def evaluate(
        self, script: str, keys: Sequence[str], values: Sequence[float]
    ) -> list[str]:
        """Run a script there, at once by itself. While it is known to be away it is not asked."""

    async def is_back(self) -> bool:
        """Ask whether it answers again."""

    async def close(self) -> None:
        """Close every connection."""
