"""A runner that stops in the middle of letters: what is begun is finished, what is not is given back."""

import asyncio
import logging
import time
from pathlib import Path

import pytest

from microblog.adapters.mailer import FolderMailer
from microblog.database import Database
from microblog.domain import tasks
from tests.fakes import MailServer
from tests.jobs.offices import mailer_to, office, promise, rows, sender, until_state


async def test_a_stop_gives_back_what_has_not_begun(database: Database, server: MailServer) -> None:
    """M-120: what is not finished at a stop is logged, and goes out after the next start."""
    go_on = server.stall("RCPT")
    async with office(database, mailer_to(server)) as opened:
        await promise(database, *[f"u{number}@example.com" for number in range(6)])
        await server.reached("RCPT", 4)
        began = time.perf_counter()
        await opened.stop()
        assert time.perf_counter() - began < 1
    found = await rows(database)
    assert [(letter.state, letter.attempts) for letter in found] == [(tasks.WAITING, 0)] * 6
    go_on.set()
    server.letters.clear()
    async with office(database, mailer_to(server)):
        await until_state(database, *[tasks.DONE] * 6)


async def test_a_stop_finishes_what_is_being_handed_over(
    database: Database, server: MailServer
) -> None:
    """M-120: a mail in progress at shutdown is finished."""
    go_on = server.stall("end")
    async with office(database, mailer_to(server)) as opened:
        await promise(database, "susan@example.com")
        await server.reached("end")
        asyncio.get_running_loop().call_later(0.3, go_on.set)
        await opened.stop()
    (letter,) = await rows(database)
    assert (letter.state, len(server.letters)) == (tasks.DONE, 1)


async def test_a_stop_does_not_wait_long_for_a_silent_server(
    database: Database, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = server.stall("end")
    with caplog.at_level(logging.INFO, logger="microblog"):
        async with office(database, mailer_to(server)) as opened:
            await promise(database, "susan@example.com")
            await server.reached("end")
            began = time.perf_counter()
            await opened.stop()
            assert time.perf_counter() - began < 3
    go_on.set()
    (letter,) = await rows(database)
    assert (letter.state, letter.attempts) == (tasks.WAITING, 0)
    assert "after the next start" in caplog.text


async def test_a_runner_that_never_started_can_be_stopped(
    database: Database, tmp_path: Path
) -> None:
    await sender(database, FolderMailer(tmp_path)).stop()
