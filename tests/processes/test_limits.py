"""What the operating system and the number of workers allow, as the real command sees it."""

import asyncio
import base64
import resource
import signal
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.processes.conftest import Start
from tests.processes.serving import Member, Server, people

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HANDSHAKE = (
    "GET /live HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n"
)


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def journal(server: Server) -> str:
    path = Path(server.environment["MICROBLOG_SERVER_INSTANCE"]) / "logs" / "microblog.log"
    return path.read_text() if path.exists() else ""


def serving(server: Server) -> list[psutil.Process]:
    return [one for one in server.family()[1:] if one.name() == "microblog-serve"]


def holder(server: Server, port: int) -> int | None:
    """Which process has taken the connection from that port."""
    for process in serving(server):
        for line in process.net_connections("tcp"):
            if line.raddr and line.raddr.port == port:
                return process.pid
    return None


async def refused(server: Server, path: str, host: str) -> tuple[int, int]:
    """Ask for a socket without a login: which worker refuses, and with what status."""
    address, port = host.split(":")
    reader, writer = await asyncio.open_connection(address, int(port))
    try:
        own = writer.get_extra_info("sockname")[1]
        await until(lambda: holder(server, own) is not None)
        pid = holder(server, own)
        writer.write(HANDSHAKE.format(host=host).encode())
        status = int((await reader.readline()).split()[1])
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    assert pid is not None
    return pid, status


async def until_one_has_refused(server: Server, times: int) -> list[int]:
    """The statuses that one worker gave, which was asked that often before the others."""
    host = server.url.removeprefix("http://")
    told = defaultdict(list)
    async with asyncio.timeout(60):
        while True:
            pid, status = await refused(server, "/live", host)
            told[pid].append(status)
            if len(told[pid]) == times:
                return told[pid]


@on_sqlite
async def test_workers_share_what_one_machine_allows(start: Start) -> None:
    """Each gives its part, and goes by how many there are: not by what the settings say."""
    server = await start(
        workers=2, MICROBLOG_LIMITS_SCALE="1", MICROBLOG_LIVE_HANDSHAKES_PER_ADDRESS="4"
    )
    await until(lambda: len(serving(server)) == 2)
    assert await until_one_has_refused(server, 3) == [401, 401, 429]
    begun = set(serving(server))
    (server.folder / ".env").write_text("WEB_CONCURRENCY=4\n")
    server.process.send_signal(signal.SIGHUP)
    await until(lambda: "all workers are replaced" in journal(server))
    assert len(set(serving(server)) - begun) == 2
    assert await until_one_has_refused(server, 3) == [401, 401, 429]


@on_sqlite
async def test_too_few_open_files_are_told(
    start: Start, environment: dict[str, str], password_hash: str
) -> None:
    """A soft limit is raised at the start; a hard one is told, and at it pages say: come again."""
    await people(environment, password_hash, "susan")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        server = await start(MICROBLOG_LIVE_CONNECTIONS_TOTAL="100000", MICROBLOG_LIMITS_SCALE="10")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    process = psutil.Process(server.process.pid)
    assert process.rlimit(psutil.RLIMIT_NOFILE) == (hard, hard)
    assert ("live.connections_total" in journal(server)) == (0 <= hard - 100 < 1_000_000)
    async with Member.logged_in(server, "susan") as susan:
        process.rlimit(psutil.RLIMIT_NOFILE, (3, hard))
        page = await susan.client.get("/messages")
        assert page.status_code == 503
        assert int(page.headers["Retry-After"]) > 0
        process.rlimit(psutil.RLIMIT_NOFILE, (hard, hard))
        assert (await susan.client.get("/messages")).status_code == 200
    # No answer waits for the log.
    await until(lambda: "no more files can be opened" in journal(server))
