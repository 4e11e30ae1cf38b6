"""A whole service with a search engine beside it: several processes, and commands meanwhile."""

import asyncio
import re
from collections.abc import Callable, Iterator

import pytest

from tests.engines import ElasticServer, elasticsearch
from tests.processes.conftest import Start
from tests.processes.serving import Member, people


@pytest.fixture
def engine() -> Iterator[ElasticServer]:
    with elasticsearch() as engine:
        yield engine


@pytest.fixture
def environment(environment: dict[str, str], engine: ElasticServer) -> dict[str, str]:
    return {**environment, "ELASTICSEARCH_URL": engine.url}


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


async def test_every_process_tells_the_engine(
    start: Start, environment: dict[str, str], password_hash: str, engine: ElasticServer
) -> None:
    """SEA-11, SEA-16, SEA-18: written in any process, told by one; also when the server comes back."""
    await people(environment, password_hash, "susan")
    server = await start(workers=2)
    async with Member.logged_in(server, "susan") as susan:
        await until(lambda: engine.aliases)
        for number in range(10):
            await susan.publish(f"post number {number}")
        await until(lambda: len(engine.posts) == 10)
        (old,) = engine.indexes
        said = await asyncio.to_thread(server.command, "search", "reindex")
        assert said.stdout.endswith("The index holds 10 posts.\n")
        (new,) = engine.indexes
        assert new != old
        engine.stop()
        await susan.publish("post while it is away")
        found = await susan.client.get("/search?q=post&page=1")
        assert len(re.findall(r'<article class="post"', found.text)) == 11
    assert server.stop()[0] == 0
    assert "Traceback" not in server.log
    engine.start()
    await start()
    await until(lambda: len(engine.posts) == 11)
    assert engine.indexes.keys() == {new}
