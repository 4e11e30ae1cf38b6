"""`microblog serve` as an operator types it, in a folder of its own."""

import asyncio
import os
import re
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import make_url

from tests import servers

Start = Callable[..., Awaitable[asyncio.subprocess.Process]]
BEGIN_SECONDS = 60
END_SECONDS = 10


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    begun: list[asyncio.subprocess.Process] = []

    async def starting(*arguments: str, **environ: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "microblog", "serve", *arguments),
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])} | environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        begun.append(process)
        return process

    yield starting
    for process in begun:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def address(process: asyncio.subprocess.Process) -> str:
    """The address as printed, once it is."""
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), BEGIN_SECONDS)
    found = re.fullmatch(r"microblog is at (http://127\.0\.0\.1:\d+)\n", line.decode())
    assert found, line
    return found[1]


async def refusal(process: asyncio.subprocess.Process) -> tuple[int | None, list[str]]:
    """How it ended: status and the lines on its standard error."""
    _, said = await asyncio.wait_for(process.communicate(), BEGIN_SECONDS)
    return process.returncode, said.decode().splitlines()


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_it_migrates_serves_and_stops(start: Start, tmp_path: Path, workers: str) -> None:
    process = await start("--port", "0", "--workers", workers)
    url = await address(process)
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).json()["status"] == "ok"
    process.send_signal(signal.SIGTERM)
    _, said = await asyncio.wait_for(process.communicate(), END_SECONDS)
    assert process.returncode == 0
    assert "bringing the database to head" in said.decode()
    assert "Traceback" not in said.decode()
    with sqlite3.connect(tmp_path / "instance" / "microblog.db") as database:
        assert database.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    database.close()


async def test_a_taken_port_is_named(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = await refusal(await start("--port", str(port)))
    assert status == 1
    assert len(said) == 1
    assert f"port {port}" in said[0]


async def test_a_bad_setting_is_named(start: Start) -> None:
    status, said = await refusal(await start(PORT="70000"))
    assert status == 2
    assert len(said) == 1
    assert "PORT" in said[0]


async def test_a_database_that_does_not_answer_is_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    url = f"postgresql://microblog:x@127.0.0.1:{port}/microblog"
    status, said = await refusal(await start("--port", "0", DATABASE_URL=url))
    assert status == 1  # it may be there at the next try
    assert len(said) == 1
    assert "database" in said[0]


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_schema_that_is_behind_has_its_own_status(
    start: Start, postgresql_url: str, workers: str
) -> None:
    await servers.execute(make_url(postgresql_url), "DELETE FROM alembic_version")
    arguments = ("--port", "0", "--workers", workers)
    status, said = await refusal(await start(*arguments, DATABASE_URL=postgresql_url))
    assert status == 3
    assert len(said) == 1
    assert "run `microblog db upgrade`" in said[0]


async def test_under_reload_it_serves_and_stops(start: Start) -> None:
    process = await start("--port", "0", "--reload")
    async with httpx.AsyncClient(base_url=await address(process)) as client:
        assert (await client.get("/livez")).status_code == 200
    process.send_signal(signal.SIGINT)
    assert (await refusal(process))[0] == 0
