"""The runner: every task once, at its time, in its lane; another goes on where one has died."""

import asyncio
import signal
import sys
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from microblog.adapters.shelf import Shelf
from microblog.database import Database
from microblog.domain import tasks
from microblog.domain.actors import Actor
from microblog.jobs.housekeeping import SWEEP_EVERY, Housekeeping, promise_upkeep
from microblog.jobs.job import Handler, Job
from microblog.jobs.runner import Runner
from microblog.models import User, utc_now
from microblog.settings import Settings
from tests.jobs import offices
from tests.jobs.crews import (
    LANE,
    NAME,
    Steps,
    all_over,
    another,
    crew,
    idle,
    over,
    promise,
    task,
    until,
)
from tests.jobs.offices import Clock

SOURCE = Path(__file__).parents[2]


async def test_two_runners_do_two_hundred_tasks_once_each(
    database: Database, settings: Settings
) -> None:
    """JOB-23, T-73: as two processes, with as many hands as they like."""
    done = Counter[str]()

    async def note(job: Job) -> None:
        done[job.task.id] += 1

    async with another(settings) as elsewhere:
        async with crew(database, Handler(note, LANE)), crew(elsewhere, Handler(note, LANE)):
            async with database.begin() as session:
                promised = {await tasks.promise(session, NAME) for _ in range(200)}
            found = await all_over(database, 200)
    assert done == Counter(dict.fromkeys(promised, 1))
    assert {(found.state, found.attempts) for found in found} == {(tasks.DONE, 1)}


async def test_a_commit_wakes_the_runner(database: Database) -> None:
    async with crew(database, Handler(idle, LANE), look_seconds=60):
        await promise(database)
        await all_over(database, 1, seconds=2)


async def test_what_is_due_much_later_hides_nothing_that_others_promise(
    database: Database, settings: Settings
) -> None:
    async with another(settings) as elsewhere, crew(database, Handler(idle, LANE)):
        await promise(database, due_at=utc_now() + timedelta(hours=1))
        await promise(elsewhere)
        await all_over(database, 1, seconds=5)


async def test_nothing_runs_before_it_is_committed(database: Database, settings: Settings) -> None:
    """JOB-18: at full speed a runner always finds the row, and never one that was taken back."""
    seen: list[str] = []

    async def look_up(job: Job) -> None:
        seen.append((await task(job.database, job.task.id)).state)

    async with (
        another(settings) as elsewhere,
        crew(elsewhere, Handler(look_up, LANE), look_seconds=0.001),
    ):
        for number in range(20):
            try:
                async with database.begin() as session:
                    await tasks.promise(session, NAME)
                    await tasks.next_due(session, [NAME])
                    assert len(seen) == (number + 1) // 2
                    if number % 2:
                        raise ZeroDivisionError
            except ZeroDivisionError:
                continue
            await all_over(database, number // 2 + 1, seconds=5)
    assert seen == [tasks.RUNNING] * 10


async def test_lanes_are_bounded_and_strangers_to_each_other(database: Database) -> None:
    go = asyncio.Event()
    busy: Counter[str] = Counter()
    most: Counter[str] = Counter()

    async def work(job: Job) -> None:
        busy[job.task.name] += 1
        most[job.task.name] = max(most[job.task.name], busy[job.task.name])
        if job.task.name == NAME:
            await go.wait()
        busy[job.task.name] -= 1

    slow, quick = Handler(work, "slow"), Handler(work, "quick")
    async with crew(database, slow, quick, hands=2):
        for _ in range(5):
            await promise(database)
        for _ in range(5):
            last = await promise(database, f"{NAME}1")
        await over(database, last)
        assert busy[NAME] == 2
        go.set()
        await all_over(database, 5)
    assert most[NAME] == 2
    assert most[f"{NAME}1"] <= 2


async def test_killed_it_goes_on_at_its_cursor_when_the_lease_is_over(
    database: Database, settings: Settings
) -> None:
    """JOB-20, T-69, T-73."""
    task_id = await promise(database)
    command = sys.executable, "-m", "tests.jobs.dying", "count", settings.database.url, "3"
    process = await asyncio.create_subprocess_exec(*command, cwd=SOURCE)
    assert await process.wait() == -signal.SIGKILL
    left = await task(database, task_id)
    assert (left.state, left.cursor, left.progress) == (tasks.RUNNING, {"done": 3}, 3)
    clock, steps = Clock(), Steps(until=5)
    steps.go.set()
    async with crew(database, Handler(steps.run, LANE), clock=clock):
        assert steps.counted == []
        clock.advance(seconds=tasks.LEASE.total_seconds() + 1)
        ended = await over(database, task_id)
    assert (ended.state, ended.attempts, steps.counted) == (tasks.DONE, 2, [4, 5])


async def test_what_kills_every_runner_is_given_up(database: Database) -> None:
    """JOB-20: nobody is kept from beginning again for ever."""
    async with database.begin() as session:
        user = User(username="susan", email="susan@example.com")
        session.add(user)
        await session.flush()
        susan = Actor(user.id, user.username)
        task_id = await tasks.launch(session, susan, NAME)
    clock, steps = Clock(), Steps()
    for attempt in range(1, tasks.MOST_ATTEMPTS + 1):
        async with database.begin() as session:
            (claimed,) = await tasks.claim(session, [NAME], limit=1, now=clock())
            assert claimed.attempts == attempt
        clock.advance(seconds=tasks.LEASE.total_seconds())
    async with crew(database, Handler(steps.run, LANE), clock=clock):
        ended = await over(database, task_id)
    assert (ended.state, ended.reason, steps.counted) == (tasks.FAILED, tasks.LOST, [])
    async with database.begin() as session:
        await tasks.launch(session, susan, NAME)


async def test_a_long_sleep_makes_nobody_do_a_task_twice(database: Database) -> None:
    """The machine was suspended: the lease is over, and the task is in our hands all the same."""
    task_id = await promise(database)
    clock, steps = Clock(), Steps()
    async with crew(database, Handler(steps.run, LANE), clock=clock) as runner:
        await steps.begun()
        clock.advance(hours=8)
        runner.wake()
        other = await promise(database)
        await steps.begun(2)  # it has looked since
        steps.go.set()
        ended = [await over(database, found) for found in (task_id, other)]
    assert [(found.state, found.attempts) for found in ended] == [(tasks.DONE, 1)] * 2
    assert sorted(steps.counted) == [1, 1, 2, 2, 3, 3]


async def test_the_heartbeat_keeps_the_lease(database: Database) -> None:
    task_id = await promise(database)
    clock, steps = Clock(), Steps()
    async with crew(database, Handler(steps.run, LANE), clock=clock, beat_seconds=0.02):
        await steps.begun()
        clock.advance(minutes=1)
        await until(database, task_id, lambda task: task.due_at > utc_now() + timedelta(minutes=1))
        assert await claimable(database, clock) == []
        steps.go.set()
        assert (await over(database, task_id)).attempts == 1


async def claimable(database: Database, clock: Clock) -> list[tasks.Claimed]:
    async with database.begin() as session:
        return await tasks.claim(session, [NAME], limit=1, now=clock())


async def test_sweeping_recurs_once_for_the_whole_service(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    """Three processes: one task, done by one of them each time, and it outlives bad days."""
    clock, swept, shelf = Clock(), [0], Shelf(tmp_path)

    class Counting(Housekeeping):
        async def sweep(self, job: Job) -> None:
            swept[0] += 1
            await super().sweep(job)

    async with AsyncExitStack() as stack:
        databases = [database]
        databases += [await stack.enter_async_context(another(settings)) for _ in range(2)]
        await asyncio.gather(*(promise_upkeep(found) for found in databases))
        (row,) = await offices.rows(database, [tasks.SWEEP])
        for found in databases:
            handler = Handler(Counting(settings, shelf, shelf).sweep, LANE)
            runner = Runner(
                found, {tasks.SWEEP: handler}, {LANE: 1}, clock=clock, look_seconds=0.02
            )
            runner.start()
            stack.push_async_callback(runner.stop)
        for times in range(1, 4):
            due_at = (await task(database, row.id)).due_at
            assert swept == [times - 1]
            clock.advance(seconds=(due_at - clock()).total_seconds() + 1)
            again = await until(
                database,
                row.id,
                lambda task, due_at=due_at: task.due_at > due_at and task.state == tasks.WAITING,
            )
            assert again.due_at >= due_at + SWEEP_EVERY
        assert swept == [3]
        # As if it were new: its patience begins again each time.
        (row,) = await offices.rows(database, [tasks.SWEEP])
        assert (row.attempts, row.created_at) == (0, row.due_at)


@pytest.mark.parametrize("attempts", [1, 2])
async def test_a_stop_gives_jobs_back_at_once(database: Database, attempts: int) -> None:
    """As if they had not been taken: another runner goes on at the cursor without waiting."""
    task_id = await promise(database)
    steps = Steps()
    for _ in range(attempts):
        async with crew(database, Handler(steps.run, LANE)) as runner:
            await steps.begun(len(steps.counted) + 1)
            stopping = asyncio.create_task(runner.stop())
            await asyncio.sleep(0)
            steps.go.set()  # the step comes to its end, and the next one does not begin
            async with asyncio.timeout(1):
                await stopping
        steps.go.clear()
    left = await task(database, task_id)
    assert (left.state, left.attempts, left.cursor) == (tasks.WAITING, 0, {"done": attempts})
    assert left.due_at <= utc_now()
    steps.go.set()
    async with crew(database, Handler(steps.run, LANE)):
        assert (await over(database, task_id)).attempts == 1
    assert steps.counted == [1, 2, 3]


async def test_a_stop_does_not_wait_for_what_never_ends(database: Database) -> None:
    task_id = await promise(database)
    steps = Steps()
    async with crew(database, Handler(steps.run, LANE)) as runner:
        await steps.begun()
        async with asyncio.timeout(4):
            await asyncio.gather(runner.stop(), runner.stop())  # asked twice, it ends once
    left = await task(database, task_id)
    assert (left.state, left.attempts, left.cursor) == (tasks.WAITING, 0, None)
