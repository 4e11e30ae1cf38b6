"""What every bus promises."""

from collections.abc import Callable
from typing import Protocol

from microblog.keeping import Beat

Wake = Callable[[], None]

# After which a bus without a beat hangs.
SILENCE_SECONDS = 60.0


def unheeded() -> None:
    """A beat that nobody listens for."""


class Bus(Protocol):
    """Something that knows when another process has committed."""

    @property
    def trouble(self) -> str:
        """Empty while wake-ups come at once; else why not, in words for an operator."""

    async def run(self, wake: Wake, beat: Beat = unheeded) -> None:
        """Call ``wake`` whenever there may be something new, until cancelled.

        However quiet it is, ``beat`` is called at least twice a minute.
        """

    def tell(self) -> None:
        """Say that this process has committed, where the database does not say so by itself."""

    async def close(self) -> None:
        """Let go of what :meth:`tell` keeps open."""
