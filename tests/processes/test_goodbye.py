"""SIGTERM with two hundred sockets open: everybody is told, and it is over in time."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from websockets.exceptions import WebSocketException

from tests.processes.conftest import Start
from tests.processes.serving import Member, close_code, people
from tests.processes.writing import Writers

SOCKETS = 200


@pytest.mark.parametrize("workers", [1, 2])
async def test_every_socket_is_told_1001(
    start: Start, environment: dict[str, str], password_hash: str, workers: int
) -> None:
    await people(environment, password_hash, "susan", "john")
    server = await start(workers=workers)
    async with AsyncExitStack() as stack:
        susan = await stack.enter_async_context(Member.logged_in(server, "susan"))
        sockets = [
            await stack.enter_async_context(susan.socket("?channels=explore"))
            for _ in range(SOCKETS)
        ]
        for socket in sockets:
            assert '"hello"' in str(await socket.recv())
        writers = await stack.enter_async_context(Writers.at(server, ["john"]))
        writing = asyncio.create_task(writers.write())
        await asyncio.wait_for(writers.reach(3), 20)
        codes = asyncio.gather(*(close_code(socket) for socket in sockets))
        status, seconds = await asyncio.to_thread(server.stop)
        assert await asyncio.wait_for(codes, 10) == [1001] * SOCKETS
        await asyncio.wait_for(writing, 20)
    assert status == 0
    assert seconds < 10
    assert "Traceback" not in server.log, server.log
    assert set(writers.statuses) <= {302, 303}


async def test_nobody_is_let_in_while_it_stops(
    start: Start, environment: dict[str, str], password_hash: str
) -> None:
    await people(environment, password_hash, "susan")
    server = await start(workers=1)
    async with Member.logged_in(server, "susan") as susan, susan.socket() as socket:
        assert await socket.recv()
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        assert await asyncio.wait_for(close_code(socket), 10) == 1001
        # Refused by the system, cut off in the handshake, or told 503: any way of not getting in.
        with pytest.raises((OSError, WebSocketException)):
            async with susan.socket(), asyncio.timeout(5):
                pass
        status, _ = await stopping
    assert (status, "Traceback" in server.log) == (0, False)
