"""SIGHUP and what becomes of it: new settings without a gap, wrong ones without harm."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import httpx
import pytest

from microblog import migrations
from tests.processes.conftest import Start
from tests.processes.serving import Member, Server, people
from tests.processes.writing import Traveller, Writers, written

WRITERS = [f"writer{number}" for number in range(3)]
READERS = 4


def on(database: str) -> pytest.MarkDecorator:
    """One database is enough: how processes follow each other is the same on both."""
    return pytest.mark.parametrize("database_url", [database], indirect=True)


def journal(environment: dict[str, str]) -> str:
    return (Path(environment["MICROBLOG_SERVER_INSTANCE"]) / "logs" / "microblog.log").read_text()


def workers(server: Server) -> set[int]:
    return {process.pid for process in server.family()[1:]}


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def has_metrics(server: Server) -> bool:
    async with httpx.AsyncClient() as client:
        return (await client.get(server.url + "/metrics")).status_code == 200


@on("sqlite")
async def test_all_are_replaced_under_writers_and_readers(
    start: Start, environment: dict[str, str], password_hash: str
) -> None:
    """T-78: no request fails, each reader has each post once, and new settings hold."""
    await people(environment, password_hash, "reader", *WRITERS)
    server = await start(workers=2)
    assert not await has_metrics(server)
    begun = workers(server)
    (server.folder / ".env").write_text("MICROBLOG_SERVER_METRICS=true\n")
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(Member.logged_in(server, "reader"))
        writers = await stack.enter_async_context(Writers.at(server, WRITERS))
        travellers = [Traveller(reader, 0) for _ in range(READERS)]
        reading = [asyncio.create_task(traveller.read(1_000_000)) for traveller in travellers]
        await until(lambda: all(traveller.last is not None for traveller in travellers))
        writing = asyncio.create_task(writers.write())
        server.process.send_signal(signal.SIGHUP)
        await until(lambda: "all workers are replaced" in journal(environment))
        writers.stop()
        await asyncio.wait_for(writing, 20)
        total = len(writers.acknowledged)
        await until(lambda: all(len(traveller.bodies) >= total for traveller in travellers))
        assert not any(task.done() for task in reading)
        for task in reading:
            task.cancel()
    assert len(workers(server)) == 2
    assert not begun & workers(server)
    assert await has_metrics(server)
    assert writers.failures == []
    assert set(writers.statuses) <= {302, 303}
    for traveller in travellers:
        assert sorted(traveller.bodies) == sorted(writers.acknowledged)
        assert (traveller.gaps, traveller.repeated) == (0, 0)
    assert await written(environment) == dict.fromkeys(writers.acknowledged, 1)
    assert (await asyncio.to_thread(server.stop))[0] == 0
    assert "Traceback" not in journal(environment)


@on("sqlite")
async def test_wrong_settings_end_nobody(start: Start, environment: dict[str, str]) -> None:
    server = await start(workers=2)
    # Both have read their settings.
    await until(lambda: {one.name() for one in server.family()[1:]} == {"microblog-serve"})
    begun = workers(server)
    (server.folder / ".env").write_text("POSTS_PER_PAGE=none\n")
    server.process.send_signal(signal.SIGHUP)
    await until(lambda: "a new worker did not come up" in journal(environment))
    assert "POSTS_PER_PAGE" in server.log
    assert workers(server) == begun
    assert not await has_metrics(server)
    assert (await asyncio.to_thread(server.stop))[0] == 0


@on("postgresql")
async def test_a_worker_that_finds_an_older_schema_is_tried_again(
    start: Start, environment: dict[str, str]
) -> None:
    """Status 3 ends a start, and no service that has been well."""
    server = await start(workers=2)
    connection = await asyncpg.connect(environment["DATABASE_URL"])
    await connection.execute("DELETE FROM alembic_version")
    victim = server.family()[-1]
    victim.kill()
    await until(lambda: "a worker ended (3)" in journal(environment))
    assert "run `microblog db upgrade`" in server.log
    await connection.execute("INSERT INTO alembic_version VALUES ($1)", migrations.newest())
    await connection.close()
    await until(lambda: len(workers(server)) == 2)
    assert victim.pid not in workers(server)
    async with httpx.AsyncClient() as client:
        assert (await client.get(server.url + "/readyz")).status_code == 200
    assert (await asyncio.to_thread(server.stop))[0] == 0
