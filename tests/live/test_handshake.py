"""Before the handshake: whose socket this may be, and whether there is room for it."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from quart import Quart
from quart.testing.connections import WebsocketResponseError

from microblog.resources import Resources
from tests.cast import PASSWORD, Browser, enrol

BASE = "https://good.example"
ROOM = 2


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    # The operator's scale counts for this limit as for all others.
    room = {"MICROBLOG_LIVE_CONNECTIONS_TOTAL": "1", "MICROBLOG_LIMITS_SCALE": str(ROOM)}
    return environment | room


@pytest.fixture
async def anna(app: Quart, resources: Resources) -> Browser:
    await enrol(resources, "anna", await resources.hasher.hash(PASSWORD))
    browser = Browser(app)
    assert (await browser.log_in("anna")).status_code in (302, 303)
    return browser


async def opened(browser: Browser, **headers: str) -> int:
    """101, or the status of the refusal."""
    try:
        async with browser.client.websocket("/live", headers=headers) as socket:
            assert json.loads(await socket.receive())["type"] == "hello"
            await settled(browser)
            return 101
    except WebsocketResponseError as refusal:
        return int(refusal.response.status_code)


async def settled(browser: Browser) -> None:
    """Wait until every reader has caught up: who leaves earlier costs the pool a connection."""
    resources: Resources = browser.client.app.extensions["microblog"]
    async with asyncio.timeout(10):
        while not all(reader.live for reader in resources.hub.audience):
            await asyncio.sleep(0.005)


async def test_without_an_origin_a_program_may_come(anna: Browser) -> None:
    assert await opened(anna) == 101


async def test_the_request_s_own_host_is_the_origin(anna: Browser) -> None:
    assert await opened(anna, Origin="http://localhost") == 101
    assert await opened(anna, Origin="http://localhost:1") == 403


async def test_with_a_public_address_only_that_is_the_origin(app: Quart, anna: Browser) -> None:
    app.config["BASE_URL"] = BASE
    assert await opened(anna, Origin=BASE) == 101
    foreign = (
        "null",
        "http://localhost",
        "http://good.example",
        "https://good.example:444",
        "https://good.example.evil",
        "https://evil.good.example",
        "https://evilgood.example",
        "https://good.example/",
        "HTTPS://GOOD.EXAMPLE",
        "https://u@good.example",
        "good.example",
        "",
    )
    for origin in foreign:
        assert await opened(anna, Origin=origin) == 403, origin


async def test_a_stranger_is_refused(app: Quart, resources: Resources) -> None:
    stranger = Browser(app)
    assert await opened(stranger) == 401
    assert await opened(stranger, Origin="http://evil.example") == 403
    assert len(resources.hub.audience) == 0


async def test_a_full_house_is_503(anna: Browser, resources: Resources) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(ROOM):
            socket = await stack.enter_async_context(anna.client.websocket("/live"))
            assert await socket.receive()
        await settled(anna)
        assert await opened(anna) == 503
    assert resources.hub.sockets.total() == 0
    assert await opened(anna) == 101


async def test_while_stopping_no_refusal_but_an_end(anna: Browser, resources: Resources) -> None:
    """A page is told by a close frame to come again; a refused handshake tells it nothing."""
    resources.hub.closing = True
    async with anna.client.websocket("/live") as socket, asyncio.timeout(10):
        await asyncio.shield(socket._task)
        assert socket.accepted
    assert resources.hub.sockets.total() == 0


async def test_nothing_is_left_behind(anna: Browser, resources: Resources) -> None:
    for _ in range(5):
        assert await opened(anna) == 101
    assert dict(resources.hub.sockets) == {}
    assert len(resources.hub.audience) == 0
