"""The store fails under load: PostgreSQL dies or freezes, a disk has errors, the power goes."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from benchmarks.disk import Disk, NoCompiler
from microblog.database import UNAVAILABLE, Database
from microblog.settings import NO_FILE, load
from tests.mortal import Postgres, postgresql
from tests.processes.conftest import Start
from tests.processes.serving import Member, Server, people
from tests.processes.writing import Writers, written
from tests.wholeness import assert_whole

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WRITERS = ["susan", "john"]
SPANISH = {"Accept-Language": "es"}


@pytest.fixture(scope="module")
def mortal() -> Iterator[Postgres]:
    with postgresql() as mortal:
        yield mortal


@pytest.fixture
def on_mortal(mortal: Postgres, environment: dict[str, str]) -> None:
    environment["DATABASE_URL"] = mortal.url.render_as_string(hide_password=False)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


async def check(environment: dict[str, str]) -> None:
    settings = load(NO_FILE, environment)
    database = Database(settings.database_url, settings.database)
    await assert_whole(database)
    await database.close()


@pytest.mark.usefixtures("on_mortal")
async def test_postgresql_dies_and_comes_back(
    start: Start, environment: dict[str, str], password_hash: str, mortal: Postgres
) -> None:
    """T-69: clear 503s meanwhile; then all goes on by itself, on the same socket, nothing lost."""
    await people(environment, password_hash, *WRITERS, "mary")
    server = await start()
    async with AsyncExitStack() as stack:
        mary = await stack.enter_async_context(Member.logged_in(server, "mary"))
        writers = await stack.enter_async_context(Writers.at(server, WRITERS))
        socket = await stack.enter_async_context(mary.socket("?channels=explore"))
        assert json.loads(await socket.recv())["type"] == "hello"
        writing = asyncio.create_task(writers.write())
        await asyncio.wait_for(writers.reach(10), 30)
        await asyncio.to_thread(mortal.die)
        await assert_clear(mary)
        before = len(writers.acknowledged)
        await asyncio.to_thread(mortal.start)
        await asyncio.wait_for(writers.reach(before + 10), 30)
        writers.stop()
        await asyncio.wait_for(writing, 30)
        heard: Counter[str] = Counter()
        async with asyncio.timeout(30):
            while not heard.keys() >= set(writers.acknowledged):
                frame = json.loads(await socket.recv())
                if frame["type"] == "post.created":
                    heard[frame["post"]["body"]] += 1
            while (await mary.client.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.05)
    found = await written(environment)
    assert set(heard.values()) == set(found.values()) == {1}
    # What was on its way may be there, though nobody was told so.
    assert 0 <= len(found) - len(writers.acknowledged) <= len(WRITERS)
    assert writers.failures == []
    assert set(writers.statuses) == {302, 503}, server.log
    await check(environment)
    assert (await asyncio.to_thread(server.stop))[0] == 0


async def assert_clear(member: Member) -> None:
    """What works without a database does; the rest says in the reader's words when to come back."""
    for path in ("/livez", "/static/css/site.css"):
        assert (await member.client.get(path)).status_code == 200, path
    for path in ("/explore", "/no/such/page"):
        page = await member.client.get(path, headers=SPANISH)
        if path == "/explore":
            assert page.status_code == 503
            assert int(page.headers["Retry-After"]) > 0
            assert "<h1>Ocupado</h1>" in page.text
        assert '<html lang="es"' in page.text
    ready = await member.client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["database"].startswith("failed")


@pytest.mark.usefixtures("on_mortal")
async def test_a_frozen_postgresql_holds_nobody_for_ever(
    environment: dict[str, str], mortal: Postgres
) -> None:
    """T-68: neither who asks nor who waits for a connection; well as soon as it goes on."""
    environment["MICROBLOG_DATABASE_STATEMENT_TIMEOUT"] = "0.5"
    environment["MICROBLOG_DATABASE_POOL_TIMEOUT"] = "1"
    settings = load(NO_FILE, environment)
    database = Database(settings.database_url, settings.database)

    async def ask() -> Any:
        async with database.reading() as session:
            return await session.scalar(text("SELECT 1"))

    assert await ask() == 1
    with mortal.frozen():
        many = (ask() for _ in range(4 * settings.database.pool_size))
        async with asyncio.timeout(20):
            answers = await asyncio.gather(*many, return_exceptions=True)
        assert all(isinstance(answer, UNAVAILABLE) for answer in answers)
    async with asyncio.timeout(30):
        # On a busy machine it may take longer than it may to begin again.
        while (answer := await asyncio.gather(ask(), return_exceptions=True)) != [1]:
            assert isinstance(answer[0], UNAVAILABLE)
    await database.close()


@pytest.mark.parametrize("synchronous", ["FULL", "NORMAL"])
async def test_a_failing_disk_and_a_power_cut(
    start: Start,
    environment: dict[str, str],
    password_hash: str,
    tmp_path: Path,
    synchronous: str,
) -> None:
    """T-70, T-72: clear 503s, nothing half-written; only what is synced outlives the power."""
    await people(environment, password_hash, *WRITERS)
    disk = disk_under(environment, tmp_path)
    server = await start(MICROBLOG_DATABASE_SYNCHRONOUS=synchronous, **disk.environment)
    async with Writers.at(server, WRITERS) as writers:
        writing = asyncio.create_task(writers.write())
        await asyncio.wait_for(writers.reach(5), 30)
        if synchronous == "FULL":
            await fail(server, writers, disk)
        await asyncio.to_thread(server.kill)
        await asyncio.wait_for(writing, 30)
    assert set(writers.statuses) <= {302, 503}
    disk.cut_power()
    await check(environment)
    found = await written(environment)
    lost = [body for body in writers.acknowledged if not found[body]]
    assert max(found.values(), default=1) == 1
    if synchronous == "FULL":
        assert lost == []
    else:
        # The same disk forgets what nobody had it keep: so it does forget.
        assert lost


def disk_under(environment: dict[str, str], folder: Path) -> Disk:
    database = Path(make_url(environment["DATABASE_URL"]).database or "")
    (folder / "disk").mkdir()
    try:
        return Disk(database, folder / "disk")
    except NoCompiler as error:
        if "compiler" in os.environ.get("TESTS_REQUIRE", ""):
            raise
        pytest.skip(f"NO COMPILER: {error}")


async def fail(server: Server, writers: Writers, disk: Disk) -> None:
    """Many of its writes and syncs fail, while people read; then it is well again."""
    disk.fail(every=10)
    await until(lambda: writers.statuses[503] >= 3)
    for path in ("/", "/explore"):
        assert (await writers.members[0].client.get(path)).status_code == 200
    disk.fail(every=0)
    number = len(writers.acknowledged)
    await asyncio.wait_for(writers.reach(number + 10), 30)
    assert writers.failures == []
    assert "Traceback" not in server.log, server.log
