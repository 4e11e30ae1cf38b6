"""Several machines with one PostgreSQL are one service: each server has a data folder of its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from microblog.database import Database
from microblog.domain import tasks
from microblog.settings import NO_FILE, load
from tests.processes.conftest import Start
from tests.processes.serving import HTML, Member, Server, close_code, people
from tests.processes.writing import Traveller
from tests.servers import RedisServer

SECONDS = 30
NAMES = ("one", "two")
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
LISTENERS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'microblog bus'"
)


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [tmp_path / name for name in NAMES]


@pytest.fixture
async def database(environment: dict[str, str]) -> AsyncIterator[Database]:
    settings = load(NO_FILE, environment)
    database = Database(settings.database_url, settings.database)
    yield database
    await database.close()


async def hosts(start: Start, folders: list[Path], **extra: str) -> list[Server]:
    return [
        await start(MICROBLOG_SERVER_INSTANCE=str(folder), MICROBLOG_LIMITS_SCALE="1", **extra)
        for folder in folders
    ]


async def there(member: Member, server: Server, stack: AsyncExitStack) -> Member:
    """The same browser at another machine."""
    client = httpx.AsyncClient(
        base_url=server.url, headers=HTML, timeout=30, cookies=member.client.cookies
    )
    other = Member(server, member.name, await stack.enter_async_context(client))
    other.form = await other.token("/index")
    return other


async def hear(socket: Any, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(SECONDS):
        while True:
            frame: dict[str, Any] = json.loads(await socket.recv())
            if frame["type"] == kind:
                return frame


async def guess(server: Server, name: str) -> int:
    """The status of the answer to a wrong password."""
    async with httpx.AsyncClient(base_url=server.url, headers=HTML, timeout=30) as client:
        member = Member(server, name, client)
        member.form = await member.token("/auth/login")
        return (await member.send("/auth/login", username=name, password="wrong")).status_code


async def ready(server: Server) -> tuple[int, str]:
    """The status, and what is told of the bus."""
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        answer = await client.get("/readyz")
        return answer.status_code, answer.json()["checks"]["bus"]


async def until_told(servers: list[Server], told: str) -> None:
    """Until each says so of its bus, and ready all the time."""
    async with asyncio.timeout(SECONDS):
        for server in servers:
            while (found := await ready(server)) != (200, told):
                assert found[0] == 200, found
                await asyncio.sleep(0.05)


async def count(database: Database, query: Any) -> int:
    async with database.reading() as session:
        return await session.scalar(query)


@on_postgresql
async def test_two_machines_are_one_service(
    start: Start,
    environment: dict[str, str],
    folders: list[Path],
    database: Database,
    password_hash: str,
) -> None:
    """T-01, T-73, T-78: logins, the feed, goodbyes, allowances, and jobs, which are done once."""
    await people(environment, password_hash, "susan", "john")
    one, two = await hosts(start, folders)
    async with AsyncExitStack() as stack:
        susan = await stack.enter_async_context(Member.logged_in(one, "susan"))
        elsewhere = await there(susan, two, stack)
        async with elsewhere.socket("?channels=home") as socket:
            await hear(socket, "hello")
            await susan.publish("from one to two")
            assert (await hear(socket, "post.created"))["post"]["body"] == "from one to two"
            await check_archives(susan, elsewhere, folders, database)
            assert (await susan.send("/auth/logout")).is_redirect
            async with asyncio.timeout(5):
                assert await close_code(socket) == 4401
        assert (await elsewhere.client.get("/index")).headers["Location"].startswith("/auth/login")
    statuses = [await guess((one, two)[n % 2], "john") for n in range(12)]
    assert statuses == [302] * 10 + [429] * 2


async def check_archives(
    susan: Member, elsewhere: Member, folders: list[Path], database: Database
) -> None:
    """It is made once. Who does not have it says that it is not there; sharing a folder is enough."""
    assert (await susan.send("/export_posts")).is_redirect
    asked = text(
        f"SELECT count(*) FROM task WHERE name = '{tasks.EXPORT_POSTS}' AND state = 'done'"
    )
    async with asyncio.timeout(SECONDS):
        while not await count(database, asked):
            await asyncio.sleep(0.05)
    (archive,) = [path for folder in folders for path in folder.glob("archives/*")]
    letters = [path for folder in folders for path in folder.glob("mail/*.eml")]
    assert len(letters) == 1
    has_it = [folder in archive.parents for folder in folders]
    answers = [await m.client.get(f"/account/archives/{archive.stem}") for m in (susan, elsewhere)]
    assert [answer.status_code for answer in answers] == [200 if has else 404 for has in has_it]
    without = folders[has_it.index(False)]
    assert "do all machines share that folder?" in (without / "logs/microblog.log").read_text()
    (without / "archives").symlink_to(archive.parent)
    answers = [await m.client.get(f"/account/archives/{archive.stem}") for m in (susan, elsewhere)]
    assert [answer.status_code for answer in answers] == [200, 200]


@on_postgresql
async def test_redis_carries_it_and_may_go(
    start: Start,
    environment: dict[str, str],
    folders: list[Path],
    database: Database,
    password_hash: str,
    redis_server: RedisServer,
) -> None:
    """T-76: written on one machine, read on the other, before, while and after it is away."""
    await people(environment, password_hash, "susan", "john")
    one, two = await hosts(start, folders, REDIS_URL=redis_server.url)
    async with AsyncExitStack() as stack:
        susan = await stack.enter_async_context(Member.logged_in(one, "susan"))
        john = await stack.enter_async_context(Member.logged_in(two, "john"))
        await until_told([one, two], "ok")
        async with Redis.from_url(redis_server.url, decode_responses=True) as operator:
            assert await operator.pubsub_numsub("microblog:event") == [("microblog:event", 2)]
            assert await count(database, LISTENERS) == 0
            assert await guess(one, "john") == 302
            keys = sorted(await operator.keys())
            assert [key.split(":")[2] for key in keys] == ["login-account", "login-address"]
        reader = Traveller(john, 0)
        reading = asyncio.create_task(reader.read(18))
        while reader.last is None:
            await asyncio.sleep(0.01)
        await write(susan, reader, "before")
        redis_server.stop()
        await write(susan, reader, "at once after it went")
        await until_told([one, two], "ok, without redis: ConnectionError")
        assert await count(database, LISTENERS) == 2
        assert await guess(two, "john") == 302
        await write(susan, reader, "while it is away")
        redis_server.start()
        await until_told([one, two], "ok")
        await write(susan, reader, "when it is back", number=9)
        await asyncio.wait_for(reading, SECONDS)
    assert len(set(reader.bodies)) == 18
    assert (reader.gaps, reader.repeated) == (0, 0)
    for folder in folders:
        log = (folder / "logs/microblog.log").read_text()
        assert log.count("Redis does not answer") == log.count("Redis answers again") == 1


async def write(member: Member, reader: Traveller, body: str, number: int = 3) -> None:
    """So many posts, and the other one has read them."""
    had = len(reader.bodies)
    for n in range(number):
        await member.publish(f"{body} {n}")
    async with asyncio.timeout(SECONDS):
        while len(reader.bodies) < had + number:
            await asyncio.sleep(0.01)
