"""An event that many hear is told in several turns of the loop: to each once, whoever comes between."""

import asyncio
import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from microblog.live import telling
from tests.live.hearing import SECONDS, Town

AT_ONCE, EARS = 2, 5


class Turns:
    """Holds whoever lets others have a turn, until it is released."""

    def __init__(self) -> None:
        self.reached, self.released = asyncio.Event(), asyncio.Event()

    async def sleep(self, _seconds: float) -> None:
        self.reached.set()
        await self.released.wait()

    async def wait(self) -> None:
        async with asyncio.timeout(SECONDS):
            await self.reached.wait()


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Turns]:
    turns = Turns()
    monkeypatch.setattr(telling, "_AT_ONCE", AT_ONCE)
    monkeypatch.setattr(telling, "asyncio", SimpleNamespace(sleep=turns.sleep))
    yield turns
    turns.released.set()


async def crowd(town: Town) -> None:
    """All of them hear everything."""
    for _ in range(EARS):
        await (await town.listen("susan", "explore")).live()


async def test_who_joins_between_two_turns_hears_it_once(town: Town, turns: Turns) -> None:
    await crowd(town)
    before = town.hub.position
    # It came before the post, and catches up when half of the others have heard of that.
    late = await town.hub.admit(await town.log_in("mary"), "en", town.channels(["explore"]))
    first = await town.post("john")
    await turns.wait()
    async with asyncio.timeout(SECONDS):
        while sum(len(ear.posts) for ear in town.ears) < AT_ONCE:
            await asyncio.sleep(0)
    assert sum(len(ear.posts) for ear in town.ears) == AT_ONCE
    assert town.hub.position == before
    async with asyncio.timeout(SECONDS):
        caught_up = [json.loads(frame) async for frame in town.hub.catch_up(late, None)]
    assert late.live
    assert not turns.released.is_set()
    turns.released.set()
    second = await town.post("john")
    for ear in town.ears:
        await ear.hear_post(second)
        assert ear.posts == [first, second]
    live = json.loads(await late.outbox.get(SECONDS) or "")
    assert [frame["post"]["id"] for frame in (*caught_up, live)] == [first, second]
    assert not late.outbox.is_behind
    town.hub.leave(late)


async def test_a_hub_that_is_ended_in_between_finishes_its_sentence(
    town: Town, turns: Turns
) -> None:
    await crowd(town)
    first = await town.post("john")
    await turns.wait()
    newest = await town.newest()
    waiting = asyncio.create_task(town.hub.pass_by(newest))
    stopping = asyncio.create_task(town.hub.following.stop())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not stopping.done()
    turns.released.set()
    await stopping
    # It has dealt with that event, and says so to whoever waits for it.
    async with asyncio.timeout(SECONDS):
        await waiting
    assert town.hub.position == newest
    second = await town.post("john")
    town.hub.following.start()
    for ear in town.ears:
        await ear.hear_post(second)
        assert ear.posts == [first, second]
