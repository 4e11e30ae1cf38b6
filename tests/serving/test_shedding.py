"""More requests or connections than there is room for: told so at once, and nothing is mixed up."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

Start = Callable[..., Awaitable[Any]]
LOOPS = pytest.mark.parametrize("loop", [(), ("--plain-loop",)], ids=["uvloop", "asyncio"])
SECONDS = 20
PID = b"GET /pid HTTP/1.1\r\nHost: localhost\r\n\r\n"
RELEASE = b"POST /release HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"


class Line:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, *parts: bytes) -> int:
        for part in parts:
            self.say(part)
            await self.writer.drain()
        return await self.answer()

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self, *, has_body: bool = True) -> int:
        async with asyncio.timeout(SECONDS):
            self.head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
            length = re.search(rb"\r\ncontent-length: (\d+)", self.head)
            assert length
            self.body = await self.reader.readexactly(int(length[1])) if has_body else b""
        return int(self.head.split()[1])

    async def ended(self) -> bool:
        async with asyncio.timeout(SECONDS):
            return await self.reader.read() == b""


@asynccontextmanager
async def line(port: int) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()


async def fill(held: Line, asking: Line) -> None:
    """Have the only place taken."""
    held.say(PID.replace(b"pid", b"held"))
    async with asyncio.timeout(SECONDS):
        while await asking.ask(PID) != 503:
            await asyncio.sleep(0)


@LOOPS
async def test_refusals_keep_the_order_of_a_connection(start: Start, loop: tuple[str, ...]) -> None:
    """T-57: however a request arrives it has one answer, and the next one has its own."""
    server = await start("--places", "1", *loop)
    async with AsyncExitStack() as stack:
        held, kept, other = [await stack.enter_async_context(line(server.port)) for _ in range(3)]
        for _ in range(2):
            await fill(held, kept)
            assert b"\r\nretry-after: " in kept.head
            assert b"\r\ncontent-security-policy: " in kept.head
            assert b"\r\nconnection" not in kept.head
            assert kept.body.startswith(b"503 Service Unavailable")
            # In two parts, two at once, without a body, with one, and one that says goodbye.
            assert await kept.ask(PID[:20], PID[20:]) == 503
            assert [await kept.ask(PID + PID), await kept.answer()] == [503, 503]
            kept.say(PID.replace(b"GET", b"HEAD"))
            assert await kept.answer(has_body=False) == 503
            # Whatever is always answered, is; and changes have a line of their own.
            assert await kept.ask(PID.replace(b"pid", b"livez")) == 404
            assert await other.ask(RELEASE) == 200
            assert await held.answer() == 200
            assert await kept.ask(PID) == 200
        await fill(held, kept)
        assert await kept.ask(PID[:-2] + b"Connection: close\r\n\r\n") == 503
        assert b"\r\nconnection: close\r\n" in kept.head
        assert await kept.ended()
    status, logged, _ = await server.stop()
    assert status == 0
    assert "Traceback" not in logged


async def test_half_a_head_is_never_answered_by_what_looks_like_a_whole_one(start: Start) -> None:
    """The second part of a request may look like a request: then there would be two opinions."""
    server = await start("--places", "1")
    async with line(server.port) as held, line(server.port) as kept, line(server.port) as other:
        await fill(held, kept)
        kept.say(b"GET /pid HTTP/1.1\r\nHost: localhost\r\nX-Odd: ")
        # What it has said is read before the next part comes, or the two come as one.
        assert await other.ask(PID) == 503
        kept.say(PID)
        assert await kept.answer() in (400, 503)
        if b"\r\nconnection: close" in kept.head:
            assert await kept.ended()
        else:
            assert await kept.ask(PID) == 503


async def test_who_never_reaches_the_line_is_not_counted_for_ever(start: Start) -> None:
    """What the parser refuses was let in, and takes nobody's place."""
    server = await start("--places", "1")
    for _ in range(3):
        async with line(server.port) as odd:
            assert await odd.ask(b"GET /pid HTTP/1.1\r\nno field\r\n\r\n") == 400
    async with line(server.port) as kept:
        assert await kept.ask(PID) == 200


@LOOPS
async def test_newcomers_are_refused_at_the_door(start: Start, loop: tuple[str, ...]) -> None:
    """T-57: many new connections at once, each with its request: an answer for each, no reset."""
    server = await start("--places", "1", *loop)
    async with line(server.port) as held, line(server.port) as kept:
        await fill(held, kept)

        async def come() -> int:
            async with line(server.port) as newcomer:
                status = await newcomer.ask(PID)
                if b"\r\nconnection: close" in newcomer.head:
                    assert await newcomer.ended()
                return status

        assert await asyncio.gather(*(come() for _ in range(200))) == [503] * 200
        assert await kept.ask(RELEASE) == 200
        assert await held.answer() == 200
        assert await come() == 200


@LOOPS
async def test_no_more_connections_than_there_are_files(
    start: Start, loop: tuple[str, ...]
) -> None:
    """T-57: who is one too many is told so; who is there stays, and who leaves makes room."""
    server = await start("--places", "1", "--files", "120", *loop)
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(line(server.port)) for _ in range(20)]
        assert [await each.ask(PID) for each in lines] == [200] * 20
        async with line(server.port) as one_more:
            assert await one_more.ask(PID) == 503
            assert await one_more.ended()
        assert await lines[0].ask(PID) == 200
        lines[1].writer.transport.abort()
        async with asyncio.timeout(SECONDS):
            status = 503
            while status == 503:
                async with line(server.port) as newcomer:
                    status = await newcomer.ask(PID)
        assert status == 200
