"""Who hears what: the open sockets, found by author, by channel and by person, without a query."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from microblog.domain import tongues
from microblog.domain.actors import Actor
from microblog.domain.posts import PostView
from microblog.live.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Channels:
    """What a reader asked for. ``profiles`` maps a person's id to the channel's name."""

    home: bool = False
    explore: bool = False
    profiles: dict[int, str] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Reader:
    """One open socket: whose, in which language, with which channels and followed people.

    ``reads`` are the languages that the person reads, as :mod:`microblog.domain.tongues` has them.
    ``newest`` is the id of the newest event when the reader came. A reader who still catches up is
    known, but not yet ``live``: it hears nothing of what happens meanwhile.
    """

    actor: Actor
    language: str
    outbox: Outbox
    channels: Channels = field(default_factory=Channels)
    followed: set[int] = field(default_factory=set)
    reads: frozenset[str] = frozenset()
    newest: int = 0
    live: bool = False

    def channels_of(self, author_id: int) -> list[str]:
        """The names of those of the reader's channels that this author's posts belong to."""
        names = []
        if self.channels.home and (author_id == self.actor.id or author_id in self.followed):
            names.append("home")
        if self.channels.explore:
            names.append("explore")
        if author_id in self.channels.profiles:
            names.append(self.channels.profiles[author_id])
        return names

    def is_foreign(self, post: PostView) -> bool:
        """Whether the post is in a language that the reader does not read."""
        return tongues.is_foreign(post.language, self.reads)

    def wants_translated(self, post: PostView) -> bool:
        """Whether the reader wants the post to be translated as it arrives."""
        return self.actor.translates_live and self.is_foreign(post)


class Audience:
    """The readers of one process, indexed; every method is immediate."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._by_person: defaultdict[int, set[Reader]] = defaultdict(set)
        self._by_author: defaultdict[int, set[Reader]] = defaultdict(set)
        self._explorers: set[Reader] = set()

    def add(self, reader: Reader) -> None:
        """Know a reader, who can be found and closed from now on, and who hears nothing yet."""
        self._by_person[reader.actor.id].add(reader)

    def connect(self, reader: Reader) -> None:
        """Let a reader hear."""
        reader.live = True
        self._index(reader)

    def remove(self, reader: Reader) -> None:
        """Let a reader go; one who is not here is no error."""
        reader.live = False
        _discard(self._by_person, reader.actor.id, reader)
        self._unindex(reader)

    def tune(self, reader: Reader, channels: Channels) -> None:
        """Replace a reader's channels."""
        self._unindex(reader)
        reader.channels = channels
        if reader.live:
            self._index(reader)

    def follow(self, follower_id: int, author_id: int) -> None:
        """From now on this person's readers hear that author at home."""
        for reader in self._by_person.get(follower_id, ()):
            reader.followed.add(author_id)
            if reader.live and reader.channels.home:
                self._by_author[author_id].add(reader)

    def unfollow(self, follower_id: int, author_id: int) -> None:
        """From now on they hear that author no longer, unless on a channel of its own."""
        for reader in self._by_person.get(follower_id, ()):
            reader.followed.discard(author_id)
            if author_id not in reader.channels.profiles:
                _discard(self._by_author, author_id, reader)

    def hearing(self, author_id: int) -> set[Reader]:
        """Everybody in whose channels this author's posts belong."""
        return self._explorers | self._by_author.get(author_id, set())

    def of_person(self, user_id: int) -> tuple[Reader, ...]:
        """A person's own sockets."""
        return tuple(self._by_person.get(user_id, ()))

    def __iter__(self) -> Iterator[Reader]:
        """All readers, as they are at this moment."""
        return iter([reader for readers in self._by_person.values() for reader in readers])

    def __len__(self) -> int:
        """How many readers there are."""
        return sum(map(len, self._by_person.values()))

    def _index(self, reader: Reader) -> None:
        for author_id in _authors(reader):
            self._by_author[author_id].add(reader)
        if reader.channels.explore:
            self._explorers.add(reader)

    def _unindex(self, reader: Reader) -> None:
        for author_id in _authors(reader):
            _discard(self._by_author, author_id, reader)
        self._explorers.discard(reader)


def _authors(reader: Reader) -> Iterable[int]:
    if reader.channels.home:
        yield from reader.followed
        yield reader.actor.id
    yield from reader.channels.profiles


def _discard(index: defaultdict[int, set[Reader]], key: int, reader: Reader) -> None:
    readers = index.get(key)
    if readers is None:
        return
    readers.discard(reader)
    if not readers:
        del index[key]
