"""Jobs in real processes: in the server's, in a worker's, stopped and killed in the middle."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from microblog.database import Database
from microblog.domain import letters, notifications, posts, tasks, users
from microblog.domain.actors import Actor
from microblog.models import Task, utc_now
from microblog.settings import NO_FILE, load
from tests.fakes import MailServer, mail_server
from tests.jobs import offices
from tests.jobs.offices import rows, until_state
from tests.processes.conftest import Start
from tests.processes.serving import Member, people
from tests.processes.working import Worker

Work = Callable[[], Awaitable[Worker]]


@pytest.fixture
async def mail(environment: dict[str, str]) -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        environment |= {
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": str(server.port),
            "ADMINS": "boss@example.com",
            "BASE_URL": "http://127.0.0.1:5000",
            # There is no such server, and nobody asks for it.
            "REDIS_URL": "redis://127.0.0.1:1/0",
        }
        yield server


@pytest.fixture
def work(environment: dict[str, str], mail: MailServer, tmp_path: Path) -> Iterator[Work]:
    """Starts a worker on this test's database."""
    begun: list[Worker] = []

    async def working() -> Worker:
        begun.append(await asyncio.to_thread(Worker, environment, tmp_path))
        return begun[-1]

    yield working
    for worker in begun:
        worker.kill()


def journal(environment: dict[str, str]) -> str:
    return (Path(environment["MICROBLOG_SERVER_INSTANCE"]) / "logs" / "microblog.log").read_text()


@asynccontextmanager
async def opened(environment: dict[str, str]) -> AsyncIterator[Database]:
    settings = load(NO_FILE, environment)
    database = Database(settings.database_url, settings.database)
    try:
        yield database
    finally:
        await database.close()


async def promise(database: Database, recipient: str) -> None:
    # One without a link: what these tests are about is not what a link opens.
    await offices.promise(database, recipient, kind=letters.PASSWORD_CHANGED)


async def test_a_worker_alone(
    start: Start, work: Work, environment: dict[str, str], mail: MailServer, password_hash: str
) -> None:
    """JOB-21, JOB-24, JOB-26: pages do without a worker, a worker does without pages."""
    await people(environment, password_hash, "susan")
    environment.pop("BASE_URL")
    server = await start(workers=2, MICROBLOG_JOBS_INSIDE="false")
    async with opened(environment) as database, Member.logged_in(server, "susan") as susan:
        async with database.begin() as session:
            user = await users.by_username(session, "susan")
            actor = Actor(user.id, user.username)
            task_id = await tasks.launch(session, actor, tasks.EXPORT_POSTS, language="en")
        await promise(database, "john@example.com")
        for path in ("/index", "/user/susan", "/account"):
            assert (await susan.client.get(path)).status_code == 200
        async with database.reading() as session:
            assert await tasks.progress_of(session, task_id) == 0
            word = await notifications.find(session, actor, notifications.TASK_PROGRESS)
            assert word is not None
            assert (word.data["progress"], word.data["state"]) == (0, tasks.WAITING)
        assert mail.letters == []
        worker = await work()
        received = await mail.received(2)
        assert {letter["To"] for letter in received} == {"john@example.com", "susan@example.com"}
        async with asyncio.timeout(10):
            while await tasks_of(database, actor):
                await asyncio.sleep(0.05)
    status, seconds = await asyncio.to_thread(worker.stop)
    assert (status, "Traceback" in worker.log) == (0, False), worker.log
    assert seconds < 3
    assert "send_letter" not in server.log


async def tasks_of(database: Database, actor: Actor) -> list[tasks.TaskView]:
    async with database.reading() as session:
        return await tasks.active(session, actor)


async def test_sigterm_in_the_middle_of_a_letter_gives_it_back(
    work: Work, environment: dict[str, str], mail: MailServer
) -> None:
    """M-120: as if it had not been taken; whoever comes next sends it, once."""
    go_on = mail.stall("RCPT")
    worker = await work()
    async with opened(environment) as database:
        await promise(database, "susan@example.com")
        await mail.reached("RCPT")
        status, seconds = await asyncio.to_thread(worker.stop)
        (letter,) = await rows(database)
        assert_given_back(letter)
        assert "after the next start" in journal(environment)
        go_on.set()
        await work()
        await until_state(database, tasks.DONE)
    assert [letter["To"] for letter in mail.letters] == ["susan@example.com"]
    assert (status, "Traceback" in worker.log) == (0, False), worker.log
    assert seconds < 3


@pytest.mark.parametrize("workers", [1, 2])
async def test_sigterm_in_the_middle_of_a_long_job_gives_it_back(
    start: Start, environment: dict[str, str], password_hash: str, workers: int
) -> None:
    """T-69: a server with nobody connected, and an export that would take minutes more."""
    await people(environment, password_hash, "susan")
    server = await start(workers, MICROBLOG_ARCHIVES_PAUSE="60")
    async with opened(environment) as database:
        async with database.begin() as session:
            user = await users.by_username(session, "susan")
            actor = Actor(user.id, user.username)
            for _ in range(3):
                await posts.publish(session, actor, "a post", length=500)
            await tasks.launch(session, actor, tasks.EXPORT_POSTS, language="en")
        async with asyncio.timeout(20):
            while (await rows(database, [tasks.EXPORT_POSTS]))[0].cursor is None:
                await asyncio.sleep(0.05)
        status, seconds = await asyncio.to_thread(server.stop)
        (export,) = await rows(database, [tasks.EXPORT_POSTS])
        assert_given_back(export)
    assert "after the next start" in journal(environment)
    assert (status, "Traceback" in server.log) == (0, False), server.log
    assert seconds < 6


def assert_given_back(task: Task) -> None:
    assert (task.state, task.attempts) == (tasks.WAITING, 0)
    assert task.due_at <= utc_now()


async def test_kill_9_and_another_goes_on_when_the_lease_is_over(
    work: Work, environment: dict[str, str], mail: MailServer
) -> None:
    """T-69, T-73: nobody else touches the job before."""
    go_on = mail.stall("RCPT")
    worker = await work()
    async with opened(environment) as database:
        await promise(database, "susan@example.com")
        await mail.reached("RCPT")
        await asyncio.to_thread(worker.kill)
        second = await work()
        await promise(database, "john@example.com")
        await mail.reached("RCPT", 2)  # it has looked, and left the first one alone
        (left, _) = await rows(database)
        assert (left.state, left.attempts) == (tasks.RUNNING, 1)
        assert utc_now() < left.due_at <= utc_now() + tasks.LEASE
        go_on.set()
        async with database.begin() as session:
            over = utc_now() - timedelta(seconds=1)
            await session.execute(update(Task).where(Task.id == left.id).values(due_at=over))
        found = await until_state(database, tasks.DONE, tasks.DONE)
    assert [letter.attempts for letter in found] == [2, 1]
    assert {letter["To"] for letter in mail.letters} == {"susan@example.com", "john@example.com"}
    assert len(mail.letters) == 2
    assert (await asyncio.to_thread(second.stop))[0] == 0
