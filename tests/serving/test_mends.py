"""What Hypercorn would let through on a websocket."""

import asyncio
import os
import socket
import struct
import sys
import zlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from microblog.serving.process import KEEP_ALIVE_SECONDS, THREAD_SECONDS
from tests.serving.conftest import HANDSHAKE

Start = Callable[..., Awaitable[Any]]


def frame(first: int, payload: bytes) -> bytes:
    """A masked frame whose mask is all zero."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
    if size > 65_535:
        length = struct.pack("!BQ", 0x80 | 127, size)
    return bytes([first]) + length + bytes(4) + payload


def memory(server: Any) -> int:
    return int(psutil.Process(server.process.pid).memory_info().rss)


async def ended(reader: asyncio.StreamReader) -> None:
    """Wait for the end of the connection, gentle or not."""
    with suppress(ConnectionError):
        while await reader.read(65_536):
            pass


async def none_open(server: Any) -> None:
    """Wait until no websocket is served any more."""
    async with httpx.AsyncClient(base_url=server.url) as client, asyncio.timeout(10):
        while (await client.get("/open")).text != "0":
            await asyncio.sleep(0.01)


def open_at(server: Any) -> list[str]:
    """The states of the connections that the server holds."""
    lines = psutil.Process(server.process.pid).net_connections("tcp")
    return [line.status for line in lines if line.status != psutil.CONN_LISTEN]


async def test_who_leaves_between_two_requests_is_gone_at_once(start: Start) -> None:
    """Not when an idle connection would be closed, which is later than we wait here."""
    assert KEEP_ALIVE_SECONDS > 10
    server = await start()
    visitors = [httpx.AsyncClient(base_url=server.url) for _ in range(10)]
    for visitor in visitors:
        assert (await visitor.get("/pid")).is_success
    assert len(open_at(server)) == 10
    for visitor in visitors:
        await visitor.aclose()
    async with asyncio.timeout(10):
        while open_at(server):
            await asyncio.sleep(0.01)


async def test_a_connection_that_ended_is_nothing_for_the_collector(start: Start) -> None:
    server = await start()

    async def wasted() -> int:
        async with httpx.AsyncClient(base_url=server.url) as visitor:
            return int((await visitor.get("/wasted")).raise_for_status().text)

    await wasted()
    for _ in range(20):
        async with httpx.AsyncClient(base_url=server.url) as visitor:
            assert (await visitor.get("/pid")).is_success
        async with connect(server.live) as socket:
            assert await socket.recv() == "hello"
            await socket.send("x")
        async with server.raw() as (_reader, writer):
            writer.write(frame(0x81, b"x" * 60_000)[:50_000])
    async with asyncio.timeout(10):
        while open_at(server):
            await asyncio.sleep(0.01)
    assert await wasted() == 0


async def test_threads_give_way_to_the_loop(start: Start) -> None:
    server = await start()
    async with httpx.AsyncClient(base_url=server.url) as visitor:
        told = float((await visitor.get("/switching")).raise_for_status().text)
    assert told == pytest.approx(THREAD_SECONDS)


@pytest.mark.parametrize("path", [b"/live", b"/pondered"])
async def test_who_speaks_before_the_handshake_is_over_is_out(start: Start, path: bytes) -> None:
    server = await start()
    for extra in (frame(0x81, b"{}"), b"x", b"GET / HTTP/1.1\r\n\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HANDSHAKE % path + extra)
        async with asyncio.timeout(5):
            head = await reader.read()
        writer.close()
        assert head.startswith(b"HTTP/1.1 400 ")
        assert head.count(b"HTTP/1.1") == 1
    await none_open(server)
    _, logged, _ = await server.stop()
    assert "Traceback" not in logged


async def test_who_leaves_during_the_handshake_is_gone(start: Start) -> None:
    server = await start()
    async with httpx.AsyncClient(base_url=server.url) as client, asyncio.timeout(10):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HANDSHAKE % b"/pondered")
        while (await client.get("/open")).text != "1":
            await asyncio.sleep(0.01)
        writer.close()
    await none_open(server)


async def test_a_handshake_that_is_none_ends_the_connection(start: Start) -> None:
    server = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(HANDSHAKE.replace(b"Sec-WebSocket-Key", b"X-Key") % b"/live")
    async with asyncio.timeout(5):
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_no_compression_is_granted(start: Start) -> None:
    server = await start()
    async with connect(server.live, compression="deflate") as live:
        assert await live.recv() == "hello"
        assert live.protocol.extensions == []


async def test_a_compressed_frame_is_refused_unopened(start: Start) -> None:
    server = await start()
    packer = zlib.compressobj(9, wbits=-15)
    bomb = packer.compress(bytes(60_000_000)) + packer.flush(zlib.Z_SYNC_FLUSH)
    before = memory(server)
    async with server.raw() as (reader, writer), asyncio.timeout(5):
        writer.write(frame(0xC1, bomb))
        await ended(reader)
    assert memory(server) - before < 10_000_000


async def test_a_message_that_is_too_long_ends_the_connection(start: Start) -> None:
    server = await start()
    before = memory(server)
    async with server.raw() as (_, writer), asyncio.timeout(10):
        writer.write(frame(0x01, b"x" * 60_000))
        with pytest.raises(ConnectionError):
            while True:
                writer.write(frame(0x00, b"x" * 60_000))
                await writer.drain()
    assert memory(server) - before < 10_000_000


async def test_the_largest_message_gets_through_and_one_more_does_not(start: Start) -> None:
    server = await start()
    once = server.live.replace("/live", "/once")
    async with connect(once) as live:
        await live.send("x" * 65_536)
        assert await live.recv() == "got 65536"
    async with connect(once) as live:
        await live.send("x" * 65_537)
        with pytest.raises(ConnectionClosed) as closed:
            await live.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


async def test_hypercorn_by_its_own_command_has_the_same_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    folders = (Path(__file__).parent, Path(__file__).parents[2])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hypercorn", "--bind", f"127.0.0.1:{port}", "bare:app"),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        url = f"ws://127.0.0.1:{port}/once"
        async with asyncio.timeout(60):
            while True:
                try:
                    async with connect(url) as once:
                        await once.send("x" * 65_537)
                        with pytest.raises(ConnectionClosed) as closed:
                            await once.recv()
                    break
                except ConnectionRefusedError:
                    await asyncio.sleep(0.05)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)


async def test_a_flood_for_an_ended_view_leaves_nothing_behind(start: Start) -> None:
    server = await start()
    before = memory(server)
    async with server.raw(b"/once") as (reader, writer), asyncio.timeout(5):
        writer.write(frame(0x81, b"x" * 1_000) * 10_000)
        await ended(reader)
    async with asyncio.timeout(5):
        while len(psutil.Process(server.process.pid).net_connections("tcp")) > 1:
            await asyncio.sleep(0.01)
    assert memory(server) - before < 10_000_000


async def test_a_peer_that_never_answers_the_close_is_dropped(start: Start) -> None:
    server = await start()
    async with server.raw(b"/once") as (reader, writer), asyncio.timeout(4):
        writer.write(frame(0x81, b"x"))
        await ended(reader)


async def test_a_peer_that_answers_no_ping_is_dropped(start: Start) -> None:
    server = await start("--ping", "0.2")
    async with connect(server.live) as polite, server.raw() as (reader, _), asyncio.timeout(2):
        await ended(reader)
        assert await polite.recv() == "hello"
        await (await polite.ping())


async def counted(reader: asyncio.StreamReader) -> tuple[int, int | None]:
    """How many frames come until the end, all of them short; and the code of the last."""
    number, code = 0, None
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            first, size = await reader.readexactly(2)
            payload = await reader.readexactly(size)
            number += 1
            if first & 15 == 8:
                code = int.from_bytes(payload[:2], "big")
    return number, code


@pytest.mark.parametrize("first", [0x89, 0x8A, 0x00], ids=["pings", "pongs", "empty parts"])
async def test_a_flood_of_frames_ends_the_connection(start: Start, first: int) -> None:
    """T-61: few are answered, and others are served meanwhile."""
    server = await start()
    before = memory(server)
    async with connect(server.live) as polite, server.raw() as (reader, writer):
        async with asyncio.timeout(10):
            if first == 0x00:
                writer.write(frame(0x01, b""))
            writer.write(frame(first, b"x" * 125 if first else b"") * 5_000)
            number, code = await counted(reader)
            assert number < 110
            assert code in (1008, None)  # what is cut off may not have read its end
            assert await polite.recv() == "hello"
            await (await polite.ping())
    assert memory(server) - before < 10_000_000


async def test_peers_that_never_read_hold_little(start: Start) -> None:
    """T-62: a view that sends without end waits for them; the memory does not grow."""
    server = await start()
    before = memory(server)
    async with AsyncExitStack() as stack, asyncio.timeout(10):
        for _ in range(20):
            await stack.enter_async_context(server.raw(b"/flood"))
        async with connect(server.live) as polite:
            assert await polite.recv() == "hello"
            await (await polite.ping())
        assert memory(server) - before < 10_000_000


async def test_an_upgrade_to_http2_is_not_made(start: Start) -> None:
    server = await start()
    upgrade = {
        "Connection": "Upgrade, HTTP2-Settings",
        "Upgrade": "h2c",
        "HTTP2-Settings": "AAMAAABk",
    }
    async with httpx.AsyncClient() as client:
        assert (await client.get(server.url + "/pid", headers=upgrade)).status_code == 200
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    async with asyncio.timeout(5):
        assert (await reader.read()).startswith(b"HTTP/1.1 505")
    writer.close()
