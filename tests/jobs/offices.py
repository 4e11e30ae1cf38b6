"""Runners that send letters, with a clock that the test moves, and letters that need no account."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy import select

from microblog.adapters.mailer import Mailer, SMTPMailer
from microblog.database import Database
from microblog.domain import letters, tasks
from microblog.domain.letters import Letter
from microblog.jobs.letters import Clerk
from microblog.jobs.runner import Runner
from microblog.letterpress import Letterpress
from microblog.models import Task, utc_now
from microblog.settings import Mail
from tests.fakes import MailServer


class Clock:
    """The time of day, plus what the test has let pass."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.passed

    def advance(self, **time: float) -> None:
        self.passed += timedelta(**time)


async def token(letter: Letter) -> str | None:
    return f"token-of-{letter.id}"


def press(base_url: Callable[[], str] = lambda: "https://microblog.test") -> Letterpress:
    return Letterpress("Microblog <no-reply@microblog.test>", base_url, token)


def sender(
    database: Database,
    mailer: Mailer,
    *,
    clock: Callable[[], datetime] = utc_now,
    look_seconds: float = 0.1,
) -> Runner:
    """A runner that does letters and nothing else; by itself it looks often."""
    handler = Clerk(mailer, press().compose).handler("letters")
    return Runner(
        database,
        {tasks.SEND_LETTER: handler},
        {"letters": 4},
        clock=clock,
        look_seconds=look_seconds,
    )


@asynccontextmanager
async def office(
    database: Database, mailer: Mailer, *, clock: Callable[[], datetime] = utc_now
) -> AsyncIterator[Runner]:
    """Letters are sent meanwhile."""
    runner = sender(database, mailer, clock=clock)
    runner.start()
    try:
        yield runner
    finally:
        await runner.stop()
        await mailer.close()


def mailer_to(server: MailServer, **options: float) -> SMTPMailer:
    return SMTPMailer(Mail(server="127.0.0.1", port=server.port), **options)  # type: ignore[arg-type]


async def promise(
    database: Database, *recipients: str, kind: str = letters.CONFIRM_ADDRESS
) -> None:
    async with database.begin() as session:
        for recipient in recipients:
            await letters.promise(
                session,
                kind,
                recipient=recipient,
                language="en",
                username="susan",
            )


async def rows(database: Database, names: Collection[str] = (tasks.SEND_LETTER,)) -> list[Task]:
    """The tasks of these names, in the order in which they were promised."""
    async with database.reading() as session:
        query = select(Task).where(Task.name.in_(names)).order_by(Task.created_at, Task.id)
        return list(await session.scalars(query))


async def until_state(database: Database, *states: str, seconds: float = 10) -> list[Task]:
    """The letters, as soon as these are their states."""
    async with asyncio.timeout(seconds):
        while True:
            found = await rows(database)
            if [letter.state for letter in found] == list(states):
                return found
            await asyncio.sleep(0.02)


async def until_tried(database: Database, times: int, seconds: float = 10) -> Task:
    """The one letter, as soon as it was tried that often and put aside again."""
    async with asyncio.timeout(seconds):
        while True:
            (letter,) = await rows(database)
            if letter.attempts >= times and letter.state != tasks.RUNNING:
                return letter
            await asyncio.sleep(0.02)
