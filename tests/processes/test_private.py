"""Notifications over real sockets and several processes: at once, once, and to the right person."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.processes.conftest import Start
from tests.processes.serving import Member, Server, people


async def next_words(socket, number: int) -> list[dict]:
    """That many notifications, whatever else comes."""
    words: list[dict] = []
    async with asyncio.timeout(20):
        while len(words) < number:
            frame = json.loads(await socket.recv())
            if frame["type"] == "notification":
                words.append(frame)
    return words


async def test_a_message_reaches_the_recipient_wherever_they_are(
    start: Start, environment: dict[str, str], password_hash: str
) -> None:
    """NOT-13, NOT-16, NOT-17: sixteen sockets over two processes hear it within a second."""
    await people(environment, password_hash, "susan", "john", "mary")
    server = await start(workers=2)
    async with AsyncExitStack() as stack:
        susan, john, mary = [
            await stack.enter_async_context(Member.logged_in(server, name))
            for name in ("susan", "john", "mary")
        ]
        hers = [
            await stack.enter_async_context(susan.socket("?channels=notifications"))
            for _ in range(16)
        ]
        foreign = await stack.enter_async_context(mary.socket("?channels=user:susan,explore"))
        for socket in (*hers, foreign):
            assert json.loads(await socket.recv())["type"] == "hello"
        for number in (1, 2):
            began = asyncio.get_running_loop().time()
            answer = await john.send("/send_message/susan", message="hello")
            assert answer.headers["Location"] == "/user/susan"
            heard = [(await next_words(socket, 1))[0] for socket in hers]
            assert asyncio.get_running_loop().time() - began < 1
            assert {word["data"] for word in heard} == {number}
        # Reading in one place is heard in all the others.
        assert (await susan.client.get("/messages")).status_code == 200
        assert {(await next_words(socket, 1))[0]["data"] for socket in hers} == {0}
        async with susan.socket(f"?channels=notifications&since={heard[0]['seq']}") as again:
            assert [word["data"] for word in await next_words(again, 1)] == [0]
        await mary.publish("the end")
        frame = json.loads(await foreign.recv())
        assert (frame["type"], frame["post"]["body"]) == ("post.created", "the end")


async def refused(server: Server, headers: dict[str, str]) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(f"{server.live}?channels=notifications", additional_headers=headers):
            pass
    return refusal.value.response.status_code


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_is_not_let_in(
    start: Start, environment: dict[str, str], password_hash: str
) -> None:
    """NOT-15, NOT-07: nobody in particular, and a page of another host with susan's cookie."""
    await people(environment, password_hash, "susan")
    server = await start(workers=1)
    async with Member.logged_in(server, "susan") as susan:
        assert await refused(server, {}) == 401
        assert await refused(server, {"Cookie": "microblog_login=forged"}) == 401
        for origin in ("https://evil.example", "null"):
            assert await refused(server, {"Cookie": susan.cookie, "Origin": origin}) == 403
