"""Who hears what: the open sockets, found by author, by channel and by person, without a query."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from microblog.domain import tongues
from microblog.domain.actors import Actor
from microblog.domain.posts import PostView
from microblog.live.followed import Followed, Followers
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
    known, but not yet ``live``: it hears nothing of what happens meanwhile. Once it is live, it
    shares whom it follows with the person's other sockets. ``as_of`` is the event as of which
    memory has said who this is, if memory was asked.
    """

    actor: Actor
    language: str
    outbox: Outbox
    channels: Channels = field(default_factory=Channels)
    followed: Followed = field(default_factory=Followed)
    reads: frozenset[str] = frozenset()
    newest: int = 0
    as_of: int | None = None
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
        self._by_person: dict[int, list[Reader]] = {}
        self._by_profile: defaultdict[int, set[Reader]] = defaultdict(set)
        self._explorers: set[Reader] = set()
        self._followed: dict[int, Followed] = {}  # by each person of whom a reader is live
        self._followers = Followers(self._followed)

    def add(self, reader: Reader) -> None:
        """Know a reader, who can be found and closed from now on, and who hears nothing yet."""
        self._by_person.setdefault(reader.actor.id, []).append(reader)

    def connect(self, reader: Reader) -> None:
        """Let a reader hear, who knows all that has happened."""
        who = reader.actor.id
        if who in self._followed:
            reader.followed = self._followed[who]
        else:
            self._followed[who] = reader.followed
            self._followers.add(who, reader.followed)
        reader.live = True
        self._index(reader)

    def remove(self, reader: Reader) -> None:
        """Let a reader go; one who is not here is no error."""
        self._unindex(reader)
        who, was_live = reader.actor.id, reader.live
        reader.live = False
        readers = self._by_person.get(who, [])
        if reader in readers:
            readers.remove(reader)
        if not readers:
            self._by_person.pop(who, None)
        if was_live and not any(other.live for other in readers):
            self._followers.note_gone(self._followed.pop(who))

    def tune(self, reader: Reader, channels: Channels) -> None:
        """Replace a reader's channels."""
        self._unindex(reader)
        reader.channels = channels
        if reader.live:
            self._index(reader)

    def follow(self, follower_id: int, author_id: int) -> None:
        """From now on this person's readers hear that author at home."""
        followed = self._followed.get(follower_id)
        if followed is not None and author_id not in followed:
            followed.add(author_id)
            self._followers.add(follower_id, (author_id,))

    def unfollow(self, follower_id: int, author_id: int) -> None:
        """From now on they hear that author no longer, unless on a channel of its own."""
        followed = self._followed.get(follower_id)
        if followed is not None and author_id in followed:
            followed.discard(author_id)
            self._followers.note_gone((author_id,))

    def relearn(self, user_id: int, author_ids: set[int]) -> None:
        """This person follows these, whatever was known before."""
        known = self._followed.get(user_id, ())
        for author_id in author_ids.difference(known):
            self.follow(user_id, author_id)
        for author_id in [one for one in known if one not in author_ids]:
            self.unfollow(user_id, author_id)

    def hearing(self, author_id: int) -> set[Reader]:
        """Everybody in whose channels this author's posts belong."""
        heard = self._explorers | self._by_profile.get(author_id, set())
        for who in (author_id, *self._followers.of(author_id)):
            for reader in self._by_person.get(who, ()):
                if reader.live and reader.channels.home:
                    heard.add(reader)
        return heard

    def of_person(self, user_id: int) -> tuple[Reader, ...]:
        """A person's own sockets."""
        return tuple(self._by_person.get(user_id, ()))

    @property
    def people(self) -> list[int]:
        """Everybody of whom a socket is open."""
        return list(self._by_person)

    def __iter__(self) -> Iterator[Reader]:
        """All readers, as they are at this moment."""
        return iter([reader for readers in self._by_person.values() for reader in readers])

    def __len__(self) -> int:
        """How many readers there are."""
        return sum(map(len, self._by_person.values()))

    def _index(self, reader: Reader) -> None:
        for author_id in reader.channels.profiles:
            self._by_profile[author_id].add(reader)
        if reader.channels.explore:
            self._explorers.add(reader)

    def _unindex(self, reader: Reader) -> None:
        for author_id in reader.channels.profiles:
            readers = self._by_profile.get(author_id, set())
            readers.discard(reader)
            if not readers:
                self._by_profile.pop(author_id, None)
        self._explorers.discard(reader)
