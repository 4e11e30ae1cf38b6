"""What a runner makes of failures: another try, a readable end, and never a write that is not its."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from microblog import logs, resources
from microblog.database import Database
from microblog.domain import letters, tasks
from microblog.domain.actors import Actor
from microblog.domain.tasks import Claimed
from microblog.jobs.handlers import handlers, lanes
from microblog.jobs.job import Failed, Handler, Job, Later
from microblog.models import Task, User
from microblog.settings import NO_FILE, load
from tests.jobs.crews import LANE, NAME, Steps, crew, over, promise, task, until
from tests.jobs.offices import Clock


async def susans(database: Database) -> tuple[Actor, str]:
    async with database.begin() as session:
        user = User(username="susan", email="susan@example.com")
        session.add(user)
        await session.flush()
        actor = Actor(user.id, user.username)
        return actor, await tasks.launch(session, actor, NAME)


async def test_what_may_pass_is_tried_with_growing_pauses_until_patience_ends(
    database: Database,
) -> None:
    tries = []

    async def never(job: Job) -> None:
        tries.append(job.clock())
        raise Later("not now")

    clock = Clock()
    pauses = timedelta(minutes=1), timedelta(minutes=5)
    handler = Handler(never, LANE, pauses=pauses, patience=timedelta(minutes=12))
    task_id = await promise(database)
    async with crew(database, handler, clock=clock):
        for attempt, minutes in enumerate((1, 5, 5), start=1):
            found = await until(
                database,
                task_id,
                lambda task, n=attempt: task.attempts == n and task.state == tasks.WAITING,
            )
            assert found.reason == "not now"
            assert minutes * 60 - 10 < (found.due_at - clock()).total_seconds() <= minutes * 60
            clock.advance(minutes=minutes)
        ended = await over(database, task_id)
    assert (ended.state, ended.reason, len(tries)) == (tasks.FAILED, "not now", 4)


async def test_what_cannot_be_done_is_over_at_once_with_what_follows(database: Database) -> None:
    """A readable reason; and what follows from the failure is written in the same unit of work."""

    async def refuse(_job: Job) -> None:
        raise Failed("The disk is full.")

    async def follow(session: AsyncSession, task: Claimed) -> None:
        failed = await session.get_one(Task, task.id)
        assert failed.state == tasks.FAILED
        await tasks.promise(session, "another", after=task.id)

    susan, task_id = await susans(database)
    async with crew(database, Handler(refuse, LANE, given_up=follow)):
        ended = await over(database, task_id)
    assert (ended.state, ended.reason, ended.attempts) == (tasks.FAILED, "The disk is full.", 1)
    async with database.begin() as session:
        follower = await session.scalar(select(Task).where(Task.name == "another"))
        assert follower is not None
        assert follower.arguments == {"after": task_id}
        await tasks.launch(session, susan, NAME)


async def test_an_unexpected_error_is_the_end_and_the_operators_hear_of_it(
    environment: dict[str, str], database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """JOB-16: not in progress any more, logged with its trace, mailed, and a new one can begin."""

    async def stumble(_job: Job) -> None:
        raise RuntimeError("the fault is here")

    susan, task_id = await susans(database)
    environ = environment | {"MAIL_SERVER": "127.0.0.1", "ADMINS": "a@example.com,b@example.com"}
    built = resources.build(load(NO_FILE, environ), lambda *_: "")
    errors = logs.error_letters(built.settings, built.promise_report)
    assert errors is not None
    errors.start()
    async with crew(database, Handler(stumble, LANE)):
        ended = await over(database, task_id)
    await errors.stop()
    await built.close()
    assert (ended.state, ended.reason) == (tasks.FAILED, tasks.BROKEN)
    assert "the fault is here" not in ended.reason
    assert "RuntimeError: the fault is here" in caplog.text
    async with database.begin() as session:
        promised = await session.scalars(select(Task).where(Task.name == tasks.SEND_LETTER))
        told = {found.arguments["recipient"]: found.arguments for found in promised}
        await tasks.launch(session, susan, NAME)
    assert set(told) == {"a@example.com", "b@example.com"}
    assert told["a@example.com"]["kind"] == letters.ERROR_REPORT
    assert "RuntimeError: the fault is here" in told["a@example.com"]["details"]["text"]
    assert NAME in told["a@example.com"]["details"]["text"]


async def test_what_is_persistent_outlives_unexpected_errors(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    moods = [RuntimeError("a mood"), ZeroDivisionError("another")]

    async def moody(_job: Job) -> None:
        if moods:
            raise moods.pop()

    clock = Clock()
    task_id = await promise(database)
    async with crew(database, Handler(moody, LANE, persistent=True), clock=clock):
        for attempt in (1, 2):
            found = await until(
                database,
                task_id,
                lambda task, n=attempt: task.attempts == n and task.state == tasks.WAITING,
            )
            assert found.reason == tasks.BROKEN
            clock.advance(minutes=1)
        assert (await over(database, task_id)).state == tasks.DONE
    assert "a mood" in caplog.text


@pytest.mark.parametrize("beat_seconds", [10, 0.05])
async def test_called_off_it_ends_at_the_next_step_or_heartbeat(
    database: Database, beat_seconds: float
) -> None:
    """Its owner calls it off; it writes nothing more, and ends even in the middle of a step."""
    susan, task_id = await susans(database)
    steps, ended = Steps(), asyncio.Event()

    async def run(job: Job) -> None:
        try:
            await steps.run(job)
        finally:
            ended.set()

    async with crew(database, Handler(run, LANE), beat_seconds=beat_seconds):
        await steps.begun()
        async with database.begin() as session:
            await tasks.cancel(session, susan, task_id)
            # There is room for the next at once, whatever the old one still does.
            await tasks.launch(session, susan, "something else")
        if beat_seconds > 1:
            steps.go.set()
        async with asyncio.timeout(5):
            await ended.wait()
    left = await task(database, task_id)
    assert (left.state, left.progress, left.cursor) == (tasks.CANCELLED, 0, None)
    assert steps.counted == [1]


async def test_a_stolen_task_gets_nothing_written_by_its_old_holder(database: Database) -> None:
    """T-73: neither a step nor an end, whichever way it ends."""

    async def done(_job: Job) -> None:
        return

    async def refuse(_job: Job) -> None:
        raise Failed("no")

    async def later(_job: Job) -> None:
        raise Later("not now")

    async def stumble(_job: Job) -> None:
        raise RuntimeError

    async def step(job: Job) -> None:
        await job.advance(progress=99)

    for end in (done, refuse, later, stumble, step):
        clock, begun, go = Clock(), asyncio.Event(), asyncio.Event()
        task_id = await promise(database)

        async def run(
            job: Job, begun: asyncio.Event = begun, go: asyncio.Event = go, end: object = end
        ) -> None:
            begun.set()
            await go.wait()
            await end(job)  # type: ignore[operator]

        async with crew(database, Handler(run, LANE), clock=clock) as runner:
            async with asyncio.timeout(5):
                await begun.wait()
            clock.advance(minutes=1)
            async with database.begin() as session:
                (stolen,) = await tasks.claim(session, [NAME], limit=1, now=clock())
            go.set()
            await settled(runner)
        left = await task(database, task_id)
        assert (left.state, left.attempts, left.progress) == (tasks.RUNNING, 2, 0)
        assert left.reason == ""
        async with database.begin() as session:
            await tasks.finish(session, stolen)


async def settled(runner: object) -> None:
    """Return when the runner has nothing in its hands."""
    async with asyncio.timeout(5):
        while runner._running:  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)


async def test_every_name_that_can_be_promised_has_its_handler(
    environment: dict[str, str],
) -> None:
    built = resources.build(load(NO_FILE, environment), lambda *_: "")
    known, hands = handlers(built), lanes(built)
    await built.close()
    names = {
        value
        for name, value in vars(tasks).items()
        if name.isupper() and isinstance(value, str) and name.lower() == value
    } - {*tasks.ACTIVE, tasks.DONE, tasks.FAILED, tasks.CANCELLED}
    assert tasks.SEND_LETTER in names
    assert set(known) == names
    assert {handler.lane for handler in known.values()} == set(hands)
    assert all(number >= 1 for number in hands.values())
