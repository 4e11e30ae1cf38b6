"""Post offices for tests: with a clock that the test moves, and letters that need no account."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy import select

from microblog.adapters.mailer import Mailer, SMTPMailer
from microblog.database import Database
from microblog.domain import letters
from microblog.domain.letters import Claimed
from microblog.jobs.letters import PostOffice
from microblog.letterpress import Letterpress
from microblog.models import Letter, utc_now
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


async def token(letter: Claimed) -> str | None:
    return f"token-of-{letter.id}"


def press(base_url: Callable[[], str] = lambda: "https://microblog.test") -> Letterpress:
    return Letterpress("Microblog <no-reply@microblog.test>", base_url, token)


@asynccontextmanager
async def office(
    database: Database, mailer: Mailer, *, clock: Callable[[], datetime] = utc_now
) -> AsyncIterator[PostOffice]:
    """An open post office, which looks often."""
    opened = PostOffice(database, mailer, press().compose, clock=clock, look_seconds=0.1)
    opened.start()
    yield opened
    await opened.stop()
    await mailer.close()


def mailer_to(server: MailServer, **options: float) -> SMTPMailer:
    return SMTPMailer(Mail(server="127.0.0.1", port=server.port), **options)  # type: ignore[arg-type]


async def promise(database: Database, *recipients: str) -> None:
    async with database.begin() as session:
        for recipient in recipients:
            await letters.promise(
                session,
                letters.CONFIRM_ADDRESS,
                recipient=recipient,
                language="en",
                username="susan",
            )


async def rows(database: Database) -> list[Letter]:
    async with database.reading() as session:
        return list(await session.scalars(select(Letter).order_by(Letter.id)))


async def until_state(database: Database, *states: str, seconds: float = 10) -> list[Letter]:
    """The letters, as soon as these are their states."""
    async with asyncio.timeout(seconds):
        while True:
            found = await rows(database)
            if [letter.state for letter in found] == list(states):
                return found
            await asyncio.sleep(0.02)


async def until_tried(database: Database, times: int, seconds: float = 10) -> Letter:
    """The one letter, as soon as it was tried that often and put aside again."""
    async with asyncio.timeout(seconds):
        while True:
            (letter,) = await rows(database)
            if letter.attempts >= times and letter.lease_until is None:
                return letter
            await asyncio.sleep(0.02)
