"""Several workers: one dies alone, none outlives its keeper, a broken one ends the attempt."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from websockets.asyncio.client import connect

from microblog.serving import place

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


def is_free(port: int) -> bool:
    """A process's last thread may close what it had open a little after its status is known."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


async def test_a_killed_worker_is_replaced_and_the_other_serves_on(start: Start) -> None:
    server = await start("--workers", "2")
    await until(lambda: len(server.workers()) == 2, 30)
    victim, other = server.workers()
    async with AsyncExitStack() as stack:
        client = await client_of(server.url, other.pid, stack)
        victim.send_signal(signal.SIGKILL)
        assert int((await client.get(server.url + "/pid")).text) == other.pid
    await until(lambda: {p.pid for p in server.workers()} - {victim.pid, other.pid} != set(), 30)
    assert other.pid in {process.pid for process in server.workers()}
    assert await pids_seen(server.url)
    status, logged, _ = await server.stop()
    assert status == 0
    assert "a worker ended (-9)" in logged


async def test_kills_in_a_row_are_answered_at_once_by_a_spare(start: Start) -> None:
    """T-69: the spare has everything loaded, so what takes its place is there before a start is."""
    server = await start("--workers", "2", "--spare")
    for _ in range(3):
        await until(lambda: len(server.serving()) == 2 and len(server.workers()) == 3, 30)
        serving = server.serving()
        (spare,) = set(server.workers()) - set(serving)
        serving[0].kill()
        await until(lambda: spare in server.serving(), 30)  # noqa: B023 - awaited here
        async with AsyncExitStack() as stack:
            await client_of(server.url, spare.pid, stack)
    workers = server.workers()
    assert (await server.stop())[0] == 0
    assert all(map(has_ended, workers))


async def test_a_spare_that_dies_is_replaced_before_it_is_needed(start: Start) -> None:
    server = await start("--workers", "2", "--spare")
    await until(lambda: len(server.serving()) == 2 and len(server.workers()) == 3, 30)
    serving = set(server.serving())
    (spare,) = set(server.workers()) - serving
    spare.kill()
    await until(lambda: len(set(server.workers()) - serving - {spare}) == 1, 30)
    assert set(server.serving()) == serving
    (spare,) = set(server.workers()) - serving
    serving.pop().kill()
    await until(lambda: spare in server.serving(), 30)
    status, logged, _ = await server.stop()
    assert status == 0
    assert "the spare worker ended (-9); starting another" in logged


def test_only_what_dies_before_it_is_of_use_has_to_wait_longer() -> None:
    pauses = [0.0]
    for _ in range(10):
        pauses.append(place.next_pause(pauses[-1]))
    assert pauses[1:4] == [0.1, 0.2, 0.4]
    assert pauses[-1] == 10.0


async def test_a_worker_that_keeps_dying_early_is_tried_again_until_it_serves(
    start: Start, tmp_path: Path
) -> None:
    """A status of 2 or 3 ends a start, never a service that has been well."""
    wrong = tmp_path / "wrong"
    server = await start("--workers", "2", "--fail", "3", "--fail-if", str(wrong))
    await until(lambda: len(server.serving()) == 2, 30)
    wrong.touch()
    for worker in server.serving():
        worker.kill()
    await until(lambda: not server.serving(), 30)
    wrong.unlink()
    await until(lambda: len(server.serving()) == 2, 30)
    assert await pids_seen(server.url, 1)
    assert (await server.stop())[0] == 0


async def test_workers_end_with_a_killed_keeper(start: Start) -> None:
    server = await start("--workers", "2")
    await until(lambda: len(server.workers()) == 2, 30)
    workers = server.workers()
    async with AsyncExitStack() as stack:
        for worker in workers:
            await client_of(server.url, worker.pid, stack)
        live = await stack.enter_async_context(connect(server.live, ping_interval=None))
        await live.recv()
        server.process.send_signal(signal.SIGKILL)
        await until(lambda: all(map(has_ended, workers)), 30)
    await until(lambda: is_free(server.port), 30)


@pytest.mark.parametrize("status", [2, 3])
async def test_workers_that_cannot_start_end_the_whole(start: Start, status: int) -> None:
    server = await start("--workers", "2", "--fail", str(status))
    assert (await server.ended())[0] == status


async def test_workers_share_one_socket(start: Start) -> None:
    server = await start("--workers", "2")
    await until(lambda: len(server.workers()) == 2, 30)
    assert await pids_seen(server.url) <= {process.pid for process in server.workers()}
    assert (await server.stop())[0] == 0
