"""Who hears what, in which order, and how often."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from microblog.domain import posts
from microblog.domain.errors import Invalid
from microblog.domain.posts import PostView
from microblog.i18n import long_date, speaking
from microblog.live.audience import Channels
from microblog.serving import frames
from tests.live.hearing import Town


async def test_home_is_the_followed_and_oneself(town: Town) -> None:
    await town.follow("susan", "john")
    susan = await (await town.listen("susan")).live()
    theirs = await town.post("john")
    await town.post("mary")
    own = await town.post("susan")
    await susan.hear_post(own)
    assert susan.posts == [theirs, own]
    assert [frame["channels"] for frame in susan.frames] == [["home"], ["home"]]


async def test_explore_is_everybody(town: Town) -> None:
    david = await (await town.listen("david", "explore")).live()
    ids = [await town.post(name) for name in ("susan", "john", "mary", "david")]
    await david.hear_post(ids[-1])
    assert david.posts == ids


async def test_a_profile_is_one_person(town: Town) -> None:
    david = await (await town.listen("david", "user:mary")).live()
    await town.post("john")
    hers = await town.post("mary")
    await david.hear_post(hers)
    assert david.posts == [hers]
    assert david.frames[0]["channels"] == ["user:mary"]


async def test_one_post_in_several_channels_is_one_frame(town: Town) -> None:
    await town.follow("susan", "john")
    susan = await (await town.listen("susan", "home", "explore", "user:john")).live()
    first, second = await town.post("john"), await town.post("mary")
    await susan.hear_post(second)
    assert susan.posts == [first, second]
    assert [f["channels"] for f in susan.frames] == [["home", "explore", "user:john"], ["explore"]]


async def test_order_is_the_log_s_and_each_event_comes_once(town: Town) -> None:
    ears = [await (await town.listen(name, "explore")).live() for name in town.people]

    async def write(name: str) -> list[int]:
        return [await town.post(name) for _ in range(10)]

    written = await asyncio.gather(*(write(name) for name in town.people))
    for ear in ears:
        await ear.hear(40)
        assert Counter(ear.posts) == Counter(post_id for posts in written for post_id in posts)
        assert ear.seqs == sorted(set(ear.seqs))
    assert len({tuple(ear.seqs) for ear in ears}) == 1


async def test_edits_and_deletions(town: Town) -> None:
    susan = await (await town.listen("susan", "explore")).live()
    post_id = await town.post("john", "first")
    await town.settle()
    await town.edit("john", post_id, "second")
    await town.settle()
    await town.remove("john", post_id)
    created, updated, deleted = await susan.hear(3)
    assert (created["type"], created["post"]["body"]) == ("post.created", "first")
    assert (updated["type"], updated["post"]["body"]) == ("post.updated", "second")
    assert "second" in updated["html"]
    assert deleted == {
        "type": "post.deleted",
        "seq": deleted["seq"],
        "channels": ["explore"],
        "post_id": post_id,
    }


async def test_an_edit_that_changes_nothing_is_no_event(town: Town) -> None:
    post_id = await town.post("john", "same")
    before = await town.newest()
    await town.edit("john", post_id, "same")
    assert await town.newest() == before


async def test_a_refused_post_is_no_event(town: Town) -> None:
    before = await town.newest()
    with pytest.raises(Invalid):
        await town.post("john", "x" * 501)
    async with town.database.begin() as session:
        await posts.publish(session, town.people["john"], "taken back", length=500)
        await session.rollback()
        session.info.clear()
    with pytest.raises(ZeroDivisionError):
        async with town.database.begin() as session:
            await posts.publish(session, town.people["john"], "lost", length=500)
            raise ZeroDivisionError
    assert await town.newest() == before


async def test_following_holds_at_once_in_open_sockets(town: Town) -> None:
    both = [await (await town.listen("susan")).live() for _ in range(2)]
    await town.post("john", "too early")
    await town.follow("susan", "john")
    heard = await town.post("john", "heard")
    await town.unfollow("susan", "john")
    await town.post("john", "too late")
    own = await town.post("susan", "own")
    for ear in both:
        await ear.hear_post(own)
        assert ear.posts == [heard, own]


async def test_unfollowing_does_not_take_the_other_channels(town: Town) -> None:
    await town.follow("susan", "john")
    susan = await (await town.listen("susan", "home", "user:john")).live()
    await town.unfollow("susan", "john")
    post_id = await town.post("john")
    await susan.hear_post(post_id)
    assert susan.frames[-1]["channels"] == ["user:john"]


async def test_subscribing_replaces_the_channels(town: Town) -> None:
    await town.follow("susan", "john")
    susan = await (await town.listen("susan", "home")).live()
    town.hub.audience.tune(susan.reader, town.channels(["user:mary"]))
    await town.post("john")
    hers = await town.post("mary")
    await susan.hear_post(hers)
    town.hub.audience.tune(susan.reader, town.channels(["home"]))
    await town.post("mary")
    his = await town.post("john")
    await susan.hear_post(his)
    assert susan.posts == [hers, his]
    town.hub.audience.tune(susan.reader, town.channels([]))
    await town.post("john")
    await town.settle()
    assert susan.posts == [hers, his]


async def test_who_left_hears_nothing(town: Town) -> None:
    gone = await (await town.listen("susan", "explore", "home", "user:john")).live()
    stays = await (await town.listen("susan", "explore")).live()
    await gone.leave()
    await town.follow("susan", "john")
    await stays.hear_post(await town.post("john"))
    assert gone.frames == []
    assert len(town.hub.audience) == 1


async def test_a_post_is_rendered_once_for_each_language(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[str] = []
    original = town.hub._teller.render

    def count(post: PostView, language: str, foreign: bool) -> str:
        rendered.append(language)
        return original(post, language, foreign)

    monkeypatch.setattr(town.hub._teller, "render", count)
    languages = ("en", "es") * 6
    ears = [
        await (await town.listen("mary", "explore", language=code)).live() for code in languages
    ]
    await town.post("john")
    for ear in ears:
        await ear.hear(1)
    assert sorted(rendered) == ["en", "es"]


async def test_the_fragment_is_in_the_reader_s_language(town: Town) -> None:
    english = await (await town.listen("mary", "explore", language="en")).live()
    spanish = await (await town.listen("mary", "explore", language="es")).live()
    await town.post("john")
    frames: list[dict[str, Any]] = [(await ear.hear(1))[0] for ear in (english, spanish)]
    async with town.database.reading() as session:
        post = await posts.by_id(session, frames[0]["post"]["id"])
    for frame, code in zip(frames, ("en", "es"), strict=True):
        with speaking(code):
            assert long_date(post.created_at) in frame["html"]
    assert frames[0]["html"] != frames[1]["html"]
    assert frames[0]["post"] == frames[1]["post"]


async def test_the_posts_of_a_deleted_account_go(town: Town) -> None:
    await town.follow("susan", "john")
    susan = await (await town.listen("susan")).live()
    ids = [await town.post("john") for _ in range(3)]
    await susan.hear(3)
    await town.close("john")
    await susan.hear(6)
    assert sorted(frame["post_id"] for frame in susan.frames[3:]) == ids


async def test_a_frame_is_encoded_once_for_each_choice_of_channels(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many choices there are in a burst, and however slowly readers take them."""
    encoded: list[str] = []
    encode = frames._encoded

    def count(text: str) -> bytes:
        encoded.append(text)
        return encode(text)

    monkeypatch.setattr(frames, "_encoded", count)
    choices, bodies, john = 70, [str(number) for number in range(8)], town.people["john"].id
    actor = await town.log_in("mary")
    readers = []
    for number in range(2 * choices):
        channels = Channels(profiles={john: f"user:{number % choices}"})
        readers.append(await town.hub.admit(actor, "en", channels))
        async for _ in town.hub.catch_up(readers[-1], None):
            pass
    for body in bodies:
        await town.post("john", body)
    await town.settle()
    lines: list[list[bytes]] = [[] for _ in readers]
    for _ in bodies:
        for reader, line in zip(readers, lines, strict=True):
            line.append(frames.frame(await reader.outbox.get(1) or ""))
    assert len(encoded) == len(set(encoded)) == choices * len(bodies)
    for number, line in enumerate(lines):
        assert all(f'"user:{number % choices}"'.encode() in frame for frame in line)
        assert all(f'"body":"{body}"'.encode() in line[at] for at, body in enumerate(bodies))
    for reader in readers:
        town.hub.leave(reader)
