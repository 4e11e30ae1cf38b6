"""Runners with handlers of the tests' own, and a look at what became of their tasks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from microblog.database import Database
from microblog.domain import tasks
from microblog.jobs.job import Handler, Job
from microblog.jobs.runner import Runner
from microblog.models import Task, utc_now
from microblog.settings import Settings
from tests.jobs import offices

NAME = "count"
LANE = "lane"


@asynccontextmanager
async def crew(
    database: Database,
    *handlers: Handler,
    hands: int = 4,
    clock: Callable[[], datetime] = utc_now,
    beat_seconds: float = 10,
    look_seconds: float = 0.05,
) -> AsyncIterator[Runner]:
    """A runner at work; the first handler does ``count``, the next ``count1``, and so on."""
    names = {f"{NAME}{number or ''}": handler for number, handler in enumerate(handlers)}
    lanes = {handler.lane: hands for handler in handlers}
    options = {"look_seconds": look_seconds, "beat_seconds": beat_seconds}
    runner = Runner(database, names, lanes, clock=clock, **options)
    runner.start()
    try:
        yield runner
    finally:
        await runner.stop()


@asynccontextmanager
async def another(settings: Settings) -> AsyncIterator[Database]:
    """The same database, as another process has it."""
    database = Database(settings.database_url, settings.database)
    try:
        yield database
    finally:
        await database.close()


async def promise(database: Database, name: str = NAME, **more: Any) -> str:
    async with database.begin() as session:
        return await tasks.promise(session, name, **more)


async def task(database: Database, task_id: str) -> Task:
    async with database.reading() as session:
        return await session.get_one(Task, task_id)


async def until(
    database: Database, task_id: str, condition: Callable[[Task], bool], seconds: float = 10
) -> Task:
    """The task, as soon as this is true of it."""
    async with asyncio.timeout(seconds):
        while not condition(found := await task(database, task_id)):
            await asyncio.sleep(0.01)
        return found


async def over(database: Database, task_id: str) -> Task:
    return await until(database, task_id, lambda task: task.state not in tasks.ACTIVE)


async def all_over(database: Database, number: int, seconds: float = 60) -> list[Task]:
    """All of them, as soon as that many are over."""
    async with asyncio.timeout(seconds):
        while True:
            found = await offices.rows(database, [NAME])
            if sum(task.state not in tasks.ACTIVE for task in found) >= number:
                return found
            await asyncio.sleep(0.05)


class Steps:
    """A handler that counts in steps up to ``until``, each of which waits for ``go`` once set."""

    def __init__(self, until: int = 3) -> None:
        self.until = until
        self.reached = asyncio.Condition()
        self.go = asyncio.Event()
        self.counted: list[int] = []

    async def run(self, job: Job) -> None:
        done = (job.task.cursor or {}).get("done", 0)
        while done < self.until:
            done += 1
            async with self.reached:
                self.counted.append(done)
                self.reached.notify_all()
            await self.go.wait()
            await job.advance(cursor={"done": done}, progress=100 * done // self.until)

    async def begun(self, times: int = 1) -> None:
        """Return when that many steps were begun."""
        async with asyncio.timeout(10), self.reached:
            await self.reached.wait_for(lambda: len(self.counted) >= times)


async def idle(_job: Job) -> None:
    """Done at once."""
