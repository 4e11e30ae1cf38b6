"""Coming back with the last number: no hole, nothing twice, and honest about what is gone."""

import asyncio
import random
from datetime import timedelta

from sqlalchemy import delete, text

from microblog.database import Database
from microblog.domain import events, follows, posts, sessions, users
from microblog.models import Event, utc_now
from tests.live.hearing import Ear, Town

WRITERS = 8
POSTS_EACH = 25
READERS = 20


async def test_what_was_missed_comes_first(town: Town) -> None:
    await town.follow("susan", "john")
    since = await town.newest()
    missed = [await town.post("john", str(n)) for n in range(3)]
    susan = await town.listen("susan", since=since)
    now = await town.post("john", "now")
    await susan.hear_post(now)
    assert susan.posts == [*missed, now]


async def test_without_since_nothing_old_comes(town: Town) -> None:
    await town.post("john", "old")
    david = await town.listen("david", "explore")
    now = await town.post("john", "now")
    await david.hear_post(now)
    assert david.posts == [now]


async def test_more_than_a_batch_is_replayed(town: Town) -> None:
    ids = []
    for _ in range(5):
        async with town.database.begin() as session:
            for _ in range(100):
                ids.append(len(ids) + 1)
                events.record(session, events.POST_DELETED, actor_id=1, subject_id=ids[-1])
    david = await town.listen("david", "explore", since=0)
    await david.hear(500)
    assert [frame["post_id"] for frame in david.frames] == ids
    assert david.seqs == sorted(set(david.seqs))


async def test_joining_while_everybody_writes(town: Town) -> None:
    """Readers come at any time with any number: what each hears has no hole and nothing twice."""
    chance = random.Random(7)
    names = list(town.people)

    async def write(number: int) -> None:
        for _ in range(POSTS_EACH):
            await town.post(names[number % len(names)])
            await asyncio.sleep(chance.random() / 100)

    async def join() -> Ear:
        await asyncio.sleep(chance.random() / 2)
        return await town.listen("david", "explore", since=chance.randint(0, await town.newest()))

    writing = [asyncio.create_task(write(number)) for number in range(WRITERS)]
    ears = await asyncio.gather(*(join() for _ in range(READERS)))
    await asyncio.gather(*writing)
    async with town.database.reading() as session:
        log = await events.after(session, 0, limit=10_000)
    created = [(event.id, event.subject_id) for event in log if event.kind == events.POST_CREATED]
    assert len(created) == WRITERS * POSTS_EACH
    for ear in ears:
        expected = [pair for pair in created if pair[0] > (ear.since or 0)]
        await ear.hear_post(created[-1][1])
        assert list(zip(ear.seqs, ear.posts, strict=True)) == expected


async def test_following_is_caught_up_with_too(town: Town) -> None:
    since = await town.newest()
    await town.follow("susan", "john")
    first = await town.post("john")
    susan = await town.listen("susan", since=since)
    second = await town.post("john")
    await susan.hear_post(second)
    assert susan.posts == [first, second]


async def test_a_follow_while_the_reader_is_let_in_is_not_lost(town: Town, monkeypatch) -> None:
    """Between the look at the log and the look at the followed, the world goes on."""
    looks = {"newest": events.newest, "followed_ids": follows.followed_ids}

    def interrupted(name: str):
        async def look(session, *arguments):
            found = await looks[name](session, *arguments)
            if pending:
                await pending.pop()()
            return found

        return look

    pending = [lambda: town.follow("susan", "mary"), lambda: town.follow("susan", "john")]
    with monkeypatch.context() as patch:
        patch.setattr(follows, "followed_ids", interrupted("followed_ids"))
        patch.setattr(events, "newest", interrupted("newest"))
        actor = await town.log_in("susan")
        susan = await town.listen("susan", actor=actor)
    assert not pending
    await susan.live()
    ids = [await town.post("john"), await town.post("mary")]
    await susan.hear_post(ids[-1])
    assert susan.posts == ids


async def test_a_number_beyond_the_newest_is_a_gap(town: Town) -> None:
    await town.post("john")
    newest = await town.newest()
    david = await town.listen("david", "explore", since=newest + 1000)
    now = await town.post("john")
    await david.hear_post(now)
    assert david.frames[0] == {"type": "gap", "seq": newest}
    assert david.posts == [now]


async def test_what_was_swept_is_a_gap(town: Town) -> None:
    since = await town.newest()
    for _ in range(20):
        await town.post("john")
    async with town.database.begin() as session:
        assert await events.sweep(session, keep_hours=24, keep_events=5) > 0
    newest = await town.settle()
    david = await town.listen("david", "explore", since=since)
    mary = await town.listen("mary", "explore", since=newest - 5)
    now = await town.post("john")
    for ear in (david, mary):
        await ear.hear_post(now)
    assert david.frames[0] == {"type": "gap", "seq": newest}
    assert david.posts == [now]
    assert len(mary.posts) == 6


async def test_the_newest_event_is_never_swept(town: Town) -> None:
    await town.post("john")
    newest = await town.newest()
    async with town.database.begin() as session:
        await events.sweep(session, keep_hours=0, keep_events=1)
    assert await town.newest() == newest


async def test_what_is_swept_during_the_replay_is_a_gap(town: Town) -> None:
    async with town.database.begin() as session:
        for number in range(500):
            events.record(session, events.POST_DELETED, actor_id=1, subject_id=number)
    newest = await town.settle()
    actor = await town.log_in("david")
    reader = await town.hub.admit(actor, "en", town.channels(["explore"]))
    replay = town.hub.catch_up(reader, newest - 500)
    first = [await anext(replay) for _ in range(150)]
    async with town.database.begin() as session:
        await session.execute(delete(Event).where(Event.id < newest))
    rest = [frame async for frame in replay]
    town.hub.leave(reader)
    assert all("post.deleted" in frame for frame in first)
    assert [frame for frame in rest if "gap" in frame] == [rest[-1]]
    assert f'"seq":{newest}' in rest[-1]
    assert len(rest) == 51


async def test_posts_deleted_since_are_not_shown(town: Town) -> None:
    since = await town.newest()
    post_id = await town.post("john", "regretted")
    await town.remove("john", post_id)
    david = await town.listen("david", "explore", since=since)
    await david.hear(1)
    assert [frame["type"] for frame in david.frames] == ["post.deleted"]


async def test_a_reader_who_catches_up_knows_follows_made_elsewhere(
    town: Town, elsewhere: Database
) -> None:
    async with elsewhere.begin() as session:
        john = await users.by_id(session, town.people["john"].id)
        await follows.follow(session, town.people["susan"], john)
    susan = await (await town.listen("susan")).live()
    post_id = await town.post("john", database=elsewhere)
    await susan.hear_post(post_id)


async def swept(database: Database, days: float) -> int:
    """The sweep as a process does it whose clock is so many days ahead."""
    async with database.begin(wake=False) as session:
        return await events.sweep(session, keep_hours=24 * (1 - days), keep_events=100_000)


async def test_what_was_swept_before_the_hub_read_it_is_a_gap(
    town: Town, elsewhere: Database
) -> None:
    """A clock that jumps, or a process that was held up for long: nobody is left in the dark."""
    await town.follow("susan", "john")
    susan, mary, david = [
        await (await town.listen(name, *channels)).live()
        for name, channels in (("susan", ()), ("mary", ("explore",)), ("david", ()))
    ]
    await town.post("john", "first")
    await susan.hear(1)
    await mary.hear(1)
    await town.hub.following.stop()
    async with elsewhere.begin(wake=False) as session:
        for number in range(4):
            await posts.publish(session, town.people["john"], f"unheard {number}", length=500)
        await follows.follow(
            session, town.people["david"], await users.by_id(session, town.people["john"].id)
        )
        await sessions.end(session, mary.reader.actor)
    await town.post("john", "last", elsewhere)
    assert await swept(elsewhere, 2) > 0
    town.hub.following.start()
    newest = await town.settle()
    await susan.until(lambda: len(susan.frames) == 3)
    assert [frame["type"] for frame in susan.frames] == ["post.created", "gap", "post.created"]
    assert susan.seqs[1:] == [newest - 1, newest]
    # What the lost events have changed holds all the same.
    assert await mary.hear_end() == 4401
    await david.until(lambda: bool(david.frames))
    assert david.frames[0]["type"] == "gap"
    heard = await town.post("john")
    await david.hear_post(heard)


async def test_a_number_that_was_never_committed_is_no_gap(town: Town) -> None:
    await town.post("john")
    david = await (await town.listen("david", "explore")).live()
    async with town.database.begin() as session:
        hole = await events.newest(session) + 5
        session.add(Event(id=hole, kind=events.PING, actor_id=0, subject_id=0))
    await town.settle()
    # On PostgreSQL the sequence does not know of it.
    async with town.database.begin() as session:
        if session.get_bind().dialect.name == "postgresql":
            beyond = text("SELECT setval(pg_get_serial_sequence('event', 'id'), :hole)")
            await session.execute(beyond, {"hole": hole})
    await david.hear_post(await town.post("john"))
    assert [frame["type"] for frame in david.frames] == ["post.created"]


async def test_the_sweep_takes_the_first_ones_whatever_the_clock_said(town: Town) -> None:
    """So the oldest that is left tells what is gone."""
    for day in (3, 0, 3, 0):
        async with town.database.begin() as session:
            moment = utc_now() - timedelta(days=day)
            session.add(Event(kind=events.PING, actor_id=0, subject_id=0, created_at=moment))
    newest = await town.newest()
    await swept(town.database, 0)
    async with town.database.reading() as session:
        assert await events.oldest(session) == newest - 2
        assert [event.id for event in await events.after(session, 0, limit=9)] == [
            newest - 2,
            newest - 1,
            newest,
        ]
