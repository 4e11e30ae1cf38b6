"""Wake-ups on PostgreSQL and on SQLite: what breaks them costs delay, never an event."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from microblog.adapters.bus import Bell, PostgreSQLBus, SQLiteBus, postgresql
from microblog.domain.events import NOTIFY_CHANNEL
from tests import servers
from tests.conftest import asyncpg_url
from tests.mortal import Postgres

SECONDS = 15


@pytest.fixture
def bus(restless_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> PostgreSQLBus:
    """It looks after its connection more often than it would."""
    monkeypatch.setattr(postgresql, "KEEPALIVE_SECONDS", 0.3)
    monkeypatch.setattr(postgresql, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(postgresql, "_LONGEST_PAUSE", 0.3)
    return PostgreSQLBus(make_url(asyncpg_url(restless_server.url)))


@asynccontextmanager
async def listening(bus: PostgreSQLBus) -> AsyncIterator[Bell]:
    bell = Bell(bus)
    running = asyncio.create_task(bell.run(lambda: None))
    await until(lambda: not bus.trouble)
    yield bell
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


async def notify(server: Postgres) -> None:
    await servers.execute(server.url, f"NOTIFY {NOTIFY_CHANNEL}")


async def rings(bell: Bell, ringing: Awaitable[None]) -> None:
    ring = bell.next_ring
    await ringing
    async with asyncio.timeout(SECONDS):
        await ring.wait()


async def listener(server: Postgres) -> int:
    connection = await asyncpg.connect(server.url.render_as_string(hide_password=False))
    try:
        return await connection.fetchval(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'microblog bus'"
        )
    finally:
        await connection.close()


async def test_a_connection_that_is_cut(
    bus: PostgreSQLBus, restless_server: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    """T-76: it wakes by itself, for what may have been missed, and hears again; one line a loss."""
    async with listening(bus) as bell:
        await rings(bell, notify(restless_server))
        for _ in range(2):
            pid = await listener(restless_server)
            ring = bell.next_ring
            await servers.execute(restless_server.url, f"SELECT pg_terminate_backend({pid})")
            async with asyncio.timeout(SECONDS):
                await ring.wait()
            await until(lambda: not bus.trouble)
            await rings(bell, notify(restless_server))
    lost = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert len(lost) == 2
    assert bus.trouble == "not listening to the database"


async def test_a_server_that_restarts(
    bus: PostgreSQLBus, restless_server: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    """T-69, T-76: however long it is away, there is one line about it, and one when it is back."""
    caplog.set_level(logging.INFO)
    async with listening(bus) as bell:
        await asyncio.to_thread(restless_server.stop)
        try:
            await until(lambda: bool(bus.trouble))
            assert bus.trouble.startswith("not listening to the database: ")
            await asyncio.sleep(0.7)  # some tries fail
        finally:
            ring = bell.next_ring
            await asyncio.to_thread(restless_server.start)
        async with asyncio.timeout(SECONDS):
            await ring.wait()
        await until(lambda: not bus.trouble)
        await rings(bell, notify(restless_server))
    assert [r.levelname for r in caplog.records if r.name == postgresql.log.name] == [
        "WARNING",
        "INFO",
    ]


async def test_a_connection_that_is_only_half_open(
    bus: PostgreSQLBus, restless_server: Postgres
) -> None:
    """T-76: nothing is closed, nobody answers: it is noticed, and heard again afterwards."""
    async with listening(bus) as bell:
        restless_server.freeze()
        try:
            await until(lambda: bus.trouble.endswith("TimeoutError"))
        finally:
            restless_server.thaw()
        await until(lambda: not bus.trouble)
        await rings(bell, notify(restless_server))


async def test_options_of_the_address_are_the_pools_too(
    restless_server: Postgres,
) -> None:
    url = restless_server.url.update_query_dict(
        {"ssl": "disable", "prepared_statement_cache_size": "10"}
    )
    async with listening(PostgreSQLBus(make_url(asyncpg_url(url)))) as bell:
        await rings(bell, notify(restless_server))


async def test_a_file_out_of_reach_is_watched_again(tmp_path: Path) -> None:
    """The folder is not there yet; the bus says so and keeps trying."""
    watching = SQLiteBus(str(tmp_path / "later" / "microblog.db"), 0.01)
    woken = asyncio.Event()
    running = asyncio.create_task(watching.run(woken.set))
    await asyncio.sleep(0.05)
    assert not running.done()
    assert watching.trouble == "not watching the database file"
    (tmp_path / "later").mkdir()
    async with asyncio.timeout(5):
        await woken.wait()
    assert watching.trouble == ""
    running.cancel()
    await asyncio.wait({running})
