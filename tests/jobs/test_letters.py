"""Letters between a real database and a real mail server, each of which may fail."""

import asyncio
import signal
import sys
import time
from collections import Counter
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import update

from microblog.database import Database
from microblog.domain import letters, tasks
from microblog.models import Task, utc_now
from microblog.settings import Settings
from tests.fakes import STAGES, MailServer, Stage
from tests.jobs.offices import (
    Clock,
    mailer_to,
    office,
    promise,
    rows,
    sender,
    until_state,
    until_tried,
)

SOURCE = Path(__file__).parents[2]


def recipients(server: MailServer) -> Counter[str]:
    return Counter(to for _, (to,) in server.envelopes)


async def test_a_letter_goes_out_at_once(database: Database, server: MailServer) -> None:
    opened = sender(database, mailer_to(server), look_seconds=60)
    opened.start()
    await promise(database, "susan@example.com")
    (received,) = await server.received(1, seconds=2)
    assert received["To"] == "susan@example.com"
    (letter,) = await until_state(database, tasks.DONE)
    assert str(received["Message-ID"]) == f"<{letter.arguments['message_id']}@microblog.test>"
    await opened.stop()


async def test_another_process_letter_is_found(
    database: Database, settings: Settings, server: MailServer
) -> None:
    elsewhere = Database(settings.database_url, settings.database)
    async with office(database, mailer_to(server)):
        await promise(elsewhere, "susan@example.com")
        await server.received(1, seconds=2)
    await elsewhere.close()


async def test_two_hundred_letters_once_each_over_few_connections(
    database: Database, server: MailServer
) -> None:
    everybody = [f"u{number}@example.com" for number in range(200)]
    await promise(database, *everybody)
    async with office(database, mailer_to(server)):
        await until_state(database, *[tasks.DONE] * 200, seconds=60)
    assert recipients(server) == Counter(everybody)
    assert server.connections <= 4


async def test_two_offices_on_one_database_send_each_letter_once(
    database: Database, settings: Settings, server: MailServer
) -> None:
    second = Database(settings.database_url, settings.database)
    everybody = [f"u{number}@example.com" for number in range(40)]
    async with office(database, mailer_to(server)), office(second, mailer_to(server)):
        await promise(database, *everybody[::2])
        await promise(second, *everybody[1::2])
        await until_state(database, *[tasks.DONE] * 40, seconds=30)
    assert recipients(server) == Counter(everybody)
    await second.close()


async def test_a_server_that_was_down_gets_each_letter_once(
    database: Database, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    """M-119, T-74: a refused connection is logged."""
    clock = Clock()
    await server.go_away()
    async with office(database, mailer_to(server), clock=clock):
        await promise(database, "susan@example.com")
        await until_tried(database, 1)
        await server.come_back()
        clock.advance(minutes=1, seconds=1)
        await until_state(database, tasks.DONE)
    assert recipients(server) == Counter(["susan@example.com"])
    assert "Error connecting" in caplog.text


async def test_a_passing_refusal_is_tried_after_1_5_15_and_60_minutes(
    database: Database, server: MailServer
) -> None:
    clock = Clock()
    server.answer("RCPT", "451 greylisted")
    async with office(database, mailer_to(server), clock=clock):
        await promise(database, "susan@example.com")
        for tries, minutes in enumerate((1, 5, 15, 60, 60), start=1):
            letter = await until_tried(database, tries)
            pause = (letter.due_at - clock()).total_seconds() / 60
            assert minutes - 0.2 < pause <= minutes
            assert (letter.attempts, letter.reason) == (tries, "451 greylisted")
            clock.advance(minutes=minutes)
        server.answer("RCPT", None)
        await until_tried(database, 6)
        clock.advance(minutes=60)
        await until_state(database, tasks.DONE)
    assert recipients(server) == Counter(["susan@example.com"])


async def test_a_lasting_refusal_is_the_end_with_its_reason(
    database: Database, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    """T-74: the letter's own row says why, in the mail server's words."""
    clock = Clock()
    server.answer_for("susan@example.com", "550 no such user")
    async with office(database, mailer_to(server), clock=clock):
        await promise(database, "susan@example.com", "john@example.com")
        found = await until_state(database, tasks.FAILED, tasks.DONE)
        clock.advance(hours=48)
        await promise(database, "mary@example.com")
        await until_state(database, tasks.FAILED, tasks.DONE, tasks.DONE)
    assert found[0].reason == "550 no such user"
    assert "550 no such user" in caplog.text
    assert recipients(server) == Counter(["john@example.com", "mary@example.com"])
    assert server.asked["RCPT"] == 3


async def test_dropped_after_acceptance_the_copy_has_the_same_id(
    database: Database, server: MailServer
) -> None:
    """L14: the mail server was slow to close, and could not say that it has the letter."""
    clock = Clock()
    server.drop_after_acceptance()
    async with office(database, mailer_to(server), clock=clock):
        await promise(database, "susan@example.com")
        await until_tried(database, 1)
        clock.advance(minutes=1, seconds=1)
        await until_state(database, tasks.DONE)
    first, second = server.letters
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]


async def test_killed_between_acceptance_and_mark_there_is_one_copy_at_most(
    database: Database, settings: Settings, server: MailServer
) -> None:
    """T-74, L14."""
    await promise(database, "susan@example.com")
    command = (
        sys.executable,
        "-m",
        "tests.jobs.dying",
        "letter",
        settings.database.url,
        str(server.port),
    )
    process = await asyncio.create_subprocess_exec(*command, cwd=SOURCE)
    assert await process.wait() == -signal.SIGKILL
    (letter,) = await rows(database)
    assert (len(server.letters), letter.state) == (1, tasks.RUNNING)
    clock = Clock()
    async with office(database, mailer_to(server), clock=clock):
        clock.advance(seconds=tasks.LEASE.total_seconds() + 1)
        await until_state(database, tasks.DONE)
    first, second = server.letters
    assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.parametrize("stage", STAGES)
async def test_a_silent_server_delays_nobody(
    database: Database, server: MailServer, stage: Stage
) -> None:
    """M-118, T-74: whatever the mail server does, a promise is only a row."""
    go_on = server.stall(stage)
    async with office(database, mailer_to(server)):
        await promise(database, *[f"u{number}@example.com" for number in range(6)])
        await server.reached(stage)
        slowest = 0.0
        for number in range(10):
            began = time.perf_counter()
            await promise(database, f"late{number}@example.com")
            slowest = max(slowest, time.perf_counter() - began)
        go_on.set()
        await until_state(database, *[tasks.DONE] * 16)
    assert slowest < 1
    assert set(recipients(server).values()) == {1}


async def test_a_letter_that_cannot_be_written_harms_no_other(
    database: Database, server: MailServer
) -> None:
    async with database.begin() as session:
        await letters.promise(
            session, letters.CONFIRM_ADDRESS, recipient="susan@example.com", language="en"
        )  # without a name: the template wants one
    async with office(database, mailer_to(server)):
        await promise(database, "john@example.com")
        found = await until_state(database, tasks.WAITING, tasks.DONE)
    assert "username" in found[0].reason


async def test_what_became_of_a_letter_is_written_down_when_the_database_is_back(
    database: Database, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes while the letter is on its way: it is not sent a second time."""
    real, failures = letters.delivered, [ConnectionError("gone"), ConnectionError("gone")]

    async def delivered(*arguments: object, **named: object) -> None:
        if failures:
            raise failures.pop()
        await real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(letters, "delivered", delivered)
    async with office(database, mailer_to(server)):
        await promise(database, "susan@example.com")
        await until_state(database, tasks.DONE)
    assert (failures, len(server.letters)) == ([], 1)


async def test_a_letter_about_a_deleted_account_still_goes(
    database: Database, server: MailServer
) -> None:
    async with database.begin() as session:
        await letters.promise(
            session,
            letters.ADDRESS_CHANGED,
            recipient="old@example.com",
            language="en",
            user_id=4711,
            username="gone",
        )
    async with office(database, mailer_to(server)):
        await server.received(1)


async def test_the_office_survives_what_it_did_not_expect(
    database: Database, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    class Moody:
        def __init__(self) -> None:
            self.real = mailer_to(server)
            self.moods = 1

        async def send(self, message: EmailMessage) -> None:
            self.moods -= 1
            if self.moods == 0:
                raise RuntimeError("a mood")
            await self.real.send(message)

        async def close(self) -> None:
            await self.real.close()

    clock = Clock()
    async with office(database, Moody(), clock=clock):
        await promise(database, "susan@example.com")
        letter = await until_tried(database, 1)
        assert letter.reason == "RuntimeError: a mood"
        clock.advance(minutes=1, seconds=1)
        await until_state(database, tasks.DONE)
    assert "a mood" in caplog.text


async def test_a_lease_that_ran_out_is_taken_over(database: Database, server: MailServer) -> None:
    await promise(database, "susan@example.com")
    clock = Clock()
    async with database.begin() as session:
        await tasks.claim(session, [tasks.SEND_LETTER], limit=1, now=clock())
        await session.execute(update(Task).values(attempts=3))
    async with office(database, mailer_to(server), clock=clock):
        clock.advance(seconds=tasks.LEASE.total_seconds() + 1)
        await until_state(database, tasks.DONE)
    assert len(server.letters) == 1


async def test_a_letter_ends_what_it_completes(database: Database, server: MailServer) -> None:
    """JOB-14, JOB-17: done when it is out, failed when it is refused, and nothing in between."""
    clock = Clock()
    server.answer_for("john@example.com", "550 no such user")
    server.answer_for("mary@example.com", "451 greylisted")
    announced = {}
    async with database.begin() as session:
        for name in ("susan", "john", "mary", "david"):
            later = utc_now() + timedelta(days=2)
            announced[name] = await tasks.promise(session, "announced", due_at=later)
            await letters.promise(
                session,
                letters.CONFIRM_ADDRESS,
                recipient=f"{name}@example.com",
                language="en",
                completes=announced[name],
                username=name,
            )
        # Whoever called it off wants no letter about it.
        await tasks.end(session, announced["david"], tasks.CANCELLED)
    ends = (tasks.DONE, tasks.FAILED, tasks.WAITING, tasks.CANCELLED)
    async with office(database, mailer_to(server), clock=clock):
        await until_state(database, *ends)
        assert await states(database, announced) == [*ends]
        clock.advance(hours=25)
        found = await until_state(database, tasks.DONE, *[tasks.FAILED] * 2, tasks.CANCELLED)
        assert await states(database, announced) == [letter.state for letter in found]
    failed = await rows(database, ["announced"])
    assert [task.reason for task in failed] == ["", letters.UNDELIVERED, letters.UNDELIVERED, ""]
    assert found[2].reason == "451 greylisted"
    assert recipients(server) == Counter(["susan@example.com"])


async def states(database: Database, announced: dict[str, str]) -> list[str]:
    found = {task.id: task.state for task in await rows(database, ["announced"])}
    return [found[task_id] for task_id in announced.values()]
