"""A worker whose loop stands still is replaced, and nobody stays behind to keep the port."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import psutil
import pytest

from tests.serving.test_supervising import client_of, has_ended, is_free, until

Start = Callable[..., Awaitable[Any]]


async def block(url: str, pid: int, stack: AsyncExitStack) -> None:
    """Have that process's loop stand still."""
    client = await client_of(url, pid, stack)
    other = await client_of(url, pid, stack)
    stack.callback(asyncio.create_task(client.post(url + "/block", timeout=60)).cancel)
    with pytest.raises(httpx.ReadTimeout):
        while True:
            await other.get(url + "/pid", timeout=0.3)


@pytest.mark.parametrize("how", ["blocked", "stopped"])
async def test_a_stalled_worker_is_replaced_and_the_other_serves_on(start: Start, how: str) -> None:
    """T-80: the log says where it stood still, if it can still be asked."""
    server = await start("--workers", "2", "--stall", "2", "--spare")
    await until(lambda: len(server.serving()) == 2, 30)
    victim, other = server.serving()
    async with AsyncExitStack() as stack:
        kept = await client_of(server.url, other.pid, stack)
        if how == "blocked":
            await block(server.url, victim.pid, stack)
        else:
            await client_of(server.url, victim.pid, stack)
            victim.send_signal(signal.SIGSTOP)
        await until(lambda: has_ended(victim), 30)
        await until(lambda: len(server.serving()) == 2, 30)
        assert int((await kept.get(server.url + "/pid")).text) == other.pid
    status, logged, _ = await server.stop()
    assert status == 0
    assert "a worker has stalled for 2 s" in logged
    if how == "blocked":
        assert "a worker ended (-6)" in logged
        assert "in block" in logged
    else:
        assert "a worker ended (-9)" in logged


async def test_a_stalled_process_alone_ends_so_that_it_can_be_started_again(start: Start) -> None:
    server = await start("--stall", "2")
    async with AsyncExitStack() as stack:
        await block(server.url, server.process.pid, stack)
        status, logged = await server.ended()
    assert status == 1
    assert "the event loop has stalled" in logged
    assert "in block" in logged


async def test_a_pause_of_the_whole_machine_is_no_stall(start: Start) -> None:
    """What the keeper has slept through itself is not held against the workers."""
    server = await start("--workers", "2", "--stall", "2")
    await until(lambda: len(server.serving()) == 2, 30)
    everybody = [psutil.Process(server.process.pid), *server.serving()]
    for process in everybody:
        process.suspend()
    await asyncio.sleep(2.5)  # longer than a stall may be
    for process in everybody:
        process.resume()
    async with AsyncExitStack() as stack:
        for process in everybody[1:]:
            await client_of(server.url, process.pid, stack)
    assert server.serving() == everybody[1:]
    status, logged, _ = await server.stop()
    assert (status, logged) == (0, "")


async def test_even_stalled_workers_end_with_a_killed_keeper(start: Start) -> None:
    """S2: one that is blocked and one that is stopped; the port is free at once."""
    server = await start("--workers", "2")
    await until(lambda: len(server.serving()) == 2, 30)
    workers = server.serving()
    async with AsyncExitStack() as stack:
        await block(server.url, workers[0].pid, stack)
        workers[1].send_signal(signal.SIGSTOP)
        server.process.send_signal(signal.SIGKILL)
        await until(lambda: all(map(has_ended, workers)), 30)
    await until(lambda: is_free(server.port), 30)
