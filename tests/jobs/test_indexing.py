"""The search engine is told what becomes of posts: all of it, in order, and nothing else."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from microblog.adapters.search_engine import SearchEngine
from microblog.adapters.search_engine.elastic import Elasticsearch
from microblog.database import Database
from microblog.domain import messages, posts, tasks, users
from microblog.domain.actors import Actor
from microblog.domain.search import outbox
from microblog.domain.search.entries import Entry, Question
from microblog.domain.search.query import parse
from microblog.domain.tasks import Lost
from microblog.jobs import indexing
from microblog.jobs.indexing import Indexing, reindex
from microblog.jobs.job import Handler
from microblog.jobs.runner import Runner
from microblog.models import utc_now
from microblog.settings import Settings
from tests.engines import ElasticServer, MemoryEngine, elasticsearch

PATIENCE = 20


@pytest.fixture
def server() -> Iterator[ElasticServer]:
    with elasticsearch() as server:
        yield server


@pytest.fixture
async def elastic(server: ElasticServer) -> AsyncIterator[Elasticsearch]:
    engine = Elasticsearch(server.url)
    yield engine
    await engine.close()


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """As in a service with an engine."""
    database = Database(settings.database_url, settings.database, has_search_engine=True)
    yield database
    await database.close()


@pytest.fixture
async def susan(database: Database) -> Actor:
    return await enrol(database, "susan")


async def enrol(database: Database, name: str) -> Actor:
    async with database.begin() as session:
        user = await users.register(session, name, f"{name}@example.com", None)
        return Actor(user.id, user.username)


async def publish(database: Database, actor: Actor, *bodies: str) -> list[int]:
    async with database.begin() as session:
        return [(await posts.publish(session, actor, body, length=500)).id for body in bodies]


async def edit(database: Database, actor: Actor, post_id: int, body: str) -> None:
    async with database.begin() as session:
        await posts.edit(session, actor, post_id, body, length=500)


async def remove(database: Database, actor: Actor, post_id: int) -> None:
    async with database.begin() as session:
        await posts.remove(session, actor, post_id)


@asynccontextmanager
async def telling(database: Database, engine: SearchEngine) -> AsyncIterator[Runner]:
    """A runner that does nothing else."""
    async with database.begin() as session:
        await tasks.repeat(session, tasks.INDEX_POSTS, due_at=utc_now())
    teller = Indexing(engine, look_seconds=0.05, pauses=(0.05,))
    handler = Handler(teller.run, lane="index", patience=timedelta(days=1), hurries=True)
    runner = Runner(database, {tasks.INDEX_POSTS: handler}, {"index": 1}, look_seconds=0.05)
    database.on_promise(outbox.NOTED, teller.wake)
    runner.start()
    try:
        yield runner
    finally:
        await runner.stop()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


async def noted(database: Database) -> int:
    async with database.reading() as session:
        return await outbox.length(session)


async def none_noted(database: Database) -> None:
    async with asyncio.timeout(PATIENCE):
        while await noted(database):
            await asyncio.sleep(0.01)


@pytest.fixture(params=["elasticsearch", "memory"])
def any_engine(request: pytest.FixtureRequest) -> tuple[SearchEngine, Any]:
    """An engine, and whoever knows what it has been told."""
    if request.param == "memory":
        engine = MemoryEngine()
        return engine, engine
    return request.getfixturevalue("elastic"), request.getfixturevalue("server")


async def test_what_becomes_of_posts(
    database: Database, susan: Actor, any_engine: tuple[SearchEngine, Any]
) -> None:
    """SEA-11, SEA-12, SEA-13, SEA-18, SEA-21: written, changed, taken back, gone with an account."""
    engine, kept = any_engine
    john = await enrol(database, "john")
    (first,) = await publish(database, susan, "written before there was an engine")
    async with database.begin() as session:
        await outbox.clear(session, await outbox.oldest(session, limit=10))
    async with telling(database, engine):
        # A new engine knows nothing: it is told everything, without being asked to.
        await until(lambda: kept.posts == {first: "written before there was an engine"})
        second, third = await publish(database, susan, "second", "third")
        await publish(database, john, "fourth", "fifth")
        await edit(database, susan, second, "changed")
        await edit(database, susan, second, "changed again")
        await remove(database, susan, third)
        await until(lambda: len(kept.posts) == 4)
        async with database.begin() as session:
            await users.close(session, await users.by_id(session, john.id))
        await none_noted(database)
    assert kept.posts == {
        first: "written before there was an engine",
        second: "changed again",
    }
    question = Question(parse("changed"), (), 0, 10)
    assert (await engine.find(question)).post_ids == (second,)


async def test_what_never_was_and_what_is_none_of_its_business(
    database: Database, susan: Actor, server: ElasticServer, elastic: Elasticsearch
) -> None:
    """SEA-14, SEA-15, SEA-19: rolled back, flushed early, people and their messages."""
    john = await enrol(database, "john")
    async with telling(database, elastic):
        with pytest.raises(RuntimeError):
            async with database.begin() as session:
                await posts.publish(session, susan, "never said", length=500)
                await session.flush()
                raise RuntimeError
        async with database.begin() as session:
            post = await posts.publish(session, susan, "flushed early", length=500)
            await session.flush()
            await users.by_id(session, susan.id)
            await posts.edit(session, susan, post.id, "flushed early, then edited", length=500)
        await until(lambda: server.posts == {post.id: "flushed early, then edited"})
        await none_noted(database)
        asked = len(server.requests)
        async with database.begin() as session:
            await messages.send(session, john, susan, "between us", length=500)
            await users.by_id(session, susan.id)
        await enrol(database, "mary")
        # Whatever had been noted would come before this one.
        (last,) = await publish(database, susan, "the end")
        await until(lambda: last in server.posts)
    told = [
        line for _, path, lines in server.requests[asked:] if path == "/_bulk" for line in lines
    ]
    assert [line["index"]["_id"] for line in told if "index" in line] == [str(last)]
    assert "never said" not in str(server.requests)
    assert "between us" not in str(server.requests)


async def test_an_engine_that_is_down(
    database: Database,
    susan: Actor,
    server: ElasticServer,
    elastic: Elasticsearch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """SEA-16: posting works, the log says so, and what was missed arrives; also after a restart."""
    async with telling(database, elastic):
        (first,) = await publish(database, susan, "before")
        await until(lambda: first in server.posts)
        server.stop()
        (second,) = await publish(database, susan, "meanwhile")
        await edit(database, susan, first, "changed meanwhile")
        await until(lambda: "the search engine is told nothing" in caplog.text)
        assert await noted(database) == 2
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    server.start()
    async with telling(database, elastic):
        await until(lambda: server.posts == {first: "changed meanwhile", second: "meanwhile"})
        for server.status in (503, 429, 401):
            asked = len(server.requests)
            await publish(database, susan, f"while it says {server.status}")
            await until(lambda: len(server.requests) > asked + 2)  # noqa: B023
        assert len(server.posts) == 2
        server.status = 200
        await until(lambda: len(server.posts) == 5)
        # The whole index is lost: it is made anew as soon as there is something to tell.
        server.indexes.clear()
        server.aliases.clear()
        await publish(database, susan, "after the fire")
        await until(lambda: len(server.posts) == 6)
        await none_noted(database)


async def test_many_at_once_and_several_tellers(
    database: Database,
    settings: Settings,
    susan: Actor,
    server: ElasticServer,
    elastic: Elasticsearch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """JOB-23: in portions, by one of them at a time; whoever has it gives it back when it stops."""
    monkeypatch.setattr(indexing, "AT_ONCE", 7)
    elsewhere = Database(settings.database_url, settings.database, has_search_engine=True)
    first = await publish(database, susan, *(f"post {n}" for n in range(20)))
    async with telling(elsewhere, elastic):
        async with telling(database, elastic):
            ids = first + await publish(database, susan, *(f"post {n}" for n in range(20, 40)))
            for number in ids[::3]:
                await edit(elsewhere, susan, number, "edited")
            for number in ids[1::3]:
                await remove(database, susan, number)
            await none_noted(database)
        (last,) = await publish(database, susan, "and on it goes")
        await until(lambda: last in server.posts)
    await elsewhere.close()
    kept = {number: f"post {n}" for n, number in enumerate(ids)}
    kept |= dict.fromkeys(ids[::3], "edited")
    assert server.posts == {n: b for n, b in kept.items() if n not in ids[1::3]} | {
        last: "and on it goes"
    }
    for _, path, lines in server.requests:
        assert path != "/_bulk" or sum("terms" in line for line in lines) <= 7


class Interrupted(MemoryEngine):
    """An engine during whose renewal people go on writing."""

    def __init__(self, meanwhile: Callable[[int], object]) -> None:
        super().__init__()
        self.meanwhile = meanwhile
        self.writes = 0

    async def write(
        self, indexes: Sequence[str], entries: Sequence[Entry], gone: Collection[int], *, as_of: int
    ) -> None:
        self.writes += 1
        await self.meanwhile(self.writes)  # type: ignore[misc]
        await super().write(indexes, entries, gone, as_of=as_of)


async def test_a_new_index_beside_the_old_one(
    database: Database, susan: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SEA-18: nothing is missed that happens meanwhile, stale documents go, and no gap is seen."""
    monkeypatch.setattr(indexing, "AT_ONCE", 4)
    ids = await publish(database, susan, *(f"post {n}" for n in range(12)))
    seen = []

    async def meanwhile(writes: int) -> None:
        seen.append((await engine.find(Question(parse("post"), (), 0, 100))).total)
        if writes == 1:  # read already, not yet told: an edit and a removal
            await edit(database, susan, ids[0], "post changed")
            await remove(database, susan, ids[1])
        elif writes == 3:  # not yet read
            await edit(database, susan, ids[-1], "post changed, too")
            await remove(database, susan, ids[-2])
            await publish(database, susan, "post: a new one")

    engine = Interrupted(meanwhile)
    stale = Entry(999, "post of long ago", susan.id, "en", utc_now())
    engine.indexes["old"] = {999: stale}
    engine.answering = "old"
    progress: list[int] = []
    await reindex(database, engine, progress.append)
    assert sum(progress) >= 11
    assert min(seen) >= 1
    assert engine.answering != "old"
    async with telling(database, engine):
        await none_noted(database)
    kept = {number: f"post {n}" for n, number in enumerate(ids)}
    kept |= {ids[0]: "post changed", ids[-1]: "post changed, too"}
    kept |= {ids[-1] + 1: "post: a new one"}
    assert engine.posts == {n: b for n, b in kept.items() if n not in (ids[1], ids[-2])}


async def test_a_new_index_while_another_one_is_telling(
    database: Database,
    settings: Settings,
    susan: Actor,
    server: ElasticServer,
    elastic: Elasticsearch,
) -> None:
    """SEA-18: the teller steps back, and goes on with the new index; posting never waits."""
    elsewhere = Database(settings.database_url, settings.database, has_search_engine=True)
    async with telling(elsewhere, elastic):
        ids = await publish(database, susan, "one", "two")
        await until(lambda: len(server.posts) == 2)
        (old,) = server.indexes
        server.indexes[old].docs["77"] = {"body": "nobody knows where this comes from"}
        await reindex(database, elastic, lambda _count: None)
        (new,) = server.indexes
        assert new != old
        assert server.posts == dict(zip(ids, ["one", "two"], strict=True))
        (third,) = await publish(database, susan, "three")
        await until(lambda: third in server.posts)
    await elsewhere.close()


async def test_two_who_make_it_anew(database: Database, susan: Actor) -> None:
    """The later one wins, and the earlier one is told."""
    await publish(database, susan, "one")
    rival = MemoryEngine()

    async def meanwhile(writes: int) -> None:
        if writes == 1:
            await reindex(database, rival, lambda _count: None)

    engine = Interrupted(meanwhile)
    with pytest.raises(Lost):
        await reindex(database, engine, lambda _count: None)
    assert engine.answering is None
    assert list(rival.posts.values()) == ["one"]
