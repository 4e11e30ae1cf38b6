"""SIGHUP: every worker is replaced, one after the other, and no client notices."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.serving.test_stopping import close_code
from tests.serving.test_supervising import client_of, until

Start = Callable[..., Awaitable[Any]]


def pids(server: Any) -> set[int]:
    return {process.pid for process in server.serving()}


class Visitors:
    """Requests one after the other: on kept connections, and each on its own. All must succeed."""

    def __init__(self, url: str) -> None:
        self.served_by: set[int] = set()
        self._url = url + "/pid"
        self._over = asyncio.Event()

    async def stay(self, pause: float) -> None:
        async with httpx.AsyncClient() as client:
            while not self._over.is_set():
                await self._visit(client)
                await asyncio.sleep(pause)

    async def come_and_go(self) -> None:
        while not self._over.is_set():
            async with httpx.AsyncClient() as client:
                await self._visit(client)

    async def _visit(self, client: httpx.AsyncClient) -> None:
        self.served_by.add(int((await client.post(self._url)).raise_for_status().text))

    def leave(self) -> None:
        self._over.set()


async def test_no_request_fails_while_all_are_replaced(start: Start) -> None:
    """T-78: further signals during a round are one more after it, never two at a time."""
    server = await start("--workers", "2")
    await until(lambda: len(pids(server)) == 2, 30)
    begun = pids(server)
    visitors = Visitors(server.url)
    visits = asyncio.gather(
        *(visitors.stay(pause) for pause in (0, 0, 0.01, 0.1, 0.3)), visitors.come_and_go()
    )
    met: set[int] = set()
    most = 0

    def two_rounds_are_over() -> bool:
        nonlocal most
        most = max(most, len(server.workers()))
        met.update(pids(server))
        assert not visits.done()
        return len(met) == 6 and len(server.workers()) == 2

    server.process.send_signal(signal.SIGHUP)
    await until(lambda: len(server.workers()) == 3, 30)
    for _ in range(2):
        server.process.send_signal(signal.SIGHUP)
    await until(two_rounds_are_over, 90)
    visitors.leave()
    await visits
    assert len(met) == 6
    assert not begun & pids(server)
    assert visitors.served_by <= met
    assert most == 3
    status, logged, _ = await server.stop()
    assert (status, logged) == (0, "")


async def test_what_is_under_way_on_a_worker_that_leaves(start: Start) -> None:
    """T-78: a request is finished, a kept connection gets a last answer, a socket is told 1001."""
    server = await start("--workers", "2")
    await until(lambda: len(pids(server)) == 2, 30)
    old = server.serving()[0].pid
    async with AsyncExitStack() as stack:
        slow = await client_of(server.url, old, stack)
        kept = await client_of(server.url, old, stack)
        lives = [await stack.enter_async_context(connect(server.live)) for _ in range(8)]
        for live in lives:
            await live.recv()
        codes = asyncio.gather(*(close_code(live) for live in lives))
        under_way: asyncio.Task[httpx.Response] | None = None
        server.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(20):
            while True:
                answer = await kept.get(server.url + "/pid")
                if answer.headers.get("connection") == "close":
                    break
                if under_way is None or under_way.done():
                    under_way = asyncio.create_task(slow.get(server.url + "/slow"))
        assert int(answer.text) == old
        assert under_way is not None
        assert (await under_way).text == "done"
        assert int((await kept.get(server.url + "/pid")).text) != old
        assert await codes == [1001] * len(lives)
    assert (await server.stop())[0] == 0


async def test_where_no_new_worker_comes_up_the_old_ones_go_on(
    start: Start, tmp_path: Path
) -> None:
    """Settings that are wrong by now do not end a service that was well."""
    wrong = tmp_path / "wrong"
    server = await start("--workers", "2", "--fail", "2", "--fail-if", str(wrong))
    await until(lambda: len(pids(server)) == 2, 30)
    begun = pids(server)
    wrong.touch()
    server.process.send_signal(signal.SIGHUP)
    await until(lambda: len(server.workers()) == 3, 30)
    await until(lambda: len(server.workers()) == 2, 30)
    assert pids(server) == begun
    wrong.unlink()
    server.process.send_signal(signal.SIGHUP)
    await until(lambda: not begun & pids(server) and len(server.workers()) == 2, 30)
    status, logged, _ = await server.stop()
    assert status == 0
    assert logged.strip() == "a new worker did not come up; those that are there go on"


async def test_a_process_alone_takes_no_harm(start: Start) -> None:
    server = await start()
    server.process.send_signal(signal.SIGHUP)
    async with httpx.AsyncClient() as client:
        assert (await client.get(server.url + "/pid")).text == str(server.process.pid)
    status, logged, _ = await server.stop()
    assert status == 0
    assert "SIGHUP: a process alone cannot be replaced" in logged


@pytest.mark.parametrize("workers", [1, 2])
async def test_the_end_of_its_terminal_is_the_end(start: Start, workers: int) -> None:
    """Who closes the window wants the port back, not new workers."""
    ours, theirs = os.openpty()
    server = await start("--workers", str(workers), stdin=theirs)
    os.close(theirs)
    server.process.send_signal(signal.SIGHUP)
    async with httpx.AsyncClient() as client:
        assert (await client.get(server.url + "/pid")).status_code == 200
    os.close(ours)
    assert (await server.stop(signal.SIGHUP))[0] == 0
