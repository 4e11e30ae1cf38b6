"""Open sockets that only note when something arrives, and the way of a post to all of them."""

import asyncio
import resource
import struct
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import psutil

from benchmarks import client, forms

_PATIENCE_SECONDS = 60
_AT_ONCE = 32
_TEXT, _CLOSE, _PING = 1, 8, 9
_WHOLE_TEXT = 0x81


@dataclass
class Journeys:
    """Seconds from the sending of a post: to its last reader, to each reader, to its answer.

    ``server`` and ``client`` are the seconds of a processor that all of it took them.
    """

    last: list[float] = field(default_factory=list)
    each: list[float] = field(default_factory=list)
    answer: list[float] = field(default_factory=list)
    server: float = 0.0
    client: float = 0.0

    def __add__(self, more: "Journeys") -> "Journeys":
        return Journeys(
            self.last + more.last,
            self.each + more.each,
            self.answer + more.answer,
            self.server + more.server,
            self.client + more.client,
        )


class Arrivals:
    """Notes when frames that hold ``marker`` arrive; ``complete`` once all sockets have one."""

    def __init__(self, sockets: int) -> None:
        self._sockets = sockets
        self.expect(b"")

    def expect(self, marker: bytes) -> None:
        self._marker = marker
        self.moments: list[float] = []
        self.complete = asyncio.Event()
        self.error: Exception | None = None

    def note(self, payload: bytes) -> None:
        if self._marker and self._marker in payload:
            self.moments.append(time.perf_counter())
            if len(self.moments) == self._sockets:
                self.complete.set()

    def fail(self, error: Exception) -> None:
        self.error = error
        self.complete.set()

    async def all(self) -> list[float]:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self.complete.wait()
        if self.error:
            raise self.error
        return self.moments


class Listening(asyncio.Protocol):
    """One websocket, as far as a listener needs it: text frames and pings, in one piece each."""

    def __init__(self, request: bytes, arrivals: Arrivals) -> None:
        self._request = request
        self._arrivals = arrivals
        self._buffer = bytearray()
        self._open = False
        self.greeted = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        # Nearly always one whole text frame of usual length, of which nothing is kept.
        if self._open and not self._buffer and len(data) > 4 and data[0] == _WHOLE_TEXT:
            start = 4 if data[1] == 126 else 2
            size = data[2] << 8 | data[3] if start == 4 else data[1]
            if len(data) == start + size:
                self._take(_TEXT, data[start:])
                return
        self._buffer += data
        if not self._open and not self._begin():
            return
        while (frame := self._next()) is not None:
            self._take(*frame)

    def _begin(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end >= 0:
            if not self._buffer.startswith(b"HTTP/1.1 101"):
                self.greeted.set_exception(RuntimeError(f"refused: {bytes(self._buffer[:end])!r}"))
                self.transport.abort()
                return False
            del self._buffer[: end + 4]
            self._open = True
        return self._open

    def _next(self) -> tuple[int, bytes] | None:
        if len(self._buffer) < 4:
            return None
        start, size = 2, self._buffer[1] & 127
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(self._buffer[2:start], "big")
        if len(self._buffer) < start + size:
            return None
        opcode, payload = self._buffer[0] & 15, bytes(self._buffer[start : start + size])
        del self._buffer[: start + size]
        return opcode, payload

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT and not self.greeted.done():
            self.greeted.set_result(payload)
        elif opcode == _TEXT:
            self._arrivals.note(payload)
        elif opcode == _PING:
            # A client's frames are masked; the mask may be nought.
            self.transport.write(bytes((0x8A, 0x80 | len(payload), 0, 0, 0, 0)) + payload)
        elif opcode == _CLOSE:
            code = struct.unpack("!H", payload[:2])[0] if payload else None
            self._arrivals.fail(RuntimeError(f"the server closed a socket: {code}"))


async def open_all(port: int, cookies: Sequence[str], arrivals: Arrivals) -> list[Listening]:
    """A socket for each cookie, some at a time, from several addresses."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(turn: int, cookie: str) -> Listening:
        async with gate:
            # One address has room for some 28,000 connections to one port.
            return await listen(port, cookie, arrivals, source=f"127.0.0.{1 + turn % 4}")

    return await asyncio.gather(*map(one, range(len(cookies)), cookies))


class Crowd:
    """Open sockets, and somebody whom all of them hear."""

    def __init__(self, port: int, arrivals: Arrivals, form: "_Form") -> None:
        self._arrivals = arrivals
        self._form = form
        self._servers = servers_on(port)

    async def follow(self, posts: int, pause: float) -> Journeys:
        """Publish one post after the other, and follow each to the last socket."""
        result = Journeys()
        await _travel(self._form, self._arrivals, "The first one warms up.", Journeys())
        server, mine = used(self._servers), _used_here()
        for number in range(posts):
            await asyncio.sleep(pause)
            text = f"On its way: number {number} of {posts}."
            await _travel(self._form, self._arrivals, text, result)
        result.server, result.client = used(self._servers) - server, _used_here() - mine
        return result


@asynccontextmanager
async def gathered(port: int, author_cookie: str, cookies: Sequence[str]) -> AsyncIterator[Crowd]:
    """A socket for each cookie."""
    arrivals = Arrivals(len(cookies))
    listening = await open_all(port, cookies, arrivals)
    form = await _Form.opened(port, author_cookie)
    try:
        yield Crowd(port, arrivals, form)
    finally:
        form.line.close()
        for each in listening:
            each.transport.abort()


async def journeys(
    port: int, author_cookie: str, cookies: Sequence[str], *, posts: int, pause: float = 0.05
) -> Journeys:
    """Open a socket for each cookie, then publish one post after the other and follow each."""
    async with gathered(port, author_cookie, cookies) as crowd:
        return await crowd.follow(posts, pause)


def servers_on(port: int) -> list[psutil.Process]:
    """The processes that we have started and that listen there."""
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if any(c.laddr.port == port for c in child.net_connections() if c.status == "LISTEN")
    ]


def used(processes: Sequence[psutil.Process]) -> float:
    """Seconds of a processor that they have used so far."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _used_here() -> float:
    mine = resource.getrusage(resource.RUSAGE_SELF)
    return mine.ru_utime + mine.ru_stime


def handshake(cookie: str, query: str = "channels=home", *lines: str) -> bytes:
    """What a browser with that login would ask to open a socket."""
    return client.head(
        "GET",
        f"/live?{query}",
        f"Cookie: {cookie}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *lines,
    )


async def listen(
    port: int, cookie: str, arrivals: Arrivals, *, source: str = client.HOST
) -> Listening:
    """One open socket, greeted by the server; it comes from the loopback address `source`."""
    request = handshake(cookie)
    loop = asyncio.get_running_loop()
    _, listening = await loop.create_connection(
        lambda: Listening(request, arrivals), client.HOST, port, local_addr=(source, 0)
    )
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await listening.greeted
    return listening


async def _travel(form: "_Form", arrivals: Arrivals, text: str, into: Journeys) -> None:
    request = form.filled(text)
    arrivals.expect(text.encode())
    began = time.perf_counter()
    status, _ = await form.line.ask(request)
    into.answer.append(time.perf_counter() - began)
    if status not in (302, 303):
        raise RuntimeError(f"the post was not accepted: {status}")
    moments = [moment - began for moment in await arrivals.all()]
    into.last.append(max(moments))
    into.each.extend(moments)


@dataclass(frozen=True)
class _Form:
    """The form that the author's page shows, and a connection to send it on."""

    line: client.Line
    cookie: str
    token: str

    @classmethod
    async def opened(cls, port: int, cookie: str) -> "_Form":
        line = await client.Line.opened(port)
        _, page = await line.ask(client.head("GET", "/", f"Cookie: {cookie}"))
        return cls(line, cookie, forms.token(page))

    def filled(self, text: str) -> bytes:
        fields = {"csrf_token": self.token, "post": text, "submit": "1"}
        return forms.filled("/", self.cookie, fields)
