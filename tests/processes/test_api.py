"""Programs in a crowd, on a server as it is without any settings of its operator's."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests import secrecy
from tests.processes.conftest import Start
from tests.processes.serving import PASSWORD, Server, people

CROWD = 50
KEY = {"Idempotency-Key": "once"}


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """The usual settings, but for allowances: this comes from one address, and from one person."""
    kept = ("DATABASE_URL", "SECRET_KEY", "MICROBLOG_SERVER_INSTANCE", "MICROBLOG_LIMITS_SCALE")
    return {name: environment[name] for name in kept}


async def at_once(server: Server, send: Callable[[httpx.AsyncClient, int], Any]) -> list[Any]:
    """The answers to all who ask over a connection of their own, none before all are open."""
    clients = [httpx.AsyncClient(base_url=server.url, timeout=60) for _ in range(CROWD)]
    try:
        await asyncio.gather(*(client.get("/livez") for client in clients))
        calls: list[Awaitable[Any]] = [send(client, n) for n, client in enumerate(clients)]
        return list(await asyncio.gather(*calls))
    finally:
        await asyncio.gather(*(client.aclose() for client in clients))


async def test_fifty_at_once(start: Start, password_hash: str, environment: dict[str, str]) -> None:
    """API-26, T-57: each gets an answer, nobody is sent away; one post, one account."""
    server = await start()
    await people(environment, password_hash, "susan")
    async with httpx.AsyncClient(base_url=server.url) as client:
        opened = await client.post("/api/tokens", auth=("susan", PASSWORD))
    secrecy.spoken(opened.json()["token"])
    headers = {"Authorization": f"Bearer {opened.json()['token']}"}

    told = await at_once(
        server,
        lambda client, _: client.post("/api/posts", json={"body": "x"}, headers=headers | KEY),
    )
    assert [answer.status_code for answer in told] == [201] * CROWD
    assert len({answer.text for answer in told}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in told) == CROWD - 1

    if not environment["DATABASE_URL"].startswith("sqlite"):
        return  # what comes now costs fifty hashes

    def newcomer(client: httpx.AsyncClient, number: int) -> Any:
        body = {"username": "new", "email": f"new{number}@example.com", "password": PASSWORD}
        return client.post("/api/users", json=body)

    told = await at_once(server, newcomer)
    assert sorted(answer.status_code for answer in told) == [201] + [400] * (CROWD - 1)
    words = {answer.json()["message"] for answer in told if answer.status_code == 400}
    assert words == {"please use a different username"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        assert len((await client.get("/api/posts")).json()["items"]) == 1
        assert (await client.get("/api/users")).json()["_meta"]["total_items"] == 2
    assert "Traceback" not in server.log
