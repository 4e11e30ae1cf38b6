"""Who follows whom, as far as somebody listens: a few bytes for each, as there are many.

A set takes fifty bytes and more for each number that is in it, and the number itself thirty. Ten
thousand readers who follow a hundred people each are a million pairs, kept in both directions.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

_NUMBER = "q"


class Followed:
    """Whom somebody follows: a set of ids."""

    __slots__ = ("_ids",)

    def __init__(self, ids: Iterable[int] = ()) -> None:
        """Begin with these, each of them once."""
        self._ids = array(_NUMBER, sorted(ids))

    def __contains__(self, author_id: int) -> bool:
        """Whether this one is followed."""
        place = bisect_left(self._ids, author_id)
        return place < len(self._ids) and self._ids[place] == author_id

    def __iter__(self) -> Iterator[int]:
        """In order."""
        return iter(self._ids)

    def __len__(self) -> int:
        """How many."""
        return len(self._ids)

    def add(self, author_id: int) -> None:
        """Twice is once."""
        if author_id not in self:
            self._ids.insert(bisect_left(self._ids, author_id), author_id)

    def discard(self, author_id: int) -> None:
        """One who is not followed is no error."""
        if author_id in self:
            del self._ids[bisect_left(self._ids, author_id)]


class Followers:
    """The other direction: the people who follow an author.

    An author with many would be searched through for each who goes. So those who have gone stay in
    the list until they are half of it, and are passed over where it is read.
    """

    def __init__(self, followed: Mapping[int, Followed]) -> None:
        """Take whom everybody follows who is here; it is changed first, and then told here."""
        self._followed = followed
        self._lists: dict[int, array[int]] = {}
        self._gone: dict[int, int] = {}  # at most as many are in the list, and should not be

    def add(self, who: int, author_ids: Iterable[int]) -> None:
        """Somebody follows these authors."""
        for author_id in author_ids:
            followers = self._lists.get(author_id)
            if followers is None:
                followers = self._lists[author_id] = array(_NUMBER)
            followers.append(who)

    def note_gone(self, author_ids: Iterable[int]) -> None:
        """Somebody follows these authors no longer, or has left."""
        for author_id in author_ids:
            gone = self._gone[author_id] = self._gone.get(author_id, 0) + 1
            if 2 * gone >= len(self._lists[author_id]):
                self._tidy(author_id)

    def _tidy(self, author_id: int) -> None:
        del self._gone[author_id]
        left = self.of(author_id)
        if left:
            self._lists[author_id] = array(_NUMBER, left)
        else:
            del self._lists[author_id]

    def of(self, author_id: int) -> set[int]:
        """Those who follow this author and are here."""
        known = self._followed
        return {
            who
            for who in self._lists.get(author_id, ())
            if who in known and author_id in known[who]
        }
