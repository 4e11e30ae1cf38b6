"""Who asks for sockets again and again is refused before the handshake (THREATS T-60)."""

import gc
import json

import pytest
from quart import Quart
from quart.testing.connections import WebsocketResponseError
from quart.wrappers import Websocket

from microblog.domain.errors import TooManyRequests
from microblog.resources import Resources
from microblog.web.live.tries import Tries
from tests.cast import Browser, Cast
from tests.live.test_handshake import opened

SCALE = 2
OF_USER = 2
OF_ADDRESS = 4


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {
        "MICROBLOG_LIVE_HANDSHAKES_PER_USER": str(OF_USER),
        "MICROBLOG_LIVE_HANDSHAKES_PER_ADDRESS": str(OF_ADDRESS),
        "MICROBLOG_LIMITS_SCALE": str(SCALE),
    }


async def test_a_person_s_tries_are_counted(cast: Cast) -> None:
    """Times the operator's scale; others from the same address still get in."""
    susan, john = cast.susan.browser, cast.john.browser
    statuses = [await opened(susan) for _ in range(SCALE * OF_USER + 1)]
    assert statuses == [101] * SCALE * OF_USER + [429]
    with pytest.raises(WebsocketResponseError) as refusal:
        async with susan.client.websocket("/live") as socket:
            await socket.receive()
    assert int(refusal.value.response.headers["Retry-After"]) >= 1
    assert await opened(john) == 101


async def test_an_address_s_tries_are_counted(app: Quart, cast: Cast) -> None:
    """Also those of strangers; a page of another site, which a person opens unawares, is not."""
    stranger = Browser(app)
    assert await opened(cast.susan.browser, Origin="http://evil.example") == 403
    tries = SCALE * OF_ADDRESS
    assert [await opened(stranger) for _ in range(tries)] == [401] * tries
    assert await opened(stranger) == 429
    assert await opened(cast.susan.browser) == 429


def test_each_process_gives_its_part() -> None:
    """And it comes back with time, whatever the clock on the wall says."""
    tries = Tries(workers=3)
    for _ in range(2):
        tries.spend("somebody", 4, 0.2)
    with pytest.raises(TooManyRequests) as refusal:
        tries.spend("somebody", 4, 0.2)
    tries.spend("somebody else", 4, 0.2)
    assert 0 < refusal.value.exactly <= 0.1


def test_what_is_remembered_is_bounded() -> None:
    tries = Tries(workers=1)
    for number in range(25_000):
        tries.spend(f"address {number}", 1, 60)
    assert len(tries._arrivals) <= 10_000


def _handshakes() -> list[Websocket]:
    gc.collect()
    return [thing for thing in gc.get_objects() if isinstance(thing, Websocket)]


async def test_an_open_socket_holds_nothing_of_its_handshake(
    cast: Cast, resources: Resources
) -> None:
    async with cast.susan.browser.client.websocket("/live") as first:
        # A connection to the database that is opened meanwhile may hold the first one's context.
        assert json.loads(await first.receive())["type"] == "hello"
        before = _handshakes()
        async with cast.susan.browser.client.websocket("/live") as socket:
            assert json.loads(await socket.receive())["type"] == "hello"
            assert [one for one in _handshakes() if one not in before] == []
        assert resources.hub.sockets.total() == 1
