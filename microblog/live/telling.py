"""What readers are told of an event: rendered once per language, encoded once per kind of frame.

The posts that a batch of events is about are read once for all readers, with their translations.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import events, posts, tokens, translations
from microblog.domain.events import Logged
from microblog.domain.posts import PostView
from microblog.live import wire
from microblog.live.audience import Audience, Reader

# The fragment of a post in a language, as pages show it; whether it can be translated from there.
Render = Callable[[PostView, str, bool], str]
# Takes a post that has arrived, and the languages that it is wanted in; must not wait.
Interpret = Callable[[PostView, frozenset[str]], None]
# The translator's name for a language.
Told = Callable[[str], str]
_PRIVATE = (events.NOTIFIED, events.MESSAGE_CREATED)
# So many are told before pages have their turn for as long, and so often at most for one event.
_AT_ONCE, _MOST_TURNS = 25, 16
BREATH_SECONDS = 0.001
# So many frames of one part of the log are kept: some for each event.
_MOST_FRAMES = 2_000
_FRAMES = {events.POST_CREATED: wire.post_created, events.POST_UPDATED: wire.post_updated}


@dataclass(frozen=True, slots=True)
class Subjects:
    """What the posts of some events say now, and what they say in other languages.

    ``frames`` are what readers were told of them: rendered once for each language, encoded once for
    each choice of channels.
    """

    posts: dict[int, PostView]
    translations: dict[tuple[int, str], str]
    frames: dict[tuple[object, ...], str | None] = field(default_factory=dict)

    def post_of(self, event: Logged) -> PostView | None:
        """The post that an event is about; ``None`` if it is gone, or the event about none."""
        return self.posts.get(event.subject_id)

    def translation_of(self, event: Logged) -> str | None:
        """What the event's post says in the event's language, if that is still kept."""
        return self.translations.get((event.subject_id, _language_of(event)))


async def subjects(session: AsyncSession, batch: list[Logged]) -> Subjects:
    """Read what a batch of events is about."""
    kinds = (*_FRAMES, events.POST_TRANSLATED)
    found = await posts.by_ids(session, {e.subject_id for e in batch if e.kind in kinds})
    translated = [e for e in batch if e.kind == events.POST_TRANSLATED]
    wanted = {(e.subject_id, _language_of(e)) for e in translated}
    return Subjects(found, await translations.kept(session, wanted, found))


class Teller:
    """Puts events into the outboxes of those who hear them; never waits for any of them."""

    def __init__(self, audience: Audience, render: Render) -> None:
        """Tell ``audience``, in the words of ``render``; nobody interprets yet."""
        self.render = render
        # With 0 each reader's frame is worded for this reader alone.
        self.most_frames = _MOST_FRAMES
        self._audience = audience
        self._interpret: Interpret = _nobody
        self._told: Told = str

    def on_arrival(self, interpret: Interpret, told: Told) -> None:
        """Have ``interpret`` called for each post that some reader wants translated."""
        self._interpret = interpret
        self._told = told

    async def tell(self, event: Logged, seen: Subjects) -> None:
        """Tell everybody concerned who hears at this moment."""
        if event.kind in _PRIVATE:
            self._tell_in_private(event)
        elif event.kind.startswith("post."):
            await self._tell_of_post(event, seen)

    def tell_of_gap(self, position: int) -> None:
        """Tell everybody who hears that they must load anew, to go on from there."""
        frame = wire.frame("gap", position)
        for reader in self._audience:
            if reader.live:
                reader.outbox.put(frame, position)

    async def _tell_of_post(self, event: Logged, seen: Subjects) -> None:
        hearing = self._audience.hearing(event.actor_id)
        at_once = max(_AT_ONCE, len(hearing) // _MOST_TURNS)
        # To write to a thousand sockets takes tens of milliseconds. Pages come in between; and one
        # page takes several turns of the loop: it must not meet a part of this in each of them.
        for number, (reader, frame) in enumerate(self._framed(event, seen, hearing)):
            if number and number % at_once == 0:
                await asyncio.sleep(BREATH_SECONDS)
            reader.outbox.put(frame, event.id)
        post = seen.post_of(event)
        if post is not None and event.kind in _FRAMES:
            self._have_interpreted(post, hearing)

    def _framed(
        self, event: Logged, seen: Subjects, hearing: Collection[Reader]
    ) -> Iterator[tuple[Reader, str]]:
        """Those who keep up first: who lags, or does not even answer, costs them no time."""
        behind: list[Reader] = []
        for reader in hearing:
            if reader.outbox.is_behind:
                behind.append(reader)
            elif frame := self._post_frame(reader, event, seen):
                yield reader, frame
        for reader in behind:
            if frame := self._post_frame(reader, event, seen):
                yield reader, frame

    def _have_interpreted(self, post: PostView, hearing: set[Reader]) -> None:
        wanted = frozenset(r.language for r in hearing if r.wants_translated(post))
        if wanted:
            self._interpret(post, wanted)

    def _tell_in_private(self, event: Logged) -> None:
        for who in {event.actor_id, event.subject_id}:
            for reader in self._audience.of_person(who):
                if reader.live and (frame := _private_frame(reader, event)):
                    reader.outbox.put(frame, event.id)

    def frame_for(self, reader: Reader, event: Logged, seen: Subjects) -> str | None:
        """The frame for one reader; ``None`` if the event does not concern this reader."""
        if event.kind in _PRIVATE:
            return _private_frame(reader, event)
        return self._post_frame(reader, event, seen) if event.kind.startswith("post.") else None

    def _post_frame(self, reader: Reader, event: Logged, seen: Subjects) -> str | None:
        channels = reader.channels_of(event.actor_id)
        if not channels:
            return None
        post = seen.post_of(event)
        foreign = post is not None and reader.is_foreign(post)
        wants = foreign and reader.actor.translates_live
        key = (event.id, reader.language, foreign, wants, *channels)
        try:
            return seen.frames[key]
        except KeyError:
            frame = self._worded(reader, event, channels, seen)
            if len(seen.frames) >= self.most_frames:
                seen.frames.clear()
            if self.most_frames:
                seen.frames[key] = frame
            return frame

    def _worded(
        self, reader: Reader, event: Logged, channels: list[str], seen: Subjects
    ) -> str | None:
        if event.kind == events.POST_DELETED:
            return wire.post_deleted(event.id, channels, event.subject_id)
        post = seen.post_of(event)
        if post is None:  # deleted meanwhile; that event follows
            return None
        if event.kind == events.POST_TRANSLATED:
            return self._translated_frame(reader, event, post, seen.translation_of(event))
        html = self.render(post, reader.language, reader.is_foreign(post))
        return _FRAMES[event.kind](event.id, channels, post, html)

    def _translated_frame(
        self, reader: Reader, event: Logged, post: PostView, text: str | None
    ) -> str | None:
        """For who wants this post translated, and into this language; it may be worded anew."""
        mine = _language_of(event) == self._told(reader.language)
        if text is None or not mine or not reader.wants_translated(post):
            return None
        return wire.post_translated(event.id, post.id, reader.language, text)


def _nobody(_post: PostView, _languages: frozenset[str]) -> None:
    """Stand in where nobody interprets."""


def _language_of(event: Logged) -> str:
    return str((event.payload or {}).get("language", ""))


def _private_frame(reader: Reader, event: Logged) -> str | None:
    """What only the people of the event hear, for one reader; ``None`` for everybody else."""
    mine, payload = reader.actor.id, event.payload or {}
    if mine not in (event.actor_id, event.subject_id):
        return None
    if event.kind == events.NOTIFIED:
        return wire.notification(event.id, payload)
    if reader.actor.token_id is not None and tokens.MESSAGES not in reader.actor.scopes:
        return None
    other = event.subject_id if mine == event.actor_id else event.actor_id
    return wire.message_created(event.id, payload["message_id"], other)
