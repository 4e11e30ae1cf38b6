"""Several workers: one dies alone, none outlives its keeper, a broken one ends the attempt."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import psutil
import pytest
from websockets.asyncio.client import connect

Start = Callable[..., Awaitable[Any]]


async def pids_seen(url: str, number: int = 30) -> set[int]:
    seen = set()
    for _ in range(number):
        async with httpx.AsyncClient() as client:
            seen.add(int((await client.get(url + "/pid")).text))
    return seen


async def client_of(url: str, pid: int, stack: AsyncExitStack) -> httpx.AsyncClient:
    """A client whose kept connection ends at that worker."""
    while True:
        client = await stack.enter_async_context(httpx.AsyncClient())
        if int((await client.get(url + "/pid")).text) == pid:
            return client


async def until(condition: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def has_ended(process: psutil.Process) -> bool:
    """Also when whoever inherited it has not asked for its status yet."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


async def test_a_killed_worker_is_replaced_and_the_other_serves_on(start: Start) -> None:
    server = await start("--workers", "2")
    await until(lambda: len(server.workers()) == 2, 5)
    victim, other = server.workers()
    async with AsyncExitStack() as stack:
        client = await client_of(server.url, other.pid, stack)
        victim.send_signal(signal.SIGKILL)
        assert int((await client.get(server.url + "/pid")).text) == other.pid
    await until(lambda: {p.pid for p in server.workers()} - {victim.pid, other.pid} != set(), 2)
    assert other.pid in {process.pid for process in server.workers()}
    assert await pids_seen(server.url)
    status, logged, _ = await server.stop()
    assert status == 0
    assert "a worker ended (-9)" in logged


async def test_workers_end_with_a_killed_keeper(start: Start) -> None:
    server = await start("--workers", "2")
    await until(lambda: len(server.workers()) == 2, 5)
    workers = server.workers()
    async with AsyncExitStack() as stack:
        for worker in workers:
            await client_of(server.url, worker.pid, stack)
        live = await stack.enter_async_context(connect(server.live, ping_interval=None))
        await live.recv()
        server.process.send_signal(signal.SIGKILL)
        await until(lambda: all(map(has_ended, workers)), 2)
    with socket.create_server(("127.0.0.1", server.port)):
        pass


@pytest.mark.parametrize("status", [2, 3])
async def test_workers_that_cannot_start_end_the_whole(start: Start, status: int) -> None:
    server = await start("--workers", "2", "--fail", str(status))
    assert (await server.ended())[0] == status


async def test_workers_share_one_socket(start: Start) -> None:
    server = await start("--workers", "2")
    await until(lambda: len(server.workers()) == 2, 5)
    assert await pids_seen(server.url) <= {process.pid for process in server.workers()}
    assert (await server.stop())[0] == 0
