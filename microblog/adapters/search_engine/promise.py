"""What every search engine promises."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from microblog.domain.search.entries import Entry, Question


class EngineDown(Exception):
    """No answer that could be used, for now at least. The text says why, for the log."""


class EngineResting(EngineDown):
    """It was not even asked: a moment ago it did not answer."""


@dataclass(frozen=True, slots=True)
class Hits:
    """Ids of posts, best first, and how many there are in all that can be reached."""

    post_ids: tuple[int, ...] = ()
    total: int = 0


class SearchEngine(Protocol):
    """Something that keeps entries in an index, and finds them.

    Everything may raise :class:`EngineDown`, within a few seconds. What it finds was true when it
    was told, and need not be now.
    """

    name: str

    async def find(self, question: Question) -> Hits:
        """Ids of posts that match as :class:`~microblog.domain.search.query.Query` says."""

    async def write(
        self, indexes: Sequence[str], entries: Sequence[Entry], gone: Collection[int], *, as_of: int
    ) -> None:
        """Keep these entries in each of the indexes, and forget those posts.

        What it knew of them is replaced, unless it was told it as of a later moment: ``as_of`` is
        the newest event when the posts were looked up. Told the same again, it is as if told once.
        An entry that it will never take is named in the log and left out.
        """

    async def current(self) -> str | None:
        """The index that answers; ``None`` if there is none."""

    async def begin(self) -> str:
        """A new, empty index, which does not answer yet. Older ones of that kind are dropped."""

    async def switch(self, index: str) -> None:
        """From now on this index answers, with all that was written to it, and no other is kept."""

    async def close(self) -> None:
        """Let go of what is kept open."""
