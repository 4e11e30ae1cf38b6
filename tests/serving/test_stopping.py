"""A server that is asked to stop says goodbye to everybody and is gone in ten seconds."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from microblog.serving import stopping

Start = Callable[..., Awaitable[Any]]


async def open_sockets(stack: AsyncExitStack, url: str, number: int) -> list[ClientConnection]:
    sockets = [
        await stack.enter_async_context(connect(url, ping_interval=None)) for _ in range(number)
    ]
    for socket in sockets:
        assert await socket.recv() == "hello"
    return sockets


async def close_code(socket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        await socket.recv()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


@pytest.mark.parametrize("loop", [(), ("--plain-loop",)], ids=["uvloop", "asyncio"])
@pytest.mark.parametrize("workers", [1, 2])
async def test_200_sockets_are_told_1001(start: Start, loop: tuple[str, ...], workers: int) -> None:
    server = await start("--workers", str(workers), *loop)
    async with AsyncExitStack() as stack:
        sockets = await open_sockets(stack, server.live, 200)
        codes = asyncio.gather(*(close_code(socket) for socket in sockets))
        status, logged, seconds = await server.stop()
        assert await codes == [1001] * 200
    assert status == 0
    assert seconds < 5
    assert "Traceback" not in logged


@pytest.mark.parametrize("loop", [(), ("--plain-loop",)], ids=["uvloop", "asyncio"])
async def test_rude_clients_do_not_keep_it(start: Start, loop: tuple[str, ...]) -> None:
    server = await start("--patience", "2", *loop)
    async with AsyncExitStack() as stack:
        for path in [b"/live"] * 20 + [b"/flood"] * 5:
            await stack.enter_async_context(server.raw(path))
        status, logged, seconds = await server.stop()
    assert status == 0
    assert seconds < 4
    assert "Traceback" not in logged


async def test_a_request_under_way_is_finished(start: Start) -> None:
    server = await start()
    async with httpx.AsyncClient(base_url=server.url) as client:
        await client.get("/pid")
        slow = asyncio.create_task(client.get("/slow"))
        async with asyncio.timeout(5), httpx.AsyncClient() as other:
            await other.get(server.url + "/pid")
        status, _, seconds = await server.stop()
        assert (await slow).text == "done"
    assert status == 0
    assert seconds < 3


async def test_new_connections_are_refused_while_it_drains(start: Start) -> None:
    server = await start()
    async with httpx.AsyncClient(base_url=server.url) as client:
        slow = asyncio.create_task(client.get("/slow"))
        await client.get("/pid")
        server.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(0.8):
            with pytest.raises(httpx.ConnectError):
                while True:
                    async with httpx.AsyncClient() as other:
                        await other.get(server.url + "/pid")
        assert (await slow).text == "done"
    assert await server.ended() == (0, "")


async def test_a_view_that_will_not_end_is_left_behind(start: Start) -> None:
    server = await start("--patience", "1")
    async with httpx.AsyncClient(base_url=server.url) as client:
        stuck = asyncio.create_task(client.get("/stuck"))
        await client.get("/pid")
        status, logged, seconds = await server.stop()
        with pytest.raises(httpx.HTTPError):
            await stuck
    assert status == 0
    assert seconds < 4
    assert "Traceback" not in logged


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_second_signal_hurries(start: Start, workers: int) -> None:
    server = await start("--workers", str(workers))
    async with httpx.AsyncClient(base_url=server.url) as client:
        stuck = asyncio.create_task(client.get("/stuck"))
        await client.get("/pid")
        server.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(5):
            with pytest.raises(httpx.ConnectError):
                while True:
                    async with httpx.AsyncClient() as other:
                        await other.get(server.url + "/pid")
        await asyncio.sleep(stopping.ECHO_SECONDS)  # after which it is no echo of the first
        status, _, seconds = await server.stop(signal.SIGINT)
        with pytest.raises(httpx.HTTPError):
            await stuck
    assert status == 0
    assert seconds < 4  # of the eight that it would wait


@pytest.mark.parametrize("first", ["keeper", "workers"])
async def test_a_signal_to_all_processes_asks_once(start: Start, first: str) -> None:
    """As systemd stops a service by default; and the keeper passes on what it gets."""
    server = await start("--workers", "2")
    async with httpx.AsyncClient(base_url=server.url) as client:
        async with asyncio.timeout(30):
            while len(server.serving()) < 2:
                await asyncio.sleep(0.02)
        await client.get("/pid")
        slow = asyncio.create_task(client.get("/slow"))
        async with asyncio.timeout(5), httpx.AsyncClient() as other:
            await other.get(server.url + "/pid")
        family = [psutil.Process(server.process.pid), *server.serving()]
        for process in family if first == "keeper" else reversed(family):
            process.send_signal(signal.SIGTERM)
        assert (await slow).text == "done"
    assert (await server.ended())[0] == 0


async def test_the_echo_of_a_signal_hurries_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrapper that stops its whole group tells us twice."""
    monkeypatch.setattr(stopping, "_leave", lambda: None)  # the last resort would end this process
    monkeypatch.setattr(stopping, "ECHO_SECONDS", 60)
    stop = stopping.Stop(patience=0.0)
    stop.ask_again()
    stop.ask_again()
    assert stop.asked.is_set()
    assert not stop.hurried.is_set()
    monkeypatch.setattr(stopping, "ECHO_SECONDS", 0)
    stop.ask_again()
    assert stop.hurried.is_set()
