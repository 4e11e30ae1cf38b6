"""The stand-in site as a process of its own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest

PROGRAM = Path(__file__).with_name("stand_in.py")
BEGIN_SECONDS = 30
END_SECONDS = 10
HANDSHAKE = (
    b"GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)


class Running:
    """A started program, its address, and how it ends."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url
        self.live = url.replace("http://", "ws://") + "/live"
        self.port = int(url.rpartition(":")[2])

    @classmethod
    async def start(cls, *arguments: str, stdin: int | None = None) -> "Running":
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(PROGRAM), *arguments),
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), BEGIN_SECONDS)).decode()
        return cls(process, line.rpartition(" ")[2].strip() or "nowhere:0")

    def workers(self) -> list[psutil.Process]:
        return list(psutil.Process(self.process.pid).children())

    def serving(self) -> list[psutil.Process]:
        """Those that were told to serve, without a spare one."""
        return [process for process in self.workers() if _name(process) == "stand-in-serve"]

    async def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, float]:
        """Send the signal and wait: status, what was logged, seconds. Over ten seconds fails."""
        began = asyncio.get_running_loop().time()
        self.process.send_signal(number)
        return *await self.ended(), asyncio.get_running_loop().time() - began

    async def ended(self) -> tuple[int, str]:
        _, logged = await asyncio.wait_for(self.process.communicate(), END_SECONDS)
        assert self.process.returncode is not None
        return self.process.returncode, logged.decode()

    @asynccontextmanager
    async def raw(
        self, path: bytes = b"/live"
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """An open websocket without any manners: it reads and answers nothing by itself."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(HANDSHAKE % path)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101")
        assert b"permessage-deflate" not in head
        assert b"server:" not in head.lower()
        yield reader, writer
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def clean(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.NoSuchProcess:
        return ""


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Awaitable[Running]]]:
    begun: list[Running] = []

    async def starting(*arguments: str, stdin: int | None = None) -> Running:
        begun.append(await Running.start(*arguments, stdin=stdin))
        return begun[-1]

    yield starting
    for running in begun:
        await running.clean()
