"""One open socket without a network: what comes in is scripted, what goes out is kept."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from microblog.domain import follows
from microblog.web.live.feed import Feed, Guest
from tests.live.hearing import SECONDS, Town

MESSAGES = 3


class Line:
    """Both directions of one socket."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[dict[str, Any]] = []
        self.dead = False
        self._more = asyncio.Condition()

    async def send(self, message: dict[str, Any]) -> None:
        if self.dead:
            raise ConnectionResetError
        async with self._more:
            self.sent.append(message)
            self._more.notify_all()

    def say(self, text: str) -> None:
        self.incoming.put_nowait({"type": "websocket.receive", "text": text, "bytes": None})

    def wish(self, *channels: str) -> None:
        self.say(json.dumps({"type": "subscribe", "channels": channels}))

    async def hear(self, kind: str) -> dict[str, Any]:
        """Wait for the first frame of that kind."""
        async with asyncio.timeout(SECONDS), self._more:
            await self._more.wait_for(lambda: kind in [f["type"] for f in self.frames])
        return next(f for f in self.frames if f["type"] == kind)

    @property
    def frames(self) -> list[dict[str, Any]]:
        return [json.loads(m["text"]) for m in self.sent if m["type"] == "websocket.send"]

    @property
    def code(self) -> int | None:
        """What it was closed with by us."""
        return next((m["code"] for m in self.sent if m["type"] == "websocket.close"), None)


@pytest.fixture
async def line() -> Line:
    line = Line()
    line.incoming.put_nowait({"type": "websocket.connect"})
    return line


async def serve(town: Town, line: Line, *wishes: str) -> None:
    reads: frozenset[str] = frozenset()
    actor = await town.log_in("susan")
    guest = Guest(actor, None, wishes or ("explore",), "en", reads, MESSAGES)
    async with asyncio.timeout(SECONDS):
        await Feed(town.hub, town.database, line.incoming.get, line.send).serve(guest)
    assert town.hub.audience.of_person(actor.id) == ()


async def test_who_says_too_much_is_told_so(town: Town, line: Line) -> None:
    """T-60: the last message that is allowed still counts, the next one ends it."""
    serving = asyncio.create_task(serve(town, line))
    await line.hear("hello")
    for _ in range(MESSAGES - 1):
        line.wish("explore")
    line.wish("user:john")
    reader = next(iter(town.hub.audience))
    async with asyncio.timeout(SECONDS):
        while list(reader.channels.profiles.values()) != ["user:john"]:
            await asyncio.sleep(0.005)
    assert line.code is None
    line.wish("explore")
    await serving
    assert line.code == 1008


async def test_who_has_left_is_told_nothing(town: Town, line: Line) -> None:
    serving = asyncio.create_task(serve(town, line))
    await line.hear("hello")
    line.incoming.put_nowait({"type": "websocket.disconnect", "code": 1006})
    await serving
    assert [m["type"] for m in line.sent] == ["websocket.send"]


async def test_a_peer_that_takes_nothing_is_let_go(town: Town, line: Line) -> None:
    """T-62: and nobody else notices."""
    serving = asyncio.create_task(serve(town, line))
    other = await (await town.listen("mary", "explore")).live()
    await line.hear("hello")
    line.dead = True
    post_id = await town.post("john")
    await serving
    await other.hear_post(post_id)


async def test_without_a_database_it_is_to_try_again(
    town: Town, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_arguments: Any) -> Any:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(follows, "followed_ids", away)
    await serve(town, line)
    assert line.code == 1013
