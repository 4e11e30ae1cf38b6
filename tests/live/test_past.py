"""Readers who come back together share what is read and worded, and hear what is true by then."""

import asyncio
from dataclasses import replace

import pytest

from microblog.domain import events
from microblog.live.past import LENGTH, Past, _joined
from tests.live.hearing import Town


class Reads:
    """Counts how often the log is read for somebody who catches up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number = 0
        look = events.oldest

        async def counted(session):
            self.number += 1
            return await look(session)

        monkeypatch.setattr(events, "oldest", counted)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


async def test_many_who_come_back_at_once_are_one_reading(town: Town, reads: Reads) -> None:
    since = await town.newest()
    missed = [await town.post("john", str(number)) for number in range(5)]
    await town.settle()
    ears = await asyncio.gather(
        *(town.listen(name, "explore", since=since) for name in town.people for _ in range(5))
    )
    for ear in ears:
        await ear.live()
        assert ear.posts == missed
    # The log may go on meanwhile, and end in another part than it began.
    assert 1 <= reads.number <= 3


async def test_what_is_added_is_read_by_itself(town: Town) -> None:
    since = await town.newest()
    first = await town.post("john", "first")
    early = await (await town.listen("susan", "explore", since=since)).live()
    second = await town.post("mary", "second")
    await town.settle()
    late = await (await town.listen("david", "explore", since=since)).live()
    await early.hear_post(second)
    assert early.posts == late.posts == [first, second]
    assert late.seqs == early.seqs


async def test_each_hears_only_their_own(town: Town) -> None:
    await town.follow("susan", "john")
    await town.follow("mary", "david")
    since = await town.newest()
    of_john, of_david = await town.post("john"), await town.post("david")
    await town.settle()
    susan, mary, all_of_it = await asyncio.gather(
        town.listen("susan", since=since),
        town.listen("mary", since=since),
        town.listen("susan", "home", "explore", since=since),
    )
    for ear, posts in ((susan, [of_john]), (mary, [of_david]), (all_of_it, [of_john, of_david])):
        await ear.live()
        assert ear.posts == posts
    assert [frame["channels"] for frame in all_of_it.frames] == [["home", "explore"], ["explore"]]


async def test_what_was_changed_since_is_not_repeated_as_it_was(town: Town) -> None:
    since = await town.newest()
    kept, gone = await town.post("john", "before"), await town.post("john", "a secret")
    await town.settle()
    first = await (await town.listen("susan", "explore", since=since)).live()
    assert first.posts == [kept, gone]
    await town.edit("john", kept, "after")
    await town.remove("john", gone)
    await town.settle()
    again = await (await town.listen("susan", "explore", since=since)).live()
    assert again.posts == [kept]
    assert again.frames[0]["post"]["body"] == "after"
    assert "a secret" not in str(again.frames)
    assert [frame["type"] for frame in again.frames] == [
        "post.created",
        "post.updated",
        "post.deleted",
    ]


async def test_a_change_while_it_is_read_is_not_kept_away(town: Town, monkeypatch) -> None:
    since = await town.newest()
    post_id = await town.post("john", "before")
    await town.settle()
    look, pending = events.oldest, [True]

    async def interrupted(session):
        if pending:
            pending.pop()
            await town.edit("john", post_id, "after")
            await town.settle()
        return await look(session)

    monkeypatch.setattr(events, "oldest", interrupted)
    first = await (await town.listen("susan", "explore", since=since)).live()
    again = await (await town.listen("david", "explore", since=since)).live()
    assert not pending
    assert first.frames[-1]["post"]["body"] == "after"
    assert {frame["post"]["body"] for frame in again.frames} == {"after"}


async def test_parts_meet_without_a_hole(town: Town, reads: Reads) -> None:
    """Whatever number a reader comes with, also in the middle of a part."""
    since = await town.newest()
    number = 2 * LENGTH + 10
    async with town.database.begin() as session:
        for post_id in range(number):
            events.record(session, events.POST_DELETED, actor_id=1, subject_id=post_id)
    newest = await town.settle()
    for begin in (since, since + 1, LENGTH - 1, LENGTH, LENGTH + 1, newest - 1, newest):
        ear = await (await town.listen("david", "explore", since=begin)).live()
        assert ear.seqs == list(range(begin + 1, newest + 1))
    assert reads.number == 3


async def test_nothing_is_kept_for_long(town: Town, monkeypatch) -> None:
    since = await town.newest()
    await town.post("john")
    await town.settle()
    await (await town.listen("susan", "explore", since=since)).live()
    past = town.hub._past
    past.forget_old()
    assert past._parts
    monkeypatch.setattr("microblog.live.past.time.monotonic", lambda: float("inf"))
    past.forget_old()
    assert not past._parts


async def test_what_is_too_old_is_read_again(town: Town, reads: Reads) -> None:
    """Even if nobody has let go of it yet."""
    past = Past(town.database)
    await town.post("john")
    newest = await town.newest()
    part = await past.part(0, newest)
    assert await past.part(0, newest) is part
    past._parts[0] = replace(part, ends_at=0.0)
    again = await past.part(0, newest)
    assert again is not part
    assert again.events == part.events


async def test_what_is_shared_is_what_is_read_anew(town: Town) -> None:
    """For one who keeps nothing, too; while more is written, and what was written changes."""
    keeping, forgetful = town.hub._past, Past(town.database)
    forgetful.most = 0
    post = await town.post("john", "first")
    for number in range(4):
        await town.post("mary", f"{number}")
        if number == 2:
            await town.edit("john", post, "second")
        await town.settle()
        newest = await town.newest()
        parts = [await past.part(0, newest) for past in (keeping, keeping, forgetful, forgetful)]
        assert parts[0] is parts[1]
        assert parts[2] is not parts[3]
        assert not forgetful._parts
        for part in parts[1:]:
            assert (part.events, part.until) == (parts[0].events, newest)
            assert part.seen.posts == parts[0].seen.posts


async def test_what_is_worded_for_more_is_not_put_with_less(town: Town) -> None:
    """Or what is deleted by the time that the less is asked for would still be told."""
    past = Past(town.database)
    await town.post("john")
    less = await past.part(0, await town.newest())
    await town.post("john")
    more = await past.part(0, await town.newest())
    assert more.events[: len(less.events)] == less.events
    joined = _joined(less, more)
    assert joined.seen.frames == less.seen.frames
    assert joined.seen.frames is not less.seen.frames
