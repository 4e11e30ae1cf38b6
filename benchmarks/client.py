"""The least client that can ask again and again, so that it is not the bottleneck."""

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import cast

HOST = "127.0.0.1"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_LAST = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_WARM_SECONDS = 0.2


def head(method: str, path: str, *lines: str) -> bytes:
    """A request without its body."""
    first = (f"{method} {path} HTTP/1.1", f"Host: {HOST}", "Accept: text/html", *lines)
    return "\r\n".join((*first, "", "")).encode()


@dataclass
class Sample:
    """What one stretch of load gave: seconds it took, and the seconds of each answer."""

    seconds: float = 0.0
    answers: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.answers) / self.seconds


class _Asking(asyncio.Protocol):
    """One connection that asks the same again as soon as it is answered."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._head = b""
        self._missing = 0
        self._asked = 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self.transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            self._begin(end)
        if self._missing == 0:
            self._load.sample.answers.append(time.perf_counter() - self._asked)
            self._head = b""
            if self._load.running:
                self._ask()

    def _begin(self, end: int) -> None:
        length = _LENGTH.search(self._head, 0, end)
        if not self._head.startswith(self._load.expected) or length is None:
            self._load.fail(RuntimeError(f"unexpected answer: {self._head[:end]!r}"))
            return
        self._missing = int(length[1]) - (len(self._head) - end - 4)

    def connection_lost(self, _error: Exception | None) -> None:
        # A server ends a connection after so many requests.
        if self._load.running:
            self._load.connect()


class _Load:
    """Many such connections to one address."""

    def __init__(self, port: int, request: bytes, status: int) -> None:
        self.request = request
        self.expected = f"HTTP/1.1 {status} ".encode()
        self.sample = Sample()
        self.running = True
        self._port = port
        self._connections: list[_Asking] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connect(self) -> None:
        task = asyncio.create_task(self._connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Asking(self), HOST, self._port)
        self._connections.append(connection)

    def fail(self, error: Exception) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)

    async def last(self, seconds: float) -> None:
        """Go on for so long, unless something fails."""
        await asyncio.wait([self._failed], timeout=seconds)
        if self._failed.done():
            self._failed.result()

    def stop(self) -> None:
        self.running = False
        for connection in self._connections:
            connection.transport.abort()


async def load(
    port: int, request: bytes, *, connections: int, seconds: float, status: int = 200
) -> Sample:
    """Ask on all connections at once for so many seconds, after a moment that does not count."""
    under_way = _Load(port, request, status)
    try:
        for _ in range(connections):
            under_way.connect()
        await under_way.last(_WARM_SECONDS)
        under_way.sample = sample = Sample()
        began = time.perf_counter()
        await under_way.last(seconds)
        sample.seconds = time.perf_counter() - began
        return sample
    finally:
        under_way.stop()


class Line:
    """One request after the other, on a new connection wherever the server has ended the last."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._server = int(writer.get_extra_info("peername")[1])
        self._ended = False

    @classmethod
    async def opened(cls, port: int) -> "Line":
        return cls(*await asyncio.open_connection(HOST, port))

    @property
    def port(self) -> int:
        """Where it comes from."""
        return int(self._writer.get_extra_info("sockname")[1])

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        start, body = await self.answer(request)
        return int(start.split(b" ", 2)[1]), body

    async def answer(self, request: bytes) -> tuple[bytes, bytes]:
        """The answer's head, and its body."""
        if self._ended:
            await self._reopen()
        self._writer.write(request)
        start = await self._reader.readuntil(b"\r\n\r\n")
        # A server ends a connection after so many requests, and says so in the last answer.
        self._ended = _LAST.search(start) is not None
        length = _LENGTH.search(start)
        return start, await self._reader.readexactly(int(length[1])) if length else b""

    async def _reopen(self) -> None:
        self.close()
        self._reader, self._writer = await asyncio.open_connection(HOST, self._server)

    def close(self) -> None:
        self._writer.transport.abort()


async def fetch(port: int, request: bytes) -> tuple[int, bytes]:
    """One request on a connection of its own: status and body."""
    line = await Line.opened(port)
    try:
        return await line.ask(request)
    finally:
        line.close()
