"""What every lookout promises."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Fact(NamedTuple):
    """An event as far as memory needs it."""

    id: int
    kind: str
    actor_id: int
    subject_id: int


class Blind(Exception):
    """The end of the log cannot be seen at this moment; the database may well answer."""


class Lookout(Protocol):
    """Something that sees what has been committed, whoever has done so."""

    @property
    def is_immediate(self) -> bool:
        """Whether :meth:`look` never waits, so that there is no use in sharing a look."""

    async def look(self, position: int, most: int) -> Sequence[Fact]:
        """What is committed above ``position`` now: the newest ``most`` of it, newest first.

        Raises :class:`Blind`, within seconds.
        """

    async def close(self) -> None:
        """Let go of the connection."""
