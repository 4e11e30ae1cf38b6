"""What people are told: kept once a name, newer than before whatever the clocks do."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

from microblog.database import Database
from microblog.domain import events, notifications
from microblog.domain.actors import Actor
from microblog.models import Notification
from tests.domain.test_messages import people  # noqa: F401 (a fixture)


async def tell(database: Database, actor: Actor, name: str, data: Any) -> None:
    async with database.begin() as session:
        await notifications.notify(session, actor.id, name, data)


async def since(database: Database, actor: Actor, moment: float) -> list[notifications.Word]:
    async with database.reading() as session:
        return await notifications.since(session, actor, moment)


PAYLOADS = [0, 3.25, "Grüße \U0001f600 <b>", ["a", 1, None, True], {"progress": 40, "of": {}}, None]


@pytest.mark.parametrize("data", PAYLOADS, ids=lambda data: type(data).__name__)
async def test_any_payload_survives(database: Database, people, data: Any) -> None:  # noqa: F811
    """NOT-19: number, text, list, object, through the table and through the event."""
    await tell(database, people["susan"], "anything", data)
    (word,) = await since(database, people["susan"], 0)
    assert (word.name, word.data) == ("anything", data)
    async with database.reading() as session:
        (event,) = await events.after(session, 0, limit=9)
    assert event.payload == {"name": "anything", "data": data, "timestamp": word.timestamp}


async def test_strictly_newer_in_order_and_ones_own(database: Database, people) -> None:  # noqa: F811
    """NOT-05, NOT-06, NOT-07, NOT-08."""
    susan, john = people["susan"], people["john"]
    for name, data in (("a", 1), ("b", 1), ("a", 2), ("c", 1)):
        await tell(database, susan, name, data)
    await tell(database, john, "d", 1)
    words = await since(database, susan, 0)
    assert [(word.name, word.data) for word in words] == [("b", 1), ("a", 2), ("c", 1)]
    for number, word in enumerate(words):
        assert await since(database, susan, word.timestamp) == words[number + 1 :]
    assert await since(database, susan, float("nan")) == words
    assert await since(database, susan, float("inf")) == []
    assert await since(database, susan, float("-inf")) == words
    assert [word.name for word in await since(database, john, 0)] == ["d"]
    async with database.reading() as session:
        assert await notifications.find(session, susan, "d") is None
        assert await notifications.find(session, susan, "a") == words[1]


async def test_clocks_that_step_back_lose_nothing(database: Database, people, monkeypatch) -> None:  # noqa: F811
    """Latent fault 13: what is said later is newer, for a clock that stands still, too."""
    susan = people["susan"]
    now = time.time()
    moments = iter([now, now, now - 3600, now - 7200, now + 1])
    monkeypatch.setattr(notifications, "time", SimpleNamespace(time=lambda: next(moments)))
    heard = 0.0
    for number in range(5):
        await tell(database, susan, f"word {number % 2}", number)
        (word,) = await since(database, susan, heard)
        assert word.data == number
        assert word.timestamp > heard
        heard = word.timestamp
    assert heard == now + 1


async def test_words_at_once_leave_one_a_name(database: Database, people) -> None:  # noqa: F811
    susan = people["susan"]
    await asyncio.gather(*(tell(database, susan, f"name {n % 2}", n) for n in range(20)))
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Notification)) == 2
        log = await events.after(session, 0, limit=50)
    spoken = [event.payload["timestamp"] for event in log if event.payload]
    assert len(set(spoken)) == 20
