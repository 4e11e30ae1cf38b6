"""What comes with the program is set aside from the collector, and nothing else is."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

from microblog.serving import garbage

PATIENCE = 10.0


class Ring:
    """Only the collector can free it."""

    def __init__(self) -> None:
        self.self = self


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    usual = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*usual)


async def test_twice_set_aside_and_then_never_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "SETTLED_SECONDS", 0.01)
    assert gc.get_freeze_count() == 0
    garbage.settle()
    assert gc.get_threshold() == garbage.THRESHOLDS
    first = gc.get_freeze_count()
    assert first > 10_000
    loaded_later = [Ring() for _ in range(1_000)]
    async with asyncio.timeout(PATIENCE):
        while gc.get_freeze_count() < first + len(loaded_later):
            await asyncio.sleep(0.01)
    assert all(ring not in gc.get_objects() for ring in loaded_later[:3])
    ring = Ring()
    gone = weakref.ref(ring)
    del ring
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_every_serving_process_sets_aside(
    start: Callable[..., Awaitable[Any]], workers: str
) -> None:
    server = await start("--workers", workers)
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert int((await client.get("/frozen")).raise_for_status().text) > 10_000
