"""Tasks: promised once, taken by one at a time, settled by whoever has them."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, func, select, update

from microblog.database import Database
from microblog.domain import notifications, tasks
from microblog.domain.actors import Actor
from microblog.domain.errors import NotFound
from microblog.domain.tasks import Claimed, Lost, UnderWay
from microblog.models import Task, User, utc_now

NAME = "count"


async def enrol(database: Database, name: str = "susan") -> Actor:
    async with database.begin() as session:
        user = User(username=name, email=f"{name}@example.com")
        session.add(user)
        await session.flush()
        return Actor(user.id, user.username)


async def promise(database: Database, **more: object) -> str:
    async with database.begin() as session:
        return await tasks.promise(session, NAME, **more)  # type: ignore[arg-type]


async def launch(database: Database, actor: Actor, name: str = tasks.EXPORT_POSTS) -> str:
    async with database.begin() as session:
        return await tasks.launch(session, actor, name)


async def claim(
    database: Database, now: datetime | None = None, limit: int = 10, **more: list[str]
) -> list[Claimed]:
    async with database.begin() as session:
        names = [NAME, tasks.EXPORT_POSTS]
        return await tasks.claim(session, names, limit=limit, now=now or utc_now(), **more)


async def read(database: Database, task_id: str) -> Task:
    async with database.reading() as session:
        return await session.get_one(Task, task_id)


async def told(database: Database, actor: Actor) -> dict[str, object]:
    async with database.reading() as session:
        word = await notifications.find(session, actor, notifications.TASK_PROGRESS)
    assert word is not None
    found: dict[str, object] = word.data
    return found


# Promising


async def test_fifty_at_once_are_one(database: Database) -> None:
    """JOB-05: the constraint decides, and everybody learns which one it is."""
    susan, john = await enrol(database), await enrol(database, "john")
    asked = [launch(database, susan) for _ in range(50)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    (task_id,) = (answer for answer in answers if isinstance(answer, str))
    others = [answer for answer in answers if answer != task_id]
    assert all(isinstance(answer, UnderWay) for answer in others), others
    assert {answer.task_id for answer in others if isinstance(answer, UnderWay)} == {task_id}
    # Another person, and another kind, are in nobody's way.
    await launch(database, john)
    await launch(database, susan, tasks.IMPORT_POSTS)


async def test_a_promise_that_is_taken_back_never_was(database: Database) -> None:
    susan = await enrol(database)
    with pytest.raises(ZeroDivisionError):
        async with database.begin() as session:
            await tasks.launch(session, susan, tasks.EXPORT_POSTS)
            raise ZeroDivisionError
    assert await claim(database) == []
    async with database.reading() as session:
        assert await tasks.of_actor(session, susan) == []
        assert await notifications.since(session, susan, 0) == []
    await launch(database, susan)


@pytest.mark.parametrize("end", [tasks.DONE, tasks.FAILED, tasks.CANCELLED])
async def test_the_end_makes_room_for_the_next(database: Database, end: str) -> None:
    """JOB-04, JOB-14: one at a time; over is over, and its owner hears of it."""
    susan = await enrol(database)
    task_id = await launch(database, susan)
    with pytest.raises(UnderWay):
        await launch(database, susan)
    async with database.begin() as session:
        assert await tasks.end(session, task_id, end, "because")
    async with database.begin() as session:
        assert not await tasks.end(session, task_id, tasks.DONE)
        assert await tasks.active(session, susan) == []
        assert await tasks.find_active(session, susan, tasks.EXPORT_POSTS) is None
        (view,) = await tasks.of_actor(session, susan)
        assert (view.id, view.state, view.complete) == (task_id, end, True)
    assert await told(database, susan) == {
        "task_id": task_id,
        "progress": 100,
        "name": tasks.EXPORT_POSTS,
        "state": end,
    }
    assert await launch(database, susan) != task_id


async def test_progress_is_told_and_kept(database: Database) -> None:
    """JOB-02, JOB-07, JOB-27."""
    susan = await enrol(database)
    task_id = await launch(database, susan)
    assert (await told(database, susan))["progress"] == 0
    async with database.reading() as session:
        assert await tasks.progress_of(session, task_id) == 0
        assert await tasks.progress_of(session, "never promised") == 100
        (view,) = await tasks.active(session, susan)
    assert (view.name, view.description) == ("export_posts", "Exporting posts...")
    assert (view.complete, view.progress) == (False, 0)
    (claimed,) = await claim(database)
    async with database.begin() as session:
        await tasks.note(session, claimed, progress=57, cursor={"post": 4})
    assert await told(database, susan) == {
        "task_id": task_id,
        "progress": 57,
        "name": tasks.EXPORT_POSTS,
        "state": tasks.RUNNING,
    }
    async with database.begin() as session:
        assert await tasks.progress_of(session, task_id) == 57
        await tasks.finish(session, claimed)
        assert await tasks.progress_of(session, task_id) == 100


async def test_strangers_tasks_are_not_there(database: Database) -> None:
    susan, john = await enrol(database), await enrol(database, "john")
    task_id = await launch(database, susan)
    for foreign in (task_id, "no-such-task"):
        with pytest.raises(NotFound):
            async with database.begin() as session:
                await tasks.cancel(session, john, foreign)
        with pytest.raises(NotFound):
            async with database.begin() as session:
                await tasks.by_id(session, john, foreign)
    assert (await read(database, task_id)).state == tasks.WAITING


# Taking


async def test_many_who_claim_at_once_never_share_a_task(database: Database) -> None:
    for _ in range(30):
        await promise(database)
    takers = await asyncio.gather(*(claim(database, limit=4) for _ in range(10)))
    taken = [task.id for claimed in takers for task in claimed]
    assert all(len(claimed) <= 4 for claimed in takers)
    assert len(taken) == len(set(taken))
    rest = await claim(database, limit=100)
    assert len(set(taken) | {task.id for task in rest}) == 30


async def test_the_oldest_goes_first_and_nothing_before_its_time(database: Database) -> None:
    now = utc_now()
    early = [await promise(database) for _ in range(3)]
    await promise(database, due_at=now + timedelta(hours=1))
    assert [task.id for task in await claim(database, limit=2)] == early[:2]
    assert [task.id for task in await claim(database)] == early[2:]
    assert len(await claim(database, now + timedelta(hours=1))) == 4  # and the leases are over


async def test_a_lease_keeps_others_away_until_it_is_over(database: Database) -> None:
    task_id = await promise(database, what="this")
    now = utc_now()
    (first,) = await claim(database, now)
    assert await claim(database, now + tasks.LEASE - timedelta(seconds=1)) == []
    async with database.begin() as session:
        await tasks.note(session, first, cursor={"post": 4})
        await tasks.hold(session, first, now=now + timedelta(seconds=20))
    over = now + tasks.LEASE + timedelta(seconds=20)
    assert await claim(database, over - timedelta(seconds=1)) == []
    assert await claim(database, over, besides=[task_id]) == []
    async with database.reading() as session:
        assert await tasks.next_due(session, [NAME]) == over
        assert await tasks.next_due(session, [NAME], besides=[task_id]) is None
        assert await tasks.next_due(session, ["another"]) is None
    (second,) = await claim(database, over)
    assert (first.attempts, second.attempts) == (1, 2)
    assert (second.cursor, second.arguments) == ({"post": 4}, {"what": "this"})


async def test_an_old_holder_writes_nothing(database: Database) -> None:
    """T-73."""
    task_id = await promise(database)
    now = utc_now()
    (old,) = await claim(database, now)
    (new,) = await claim(database, now + tasks.LEASE)
    for verb in (
        lambda session: tasks.hold(session, old, now=now),
        lambda session: tasks.note(session, old, progress=99),
        lambda session: tasks.finish(session, old),
        lambda session: tasks.fail(session, old, "no"),
        lambda session: tasks.recur(session, old, now),
    ):
        with pytest.raises(Lost):
            async with database.begin() as session:
                await verb(session)
    async with database.begin() as session:
        await tasks.give_back(session, old, now=now)
        await tasks.rest(session, old, now, reason="no")
    task = await read(database, task_id)
    assert (task.state, task.attempts, task.progress, task.reason) == ("running", 2, 0, "")
    async with database.begin() as session:
        await tasks.finish(session, new)
    assert (await read(database, task_id)).state == tasks.DONE


async def test_given_back_it_is_as_before(database: Database) -> None:
    await promise(database)
    (claimed,) = await claim(database)
    async with database.begin() as session:
        await tasks.give_back(session, claimed, now=utc_now())
    assert await claim(database) == [claimed]


async def test_a_reason_from_a_hostile_server_can_be_stored(database: Database) -> None:
    task_id = await promise(database)
    (claimed,) = await claim(database)
    async with database.begin() as session:
        await tasks.fail(session, claimed, "550 a\0b\r\nc\udcff" + "x" * 5000)
    assert (await read(database, task_id)).reason.startswith("550 a b  c xxx")


async def test_what_is_done_forgets_what_it_was_told(database: Database) -> None:
    done, failed = await promise(database, word="private"), await promise(database, word="private")
    async with database.begin() as session:
        await tasks.end(session, done, tasks.DONE)
        await tasks.end(session, failed, tasks.FAILED, "why")
    assert (await read(database, done)).arguments == {}
    assert (await read(database, failed)).arguments == {"word": "private"}


# Looking after the table


async def test_sweeping_leaves_what_is_to_be_done(database: Database) -> None:
    ids = [await promise(database) for _ in range(6)]
    waiting, running, done, failed, fresh, fresh_failure = ids
    long_ago = utc_now() - timedelta(days=31)
    lately = utc_now() - timedelta(days=8)
    async with database.begin() as session:
        for task_id, state, finished_at in (
            (waiting, tasks.WAITING, None),
            (running, tasks.RUNNING, None),
            (done, tasks.DONE, lately),
            (failed, tasks.CANCELLED, long_ago),
            (fresh, tasks.DONE, utc_now()),
            (fresh_failure, tasks.FAILED, lately),
        ):
            values = {"state": state, "finished_at": finished_at, "created_at": long_ago}
            await session.execute(update(Task).where(Task.id == task_id).values(**values))
        await tasks.sweep(session)
        left = set(await session.scalars(select(Task.id)))
    assert left == {waiting, running, fresh, fresh_failure}


async def test_counting_what_is_to_be_done_and_what_failed_lately(database: Database) -> None:
    ids = [await promise(database) for _ in range(5)]
    await claim(database, limit=1)
    async with database.begin() as session:
        await tasks.end(session, ids[2], tasks.DONE)
        await tasks.end(session, ids[3], tasks.FAILED)
        await tasks.end(session, ids[4], tasks.FAILED)
        two_days_ago = utc_now() - timedelta(days=2)
        await session.execute(
            update(Task).where(Task.id == ids[4]).values(finished_at=two_days_ago)
        )
    async with database.reading() as session:
        counted = await tasks.counts(session)
    assert counted == [(NAME, "failed", 1), (NAME, "running", 1), (NAME, "waiting", 1)]


async def test_an_account_that_closes_takes_its_tasks_along(database: Database) -> None:
    susan = await enrol(database)
    await launch(database, susan)
    (claimed,) = await claim(database)
    async with database.begin() as session:
        await session.delete(await session.get_one(User, susan.id))
    async with database.begin() as session:
        assert await session.scalar(select(func.count()).select_from(Task)) == 0
        with pytest.raises(Lost):
            await tasks.hold(session, claimed, now=utc_now())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_looking_for_work_does_not_walk_through_what_is_done(database: Database) -> None:
    """SQLite takes a partial index only for the very words of its condition."""
    seen: list[tuple[str, tuple[object, ...]]] = []

    def note(connection, cursor, statement, parameters, context, executemany) -> None:
        seen.append((statement, parameters))

    engines = (database._reader.sync_engine, database._writer.sync_engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    async with database.reading() as session:
        await tasks.next_due(session, [tasks.SEND_LETTER])
    async with database.begin() as session:
        await tasks.claim(session, [tasks.SEND_LETTER], limit=4, now=utc_now())
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
    asked = [(words, values) for words, values in seen if "task" in words]
    assert len(asked) == 2
    async with database.reading() as session:
        connection = await session.connection()
        for words, values in asked:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", values)
            assert "ix_task_to_do" in str(plan.all())
