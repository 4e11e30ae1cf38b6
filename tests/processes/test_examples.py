"""The example programs, as processes beside a real server: interrupted, and nothing lost or doubled."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import insert, select

from microblog.database import Database
from microblog.domain import tokens
from microblog.domain.actors import Actor
from microblog.models import Post, User, utc_now
from tests import secrecy
from tests.processes.conftest import Start
from tests.processes.serving import ROOT, Server, people
from tests.processes.writing import written

SECONDS = 30


def on(database: str) -> pytest.MarkDecorator:
    """One database is enough: what a program sees is the same on both."""
    return pytest.mark.parametrize("database_url", [database], indirect=True)


@asynccontextmanager
async def example(
    name: str, *arguments: str, server: Server, token: str, sent: str = ""
) -> AsyncIterator[asyncio.subprocess.Process]:
    """One that runs, and is gone afterwards."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "examples" / name), *arguments),
        env=kept | {"MICROBLOG_URL": server.url, "MICROBLOG_TOKEN": token},
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
    )
    assert process.stdin is not None
    process.stdin.write(sent.encode())
    process.stdin.close()
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def run(
    name: str, *arguments: str, server: Server, token: str, sent: str = ""
) -> tuple[int, str]:
    """To its end: exit status, and everything that it says; the token is never in it."""
    async with example(name, *arguments, server=server, token=token, sent=sent) as process:
        return await ended(process, token)


async def ended(process: asyncio.subprocess.Process, token: str) -> tuple[int, str]:
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(SECONDS):
        said = await process.stdout.read() + await process.stderr.read()
        status = await process.wait()
    text = said.decode()
    assert not token or token not in text
    assert "Traceback" not in text, text
    return status, text


async def bearer(database: Database, name: str, *scopes: str) -> str:
    async with database.begin() as session:
        number = await session.scalar(select(User.id).where(User.username == name))
        token = await tokens.make(session, Actor(number or 0, name), "example", scopes, days=1)
    secrecy.spoken(token)
    return token


async def fill(database: Database, name: str, number: int) -> None:
    """Posts of which several have the same date."""
    now = utc_now()
    async with database.begin() as session:
        author = await session.scalar(select(User.id).where(User.username == name))
        rows = [
            {"user_id": author, "body": f"line\u2028one\nof {n}", "timestamp": now}
            for n in range(number)
        ]
        await session.execute(insert(Post), rows)


async def count(environment: Mapping[str, str], body: str) -> int:
    return (await written(dict(environment)))[body]


@on("sqlite")
async def test_posts_once_and_mirrors_each_post_once(
    start: Start,
    environment: dict[str, str],
    database: Database,
    password_hash: str,
    tmp_path: Path,
) -> None:
    """Sent twice with one key it is one post; a mirror that was killed goes on; no token is told."""
    await people(environment, password_hash, "susan")
    await fill(database, "susan", 90)
    server = await start(MICROBLOG_LIMITS_SCALE="1")
    token = await bearer(database, "susan", "read", "write")
    await check_posting(server, environment, token)
    await check_mirror(server, database, token, tmp_path / "posts.jsonl")


async def check_posting(server: Server, environment: dict[str, str], token: str) -> None:
    name = "post_from_cron.py"
    first = await run(name, "--key", "k", "from cron", server=server, token=token)
    assert first == (0, f"posted: {server.url}/post/91\n")
    # What is asked for too often waits for as long as it is told to.
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
        headers = {"Authorization": f"Bearer {token}"}
        while (await client.post("/api/posts", headers=headers)).status_code != 429:
            pass
    options = {"server": server, "token": token}
    again = await run(name, "--key", "k", sent="from cron\n", **options)
    assert again == (0, f"was posted already: {server.url}/post/91\n")
    assert await count(environment, "from cron") == 1
    status, said = await run(name, "x" * 501, **options)
    assert (status, said[:17]) == (1, "not posted: 400, ")
    assert (await run(name, "hello", server=server, token=""))[0] == 1
    assert await run(name, "hello", server=server, token="mb_nobody's") == (
        1,
        "not posted: 401, This needs a valid access token.\n",
    )


async def check_mirror(server: Server, database: Database, token: str, file: Path) -> None:
    name, options = "mirror_feed.py", {"server": server, "token": token}
    async with example(name, str(file), "--limit", "2", **options) as process:
        async with asyncio.timeout(SECONDS):
            while not file.exists() or not file.stat().st_size:
                await asyncio.sleep(0.001)
        # It stands still and holds its lock, wherever it is, until it is killed.
        process.send_signal(signal.SIGSTOP)
        status, said = await run(name, str(file), **options)
        assert (status, said) == (1, "another process is writing to this file\n")
        process.kill()
    assert 0 < file.read_bytes().count(b"\n") < 91, "it was killed in the middle"
    with file.open("ab") as half:
        half.write(b'{"id": 9')
    assert await run(name, str(file), **options) == (0, "up to date; the last post is 91\n")
    assert [json.loads(line)["id"] for line in file.read_bytes().splitlines()] == [*range(1, 92)]
    await fill(database, "susan", 1)
    # Posts of whom one reads, of everybody, of one person.
    await run(name, str(file), "--list", "everybody", **options)
    assert await run(name, str(file), "--list", "1", **options) == (
        0,
        "up to date; the last post is 92\n",
    )
    *_, post = file.read_text().splitlines()
    assert json.loads(post)["body"] == "line\u2028one\nof 0"
    file.write_text("my diary")
    assert (await run(name, str(file), **options))[0] == 1
    assert file.read_text() == "my diary"


@on("postgresql")
async def test_a_tail_over_a_restart(
    start: Start, environment: dict[str, str], database: Database, password_hash: str
) -> None:
    """API-07, T-36: each post is printed once over a restart; a revoked token ends it."""
    await people(environment, password_hash, "susan")
    server = await start()
    token = await bearer(database, "susan", "read", "write")
    other = await bearer(database, "susan", "write")
    options = {"server": server, "token": token}
    async with example("live_tail.py", **options) as tail:
        await until_told(tail, b"listening as susan")
        assert (await run("post_from_cron.py", "before", **options))[0] == 0
        assert await line_of(tail) == "susan: before"
        assert (await asyncio.to_thread(server.stop))[0] == 0
        async with example("post_from_cron.py", "during", **options) as waiting:
            await until_told(tail, b"closed (1001)")
            await start(port=int(server.url.rpartition(":")[2]))
            assert (await ended(waiting, token))[0] == 0
        assert await line_of(tail) == "susan: during"
        assert (await run("post_from_cron.py", "after", **options))[0] == 0
        assert await line_of(tail) == "susan: after"
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
            headers = {"Authorization": f"Bearer {token}"}
            assert (await client.delete("/api/tokens", headers=headers)).status_code == 204
        status, said = await ended(tail, token)
        assert (status, said.splitlines()[-1]) == (
            1,
            "live_tail: the token has ended or was revoked",
        )
        assert "susan: " not in said
    refused = await run("live_tail.py", server=server, token=other)
    assert refused == (1, "live_tail: the token lacks the scope read\n")


async def until_told(process: asyncio.subprocess.Process, word: bytes) -> None:
    assert process.stderr is not None
    async with asyncio.timeout(SECONDS):
        while word not in (line := await process.stderr.readline()):
            assert line, "it has ended"


async def line_of(process: asyncio.subprocess.Process) -> str:
    """The next line, without its date."""
    assert process.stdout is not None
    async with asyncio.timeout(SECONDS):
        return (await process.stdout.readline()).decode().strip().partition(" ")[2]
