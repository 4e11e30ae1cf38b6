"""What pages and programs ask for most, out of memory where it is known to be right.

Who asks has passed :meth:`Memory.now` before: then the answer is what the database would have said
at that moment, or later. Where memory cannot be used, and for deeper pages, ``own`` is the unit of
work of the one who asks, in which the database is asked as if there was no memory. A load has a
unit of work of its own: several wait for it, and none of them may hold a connection that it needs.
"""

# Else the signature of each load below is made anew for each question: 3 % of a page.
from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar, cast

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.adapters.lookout import Lookout
from microblog.database import Database
from microblog.domain import follows, posts, sessions, timeline, tokens, users
from microblog.domain.actors import Actor
from microblog.domain.paging import Place, Slice
from microblog.domain.posts import PostView, Version
from microblog.domain.sessions import Lifetimes
from microblog.domain.users import Profile
from microblog.live.followed import Followed
from microblog.live.gate import Gate
from microblog.live.kept import Found, Kept
from microblog.live.topics import PEOPLE, POSTS, author, person, read, reading
from microblog.models import utc_now

T = TypeVar("T")

Own = Callable[[], AsyncSession]
Read = Callable[[AsyncSession], Awaitable[Found[T] | None]]

# Of whoever reads more people, any post at all counts: what is kept must not grow with that.
_MOST = 200
_TOPICS_A_POST = 8
_MOST_SEEN = 10_000
# Numbers that weigh as much as a post.
_IDS = 128


@dataclass(frozen=True, slots=True)
class Home:
    """A part of what somebody reads; whether an empty one is because they read nobody."""

    part: Slice[PostView]
    follows_nobody: bool


@dataclass(frozen=True, slots=True)
class Alone:
    """One post by itself, with what it said before."""

    post: PostView
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True)
class _Login:
    actor: Actor
    open_until: datetime


class Memory:
    """One for each process that serves pages."""

    def __init__(self, database: Database, lookout: Lookout) -> None:
        """Take where things are read, and what sees the end of the log."""
        self.kept = Kept()
        self.is_on = True
        self._database = database
        self._gate = Gate(lookout, self.kept)
        self._seen: dict[int, datetime] = {}

    async def now(self) -> bool:
        """Whether what is asked from now on may be answered out of memory."""
        return self.is_on and await self._gate.pass_through()

    async def find_login(self, token: str, lifetimes: Lifetimes) -> Actor | None:
        """Whose login this token opens, as :func:`microblog.domain.sessions.find_actor`."""

        async def read(session: AsyncSession) -> Found[_Login] | None:
            actor, until = await sessions.find_open(session, token, lifetimes=lifetimes)
            if actor is None:
                return None
            return Found(_Login(actor, until), frozenset({person(actor.id)}))

        key = _login(token)
        login = await self._get(key, read)
        if login is not None and login.open_until <= utc_now():
            # Time goes on without events; and somebody may have used the login meanwhile.
            self.kept.drop(key)
            login = await self._get(key, read)
        return None if login is None else login.actor

    async def find_program(self, token: str) -> Actor | None:
        """Whose access token this is, as :func:`microblog.domain.tokens.find_actor`."""

        async def read(session: AsyncSession) -> Found[Actor] | None:
            actor = await tokens.find_actor(session, token)
            return None if actor is None else Found(actor, frozenset({person(actor.id)}))

        actor = await self._get(_program(token), read)
        if actor is not None and actor.ends_at is not None and actor.ends_at <= utc_now():
            return None
        return actor

    async def followed(self, actor: Actor) -> Followed:
        """Whom the actor follows."""

        async def load(session: AsyncSession) -> Found[Followed]:
            found = Followed(await follows.followed_ids(session, actor.id))
            return Found(found, frozenset({reading(actor.id), PEOPLE}), 1 + len(found) // _IDS)

        kept = cast("Followed", await self._get(_followed(actor), load))
        return Followed(kept)

    def is_as_before(self, actor: Actor, position: int) -> bool:
        """Whether nothing since that event says anything else about who this is."""
        return self.kept.is_untouched(frozenset({person(actor.id)}), position)

    def note_use(self, token: str) -> None:
        """When this login or access token was last used is about to be written down."""
        self.kept.drop(_login(token))
        self.kept.drop(_program(token))

    def note_presence(self, user_id: int) -> None:
        """Somebody is here now, which is no event."""
        if len(self._seen) >= _MOST_SEEN:
            self._seen.clear()
        self._seen[user_id] = utc_now()

    async def profile(self, own: Own | None, actor: Actor, username: str) -> Profile:
        """A person with their counts. Raises :class:`~microblog.domain.errors.NotFound`.

        That they were seen by another process is known within a minute.
        """
        if own is not None:
            return await users.profile(own(), actor, username)

        async def load(session: AsyncSession) -> Found[Profile]:
            found = await users.profile(session, actor, username)
            theirs = {person(found.id), reading(found.id), read(found.id)}
            return Found(found, frozenset({*theirs, reading(actor.id), PEOPLE}))

        kept = cast("Profile", await self._get(("profile", actor.id, username), load))
        seen_at = self._seen.get(kept.id)
        is_later = seen_at is not None and (
            kept.last_seen_at is None or seen_at > kept.last_seen_at
        )
        return replace(kept, last_seen_at=seen_at) if is_later else kept

    async def home(self, own: Own | None, actor: Actor, place: Place, *, size: int) -> Home:
        """What the actor reads."""
        if own is not None:
            return await _home(own(), actor, place, size)

        async def read(session: AsyncSession) -> Found[Home]:
            # Before the session has a connection: it may have to wait for somebody else's.
            followed = await self.followed(actor)
            ends_at = self.kept.ends_at(_followed(actor))
            home = await _home(session, actor, place, size)
            whom = {author(actor.id), *map(author, followed)}
            topics = frozenset({reading(actor.id), *(whom if len(whom) < _MOST else {POSTS})})
            weight = _weight(home.part.items) + len(topics) // _TOPICS_A_POST
            return Found(home, topics, weight, ends_at)

        return cast("Home", await self._get(("home", actor.id, place, size), read))

    async def explore(self, own: Own | None, place: Place, *, size: int) -> Slice[PostView]:
        """Everybody's posts."""
        if own is not None:
            return await timeline.explore(own(), place, size=size)

        async def read(session: AsyncSession) -> Found[Slice[PostView]]:
            part = _fixed(await timeline.explore(session, place, size=size))
            return Found(part, frozenset({POSTS}), _weight(part.items))

        return cast("Slice[PostView]", await self._get(("explore", place, size), read))

    async def by_author(
        self, own: Own | None, author_id: int, place: Place, *, size: int
    ) -> Slice[PostView]:
        """One person's posts. Raises :class:`~microblog.domain.errors.NotFound`."""
        if own is not None:
            return await _by_author(own(), author_id, place, size)

        async def read(session: AsyncSession) -> Found[Slice[PostView]]:
            part = await _by_author(session, author_id, place, size)
            return Found(part, frozenset({author(author_id)}), _weight(part.items))

        key = ("author", author_id, place, size)
        return cast("Slice[PostView]", await self._get(key, read))

    async def post(self, own: Own | None, post_id: int) -> Alone:
        """One post. Raises :class:`~microblog.domain.errors.NotFound`."""
        if own is not None:
            return await _alone(own(), post_id)

        async def read(session: AsyncSession) -> Found[Alone]:
            alone = await _alone(session, post_id)
            topics = frozenset({author(alone.post.author_id)})
            return Found(alone, topics, _weight(alone.versions))

        return cast("Alone", await self._get(("post", post_id), read))

    async def _get(self, key: Hashable, read: Read[T]) -> T | None:
        async def load() -> Found[T] | None:
            async with self._database.reading() as session:
                return await read(session)

        return await self.kept.get(key, load)

    async def close(self) -> None:
        """Let what is under way come to its end, and let go of the connection."""
        await self.kept.close()
        await self._gate.close()


async def _home(session: AsyncSession, actor: Actor, place: Place, size: int) -> Home:
    part = _fixed(await timeline.home(session, actor, place, size=size))
    return Home(part, not part.items and await follows.follows_nobody(session, actor))


async def _by_author(
    session: AsyncSession, author_id: int, place: Place, size: int
) -> Slice[PostView]:
    part = _fixed(await timeline.by_author(session, author_id, place, size=size))
    if not part.items:
        await users.by_id(session, author_id)
    return part


async def _alone(session: AsyncSession, post_id: int) -> Alone:
    post = await posts.by_id(session, post_id)
    return Alone(post, tuple(await posts.versions(session, post_id)) if post.edited_at else ())


def _fixed(part: Slice[PostView]) -> Slice[PostView]:
    """The same, which nobody can change for the others who get it."""
    return replace(part, items=tuple(part.items))


def _weight(items: Sequence[object]) -> int:
    return 1 + len(items)


def _followed(actor: Actor) -> Hashable:
    return "followed", actor.id


def _login(token: str) -> Hashable:
    return "login", sessions.digest(token)


def _program(token: str) -> Hashable:
    return "program", sessions.digest(token)
