"""What happened: recorded with the fact, read in order, swept in time."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from microblog.database import Database
from microblog.domain import events, posts
from microblog.models import Event, Post, utc_now
from tests.cast import Cast

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def log(database: Database, since: int = 0) -> list[tuple[str, int]]:
    async with database.reading() as session:
        return [(e.kind, e.subject_id) for e in await events.after(session, since, limit=999)]


async def test_a_post_and_its_event_are_one(cast: Cast) -> None:
    """Both or none: written, changed, taken back, and undone."""
    database = cast.resources.database
    number = await cast.publish(cast.susan, "first words")
    async with database.begin() as session:
        await posts.edit(session, cast.susan.actor, number, "other words", length=500)
    with pytest.raises(ZeroDivisionError):
        async with database.begin() as session:
            await posts.remove(session, cast.susan.actor, number)
            raise ZeroDivisionError
    async with database.begin() as session:
        await posts.edit(session, cast.susan.actor, number, "other words", length=500)
    async with database.begin() as session:
        await posts.remove(session, cast.susan.actor, number)
    assert await log(database) == [
        ("post.created", number),
        ("post.updated", number),
        ("post.deleted", number),
    ]


async def test_a_refusal_leaves_no_event(cast: Cast) -> None:
    await cast.susan.browser.submit("/", post=" ")
    await cast.susan.browser.submit("/", post="x" * 501)
    await cast.susan.browser.post("/", post="forged")
    await cast.john.browser.submit("/", to="/post/1/delete")
    assert await log(cast.resources.database) == []


async def test_events_of_one_unit_of_work_keep_their_order(database: Database) -> None:
    async with database.begin() as session:
        for number in range(50):
            events.record(session, "x", actor_id=0, subject_id=number)
    assert [subject for _, subject in await log(database)] == list(range(50))


@on_postgresql
async def test_no_post_is_lost_when_commits_come_out_of_order(cast: Cast) -> None:
    """A post is written and its transaction stays open while later ones commit.

    A tail that remembers only the last number that it has seen must meet each event once.
    """
    database = cast.resources.database
    seen: list[int] = []
    position = 0

    async def look() -> None:
        nonlocal position
        async with database.reading() as session:
            for found in await events.after(session, position, limit=999):
                assert found.id > position
                position = found.id
                seen.append(found.subject_id)

    slow = database.writing()
    first = await posts.publish(slow.session, cast.susan.actor, "slow", length=500)
    later = []
    for number in range(3):
        later.append(await cast.publish(cast.john, f"quick {number}"))
        await look()
    assert first.id < min(later)
    assert seen == later
    await slow.commit()
    await slow.close()
    await look()
    assert seen == [*later, first.id]


@on_postgresql
async def test_numbers_become_visible_in_ascending_order(cast: Cast) -> None:
    """Thirty writers at once, each pausing between its post and its commit for another time."""
    database = cast.resources.database
    seen: list[int] = []
    done = asyncio.Event()

    async def write(number: int) -> None:
        async with database.begin() as session:
            await posts.publish(session, cast.susan.actor, f"post {number}", length=500)
            for _ in range(number * 7 % 10):
                await session.scalar(select(func.count()).select_from(Post))

    async def tail() -> None:
        while not done.is_set():
            async with database.reading() as session:
                visible = list(await session.scalars(select(Event.id).order_by(Event.id)))
            assert visible[: len(seen)] == seen, "a number appeared below one that was visible"
            seen[:] = visible

    tailing = asyncio.create_task(tail())
    await asyncio.gather(*(write(number) for number in range(30)))
    done.set()
    await tailing
    assert len(await log(database)) == 30


async def test_old_and_too_many_are_swept_but_the_newest_stays(database: Database) -> None:
    async with database.begin() as session:
        for number in range(10):
            events.record(session, "x", actor_id=0, subject_id=number)
    async with database.begin() as session:
        assert await events.sweep(session, keep_hours=24, keep_events=4) == 6
        assert await events.newest(session) == 10
        assert await events.oldest(session) == 7
        await session.execute(update(Event).values(created_at=utc_now() - timedelta(hours=25)))
        assert await events.sweep(session, keep_hours=24, keep_events=4) == 3
        assert await events.newest(session) == await events.oldest(session) == 10
    async with database.begin() as session:
        events.record(session, "x", actor_id=0, subject_id=11)
    async with database.reading() as session:
        assert await events.newest(session) == 11


async def test_reading_stops_where_it_is_told(database: Database) -> None:
    async with database.reading() as session:
        assert await events.newest(session) == 0
        assert await events.oldest(session) is None
    async with database.begin() as session:
        for number in range(10):
            events.record(
                session, "x", actor_id=1, subject_id=number, payload={"n": number, "ü": None}
            )
    async with database.reading() as session:
        part = await events.after(session, 2, limit=3)
        assert [found.id for found in part] == [3, 4, 5]
        assert part[0].payload == {"n": 2, "ü": None}
        assert [e.id for e in await events.after(session, 2, limit=99, until=4)] == [3, 4]
        assert await events.after(session, 10, limit=99) == []
