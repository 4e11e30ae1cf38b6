"""Frames that are worded once for many are what each would be told alone."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from microblog.app import create_app
from microblog.domain import events, posts, tongues, translations
from microblog.domain.posts import PostView
from microblog.live.hub import Hub
from microblog.live.telling import Render, Teller, subjects
from microblog.live.texts import Text
from microblog.resources import Resources
from microblog.serving.frames import frame
from microblog.settings import Settings
from tests.live.hearing import SECONDS, Ear, Town
from tests.web.forgetting import forget_everything

_EXPLORE, _HOME = ("explore",), ("home",)
# Of any two that share a frame, each differs from some other one in a single point.
_READERS = [
    ("mary", "en", _EXPLORE),
    ("mary", "es", _EXPLORE),
    ("mary", "en", _HOME),
    ("mary", "en", ("home", "explore", "user:john")),
    ("susan", "en", _EXPLORE),
    ("susan", "es", _EXPLORE),
    ("david", "en", _EXPLORE),
    ("david", "es", _EXPLORE),
    ("john", "en", _HOME),
    ("john", "en", _HOME),
]


@pytest.fixture
async def forgetful(town: Town, settings: Settings) -> AsyncIterator[Hub]:
    """The hub of another process, which words each frame for one reader alone."""
    app = create_app(replace(settings, jobs=replace(settings.jobs, inside=False)))
    async with app.test_app():
        forget_everything(app)
        resources: Resources = app.extensions["microblog"]
        yield resources.hub


async def settle_in(town: Town) -> None:
    """mary reads English and wants the rest translated, susan does not want it; david reads all."""
    await town.follow("mary", "john")
    async with town.database.begin() as session:
        for name, reads, wants in (
            ("mary", ["en"], True),
            ("susan", ["en"], False),
            ("david", ["en", "es"], True),
        ):
            actor = town.people[name]
            await tongues.set_reading(session, actor, reads=reads, translates_live=wants)


async def live(town: Town) -> AsyncIterator[None]:
    """Posts come, change, are translated and go: one step after the other."""
    numbers = []
    for body, language in (("hola", "es"), ("hello", "en"), ("bonjour", "fr"), ("soon gone", None)):
        async with town.database.begin() as session:
            actor = town.people["john"]
            post = await posts.publish(session, actor, body, length=500, language=language)
            numbers.append(post.id)
        yield
    await town.edit("john", numbers[1], "hello again")
    yield
    async with town.database.begin() as session:
        post = await posts.by_id(session, numbers[0])
        ticket = await translations.take_ticket(session, post, "en", provider="nobody")
        await translations.keep(session, ticket or "", post, "en", "hello")
        await translations.announce(session, post, "en")
    yield
    await town.remove("john", numbers[3])
    yield


class Counted:
    """Renders, and counts how often."""

    def __init__(self, render: Render) -> None:
        self.render = render
        self.times: Counter[tuple[object, ...]] = Counter()

    def __call__(self, post: PostView, language: str, foreign: bool) -> str:
        self.times[post, language, foreign] += 1
        return self.render(post, language, foreign)


async def test_a_frame_for_many_is_the_frame_for_one(town: Town) -> None:
    """Whoever was told before: of every event, in every language, to the letter."""
    await settle_in(town)
    ears = [await town.listen(who, *names, language=code) for who, code, names in _READERS]
    async for _ in live(town):
        pass
    async with town.database.reading() as session:
        log = await events.after(session, 0, limit=100)
        seen = await subjects(session, log)
    render = town.hub._teller.render
    renders = Counted(render), Counted(render)
    once, anew = (Teller(town.hub.audience, each) for each in renders)
    anew.most_frames = 0
    alone = replace(seen, frames={})
    kinds: Counter[str] = Counter()
    for _ in range(2):
        for event in log:
            for ear in ears:
                told = once.frame_for(ear.reader, event, seen)
                assert told == anew.frame_for(ear.reader, event, alone), event
                kinds[event.kind] += told is not None
    assert {events.POST_CREATED, events.POST_UPDATED} < kinds.keys()
    assert kinds[events.POST_DELETED] == 2 * 10
    # mary's, where her pages are in English.
    assert kinds[events.POST_TRANSLATED] == 2 * 3
    assert alone.frames == {}
    assert 2 * renders[0].times.total() < renders[1].times.total()


async def test_who_hears_live_hears_what_one_alone_would(town: Town, forgetful: Hub) -> None:
    """And so does who comes later and catches up."""
    await settle_in(town)
    since = await town.settle()

    async def arrive(begin: int | None) -> list[tuple[Ear, Ear]]:
        pairs = []
        for who, code, names in _READERS:
            actor, pair = await town.log_in(who), (Ear(town.hub, begin), Ear(forgetful, begin))
            for ear in pair:
                await ear.listen(actor, code, town.channels(names))
                town.ears.append(ear)
                await ear.live()
            pairs.append(pair)
        return pairs

    pairs = await arrive(None)
    async for _ in live(town):
        # Or one of them tells what a post says already, and the other one what it said.
        newest = await town.settle()
        async with asyncio.timeout(SECONDS):
            await forgetful.reach(newest)
    for ear, alone in (*pairs, *await arrive(since)):
        seen = [json.dumps(told) for told in alone.frames]
        await ear.hear(len(seen))
        assert [json.dumps(told) for told in ear.frames] == seen
        assert len(seen) >= 2


def _texts() -> Iterator[str]:
    for size in (0, 125, 126, 65_535, 65_536):
        yield from ("a" * size, "b" * size, "é🙂" * size)


def test_what_is_encoded_once_is_what_is_encoded_each_time() -> None:
    """Of a plain string nothing is kept."""
    for text in _texts():
        kept = Text(text)
        assert frame(kept) is frame(kept)
        assert frame(kept) == frame(text)
        assert frame(text) is not frame(text)
