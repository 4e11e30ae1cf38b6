"""Where in a list of posts a reader is.

Links carry a cursor, the id of a post: it neither skips nor repeats when posts arrive meanwhile.
Numbered pages keep working for those who hold on to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")

# Beyond this a page number is an attack on the database, not a reader: the page is simply empty.
DEEPEST_PAGE = 40_000
LARGEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Place:
    """What part of a list is asked for: the newest, those before or after a post, or page N.

    Where few lie after a post, a page shows the whole top instead; with ``exact`` only those few.
    """

    before: int | None = None
    after: int | None = None
    page: int = 1
    exact: bool = False

    @property
    def is_newest(self) -> bool:
        """Whether this is the top of the list, where new rows appear."""
        return self.before is None and self.after is None and self.page == 1


# What is made of a part may go with it.
@dataclass(frozen=True, slots=True, weakref_slot=True)
class Slice(Generic[Item]):
    """A part of a list, newest first. ``newer`` and ``older`` are the places beside it, if any."""

    items: Sequence[Item] = field(default_factory=tuple)
    newer: Place | None = None
    older: Place | None = None


def place(before: str | None = None, after: str | None = None, page: str | None = None) -> Place:
    """Read a place from a query; nonsense is the newest page."""
    if (identifier := _number(before)) is not None:
        return Place(before=min(identifier, LARGEST_ID))
    if (identifier := _number(after)) is not None:
        return Place(after=min(identifier, LARGEST_ID))
    return Place(page=min(max(_number(page) or 1, 1), DEEPEST_PAGE + 1))


def _number(raw: str | None) -> int | None:
    if raw is None or not raw.isascii() or not raw.isdigit():
        return None
    return int(raw[:12])
