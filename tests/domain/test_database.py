"""The unit of work, and who waits for whom."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError

from microblog.database import UNAVAILABLE, Database
from microblog.models import User
from microblog.settings import NO_FILE, Settings, load
from tests.cast import Cast
from tests.web.reading import body, heading, texts

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
connection.close()
"""


@pytest.fixture
def impatient(environment: dict[str, str]) -> None:
    environment["MICROBLOG_DATABASE_BUSY_TIMEOUT"] = "0.2"
    environment["MICROBLOG_DATABASE_STATEMENT_TIMEOUT"] = "0.2"


@asynccontextmanager
async def another_writer(database: Database) -> AsyncIterator[None]:
    """Another process holds the write lock while this is open."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLD, str(database.url.database)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    async with asyncio.timeout(20):
        assert await process.stdout.readline() == b"held\n"
    try:
        yield
    finally:
        await process.communicate(b"go\n")


def somebody(number: int) -> User:
    return User(username=f"u{number}", email=f"u{number}@example.com")


async def people(database: Database) -> int:
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(User)) or 0


async def test_returning_commits_and_raising_rolls_back(database: Database) -> None:
    """M-073."""
    async with database.begin() as session:
        session.add(somebody(1))
    with pytest.raises(ZeroDivisionError):
        async with database.begin() as session:
            session.add(somebody(2))
            await session.flush()
            raise ZeroDivisionError
    assert await people(database) == 1
    async with database.begin() as session:
        session.add(somebody(2))
    assert await people(database) == 2


async def test_a_unit_of_work_opens_nothing_before_its_first_statement(
    database: Database,
) -> None:
    async with database.begin(), database.begin(), database.begin():
        assert database._writer.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_a_cancelled_writer_leaves_nothing_and_holds_nothing(database: Database) -> None:
    begun = asyncio.Event()

    async def never_ends() -> None:
        async with database.begin() as session:
            session.add(somebody(1))
            await session.flush()
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(never_ends())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5), database.begin() as session:
        session.add(somebody(1))
    assert await people(database) == 1


@on_sqlite
async def test_who_reads_cannot_write(database: Database) -> None:
    async with database.reading() as session:
        with pytest.raises(OperationalError, match="readonly"):
            await session.execute(text("DELETE FROM user"))


@on_sqlite
async def test_readers_see_what_is_committed_and_only_that(database: Database) -> None:
    async with database.begin() as session:
        session.add(somebody(1))
        await session.flush()
        assert await people(database) == 0
    assert await people(database) == 1


async def test_the_promises_of_the_file(sqlite_url: str) -> None:
    """Every connection has them: what was acknowledged survives a power cut."""
    settings = load(NO_FILE, {"DATABASE_URL": sqlite_url})
    database = Database(settings.database_url, settings.database)
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    async with database._writer.connect() as connection:
        for name, value in wanted.items():
            assert await connection.scalar(text(f"PRAGMA {name}")) == value
    async with database.reading() as session:
        assert await session.scalar(text("PRAGMA query_only")) == 1
        assert await session.scalar(text("PRAGMA foreign_keys")) == 1
    await database.close()


@on_sqlite
async def test_nothing_is_lost_when_many_read_and_then_write(database: Database) -> None:
    """Twenty at once: each reads, waits a little, writes one more."""
    async with database.begin() as session:
        session.add(somebody(1))
        await session.execute(update(User).values(about_me="0"))

    async def add_one() -> None:
        for _ in range(10):
            async with database.begin() as session:
                number = int(await session.scalar(select(User.about_me)) or 0)
                await asyncio.sleep(0)
                await session.execute(update(User).values(about_me=str(number + 1)))

    await asyncio.gather(*(add_one() for _ in range(20)))
    async with database.reading() as session:
        assert await session.scalar(select(User.about_me)) == "200"


@on_sqlite
async def test_writers_wait_for_another_process_and_readers_do_not(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.begin() as session:
            session.add(somebody(number))

    await write(0)
    async with another_writer(database):
        writing = [asyncio.create_task(write(number)) for number in (1, 2, 3)]
        for _ in range(20):
            async with asyncio.timeout(2):
                assert await people(database) == 1
        assert not any(task.done() for task in writing)
    async with asyncio.timeout(10):
        await asyncio.gather(*writing)
    assert await people(database) == 4


@on_sqlite
@pytest.mark.usefixtures("impatient")
async def test_who_waits_too_long_is_told_and_keeps_the_text(cast: Cast) -> None:
    """503 with a time to come again; what was typed is given back; then all is well."""
    token = await cast.susan.browser.token("/")
    async with another_writer(cast.resources.database):
        response = await cast.susan.browser.post("/", csrf_token=token, post="worth <keeping>")
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        page = await body(response)
        assert heading(page) == "Busy"
        assert "worth &lt;keeping&gt;" in page
        assert texts(await cast.susan.browser.text("/")) == []
    response = await cast.susan.browser.post("/", csrf_token=token, post="worth keeping")
    assert response.status_code == 302
    assert texts(await cast.susan.browser.text("/")) == ["worth keeping"]


@pytest.mark.usefixtures("impatient")
async def test_a_statement_that_takes_too_long_is_the_servers_trouble(database: Database) -> None:
    """T-63: on both databases; each statement has the whole time, however old its connection is."""
    counting = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
    counting += "SELECT count(*) FROM n"
    async with database.reading() as session:
        for _ in range(3):
            with pytest.raises(OperationalError):
                await session.execute(text(counting.format(10**9)))
            assert await session.scalar(text(counting.format(10_000))) == 10_000
    assert await people(database) == 0


@on_postgresql
async def test_a_connection_that_was_cut_is_replaced(database: Database) -> None:
    async with database.reading() as session:
        cut = "SELECT pg_terminate_backend(pg_backend_pid())"
        with pytest.raises(UNAVAILABLE):
            await session.execute(text(cut))
    assert await people(database) == 0


@on_postgresql
async def test_a_server_that_is_not_there_is_unavailable(
    database: Database, settings: Settings, unused_tcp_port: int
) -> None:
    refused = database.url.set(host="127.0.0.1", port=unused_tcp_port, query={})
    nowhere = database.url.set(host="no-such-host.invalid", query={})
    no_socket = database.url.set(host=None, query={"host": "/tmp/no-such-folder"})
    for url in (refused, nowhere, no_socket):
        gone = Database(url.render_as_string(hide_password=False), settings.database)
        with pytest.raises(UNAVAILABLE):
            await people(gone)
        await gone.close()


@on_postgresql
async def test_a_mistake_of_ours_is_no_outage(database: Database) -> None:
    async with database.reading() as session:
        for mistake in ("SELECT nothing FROM nowhere", "SELECT 1/0", "SELECT 'x'::int"):
            with pytest.raises(Exception) as error:
                await session.execute(text(mistake))
            assert not isinstance(error.value, UNAVAILABLE)


@on_postgresql
async def test_a_driver_that_stumbles_over_a_lost_connection(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-69: that is an outage, and the connection is not used again."""

    async def stumble(*_arguments: object, **_options: object) -> None:
        raise asyncpg.InternalClientError("cannot switch to state 12")

    async with database.reading() as session:
        before = await session.scalar(text("SELECT pg_backend_pid()"))
        with monkeypatch.context() as patch:
            patch.setattr(asyncpg.Connection, "prepare", stumble)
            patch.setattr(asyncpg.Connection, "_prepare", stumble)
            with pytest.raises(UNAVAILABLE):
                await session.execute(text("SELECT 'something new'"))
    async with database.reading() as session:
        assert await session.scalar(text("SELECT pg_backend_pid()")) != before
