"""Search engines: one over the wire and one in memory, which promise the same."""

import asyncio
import logging
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from microblog.adapters import search_engine
from microblog.adapters.search_engine import EngineDown, EngineResting, SearchEngine
from microblog.adapters.search_engine.elastic import Elasticsearch
from microblog.adapters.translator import Breaker
from microblog.database import Database
from microblog.domain.search import entries, finding
from microblog.domain.search.entries import Entry, Question
from microblog.domain.search.query import parse
from microblog.settings import NO_FILE, Search, load
from tests.domain.search.corpus import questions
from tests.domain.search.test_engines import HOSTILE, KEYS, PIECES, settle
from tests.engines import ElasticServer, Index, MemoryEngine, elasticsearch

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[ElasticServer]:
    with elasticsearch() as server:
        yield server


@pytest.fixture
async def elastic(server: ElasticServer) -> AsyncIterator[Elasticsearch]:
    # It never rests: each question of these tests is asked.
    engine = Elasticsearch(server.url, seconds=1, breaker=Breaker(failures=1_000_000))
    yield engine
    await engine.close()


@pytest.fixture(params=["elasticsearch", "memory"])
def engine(request: pytest.FixtureRequest) -> SearchEngine:
    """SEA-21: what the tests with this one show holds for any engine that keeps the promise."""
    if request.param == "memory":
        return MemoryEngine()
    found: SearchEngine = request.getfixturevalue("elastic")
    return found


@pytest.fixture
async def corpus(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    environment = {"DATABASE_URL": sqlite_url, "MICROBLOG_SERVER_INSTANCE": str(tmp_path)}
    settings = load(NO_FILE, environment)
    async with AsyncExitStack() as stack:
        database = Database(settings.database_url, settings.database)
        stack.push_async_callback(database.close)
        await settle(database)
        yield database


def asking(typed: str, *, offset: int = 0, size: int = 25) -> Question:
    return Question(parse(typed), (), offset, size)


def saying(number: int, body: str, **values: object) -> Entry:
    told = Entry(number, body, author_id=1, language="en", created_at=NOON)
    return replace(told, **values)  # type: ignore[arg-type]


async def tell(engine: SearchEngine, *told: Entry) -> str:
    index = await engine.begin()
    await engine.write([index], told, [], as_of=1)
    await engine.switch(index)
    return index


# Any engine


async def test_the_same_is_found_as_in_the_database(corpus: Database, engine: SearchEngine) -> None:
    """SEA-02, SEA-21, T-45: 150 questions in nine languages, and 300 strange strings."""
    async with corpus.reading() as session:
        await tell(engine, *await entries.above(session, 0, limit=500))
        rng = random.Random(46)
        strange = [*HOSTILE, *("".join(rng.choices(PIECES, k=9)) for _ in range(250))]
        wrong = {}
        for typed in [*(typed for typed, _ in questions()), *strange]:
            query = parse(typed)
            asked = await entries.find_question(session, query, offset=0, size=100)
            found = () if asked is None else (await engine.find(asked)).post_ids
            kept = (await finding.find(session, query)).post_ids
            if set(found) != set(kept):
                wrong[typed] = ([KEYS[n] for n in found], [KEYS[n] for n in kept])
        assert wrong == {}


async def test_keeping_changing_forgetting(engine: SearchEngine) -> None:
    """SEA-07, SEA-11, SEA-12, SEA-13: and being told twice is being told once."""
    assert await engine.current() is None
    index = await tell(engine, *(saying(number, "a word") for number in range(1, 6)))
    assert await engine.current() == index
    first = await engine.find(asking("word", size=2))
    assert (first.post_ids, first.total) == ((5, 4), 5)
    assert (await engine.find(asking("word", offset=4, size=2))).post_ids == (1,)
    beyond = await engine.find(asking("word", offset=6, size=2))
    assert (beyond.post_ids, beyond.total) == ((), 5)
    for _ in range(2):
        await engine.write([index], [saying(5, "other"), saying(6, "a word")], [4, 77], as_of=1)
    assert (await engine.find(asking("word"))).post_ids == (6, 3, 2, 1)
    assert (await engine.find(asking("other"))).post_ids == (5,)
    # Somebody who was held up tells what was true before.
    await engine.write([index], [saying(5, "newer")], [6], as_of=3)
    await engine.write([index], [saying(5, "other"), saying(6, "a word")], [1, 5], as_of=2)
    assert (await engine.find(asking("newer"))).post_ids == (5,)
    assert (await engine.find(asking("word"))).post_ids == (3, 2)
    # One after the other: the new index answers at once, and with all of it.
    draft = await engine.begin()
    await engine.write([index, draft], [saying(1, "both")], [], as_of=4)
    assert (await engine.find(asking("both"))).total == 1
    await engine.switch(draft)
    assert (await engine.find(asking("both"))).total == 1
    assert (await engine.find(asking("word"))).total == 0


# Elasticsearch


def test_nobody_without_an_engine_pays_for_its_client() -> None:
    """SEA-10: nothing is built, and the large library not even read."""
    assert search_engine.build(Search()) is None
    program = "import sys, microblog.cli, asgi; sys.exit('elasticsearch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


async def test_the_engine_of_the_settings(server: ElasticServer) -> None:
    """With a name and a password in the address; a wrong one is no answer."""
    server.password = "geheim & co".replace(" ", "%20").replace("&", "%26")
    address = server.url
    server.password = "geheim & co"
    engine = search_engine.build(Search(elasticsearch_url=address))
    assert engine is not None
    await tell(engine, saying(1, "hello"))
    assert (await engine.find(asking("hello"))).post_ids == (1,)
    await engine.close()
    stranger = Elasticsearch(f"http://elastic:wrong@127.0.0.1:{server.port}")
    with pytest.raises(EngineDown, match="401"):
        await stranger.current()
    await stranger.close()


@pytest.mark.parametrize(
    "url",
    ["http://[::1]:9", "http://127.0.0.1:9/behind/a/path", "https://127.0.0.1:9", "http://es"],
)
async def test_addresses(url: str) -> None:
    """Whatever the settings take for an address is one; here nobody is there."""
    engine = search_engine.build(Search(elasticsearch_url=url))
    assert engine is not None
    with pytest.raises(EngineDown, match="Connection error"):
        await engine.current()
    await engine.close()


async def test_what_is_sent(server: ElasticServer, elastic: Elasticsearch) -> None:
    """SEA-11, SEA-20: the document, and the question over its fields with offset and size."""
    await tell(elastic, saying(7, "Día #Sol", author_id=3, language="es"))
    (index,) = server.indexes.values()
    assert index.docs == {
        "7": {
            "id": 7,
            "body": "Día #Sol",
            "terms": "dia sol #sol",
            "author_id": 3,
            "language": "es",
            "timestamp": "2026-05-01T12:00:00+00:00",
        }
    }
    assert index.mappings["properties"].keys() == index.docs["7"].keys()
    typed = '"día sol" begin* x -not lang:es before:2027 after:2026-05'
    question = Question(parse(typed), (3, 4), offset=(3 - 1) * 25, size=25)
    await elastic.find(question)
    (sent,) = server.asked("POST", "/post/_search")
    assert (sent["from"], sent["size"]) == (50, 25)
    asked = sent["query"]["bool"]
    assert [next(iter(part)) for part in asked["must"]] == ["multi_match", "prefix", "multi_match"]
    assert asked["must"][0]["multi_match"] == {
        "query": "dia sol",
        "fields": ["terms"],
        "type": "phrase",
    }
    assert len(asked["must_not"]) == 1
    assert asked["filter"] == [
        {"terms": {"author_id": [3, 4]}},
        {"terms": {"language": ["es"]}},
        {
            "range": {
                "timestamp": {
                    "gte": "2026-05-01T00:00:00+00:00",
                    "lt": "2027-01-01T00:00:00+00:00",
                }
            }
        },
    ]


async def test_best_first_and_no_further_than_the_engine_lets_look(
    server: ElasticServer, elastic: Elasticsearch
) -> None:
    """SEA-06, SEA-08."""
    later = NOON.replace(hour=13)
    await tell(
        elastic,
        saying(1, "word word"),
        saying(2, "word and more", created_at=later),
        saying(3, "word and more"),
    )
    assert (await elastic.find(asking("word"))).post_ids == (1, 2, 3)
    server.total = 123_456
    assert (await elastic.find(asking("word"))).total == 10_000
    assert (await elastic.find(asking("word", offset=9_990, size=30))).post_ids == ()
    asked = len(server.requests)
    assert (await elastic.find(asking("word", offset=10**12, size=30))).post_ids == ()
    assert len(server.requests) == asked
    server.canned = ["3", "x", "1", "99999999999999999999", "-4", "2"]
    assert (await elastic.find(asking("word"))).post_ids == (3, 1, 2)


async def test_whatever_is_no_answer(server: ElasticServer, elastic: Elasticsearch) -> None:
    """Not there, slow, broken, somebody else, another language: the same to whoever asks."""
    await tell(elastic, saying(1, "hello"))
    server.slowness = 30
    began = time.monotonic()
    with pytest.raises(EngineDown, match="no answer within 1 s"):
        await elastic.find(asking("hello"))
    assert time.monotonic() - began < 3
    server.slowness = 0
    for status in (400, 401, 403, 429, 500, 503):
        server.status = status
        with pytest.raises(EngineDown, match=str(status)):
            await elastic.find(asking("hello"))
        with pytest.raises(EngineDown, match=str(status)):
            await elastic.write(["post-x"], [saying(1, "x")], [], as_of=1)
    server.status = 200
    assert (await elastic.find(asking("hello"))).total == 1
    server.stop()
    with pytest.raises(EngineDown, match="Connection"):
        await elastic.find(asking("hello"))
    server.start()
    assert (await elastic.find(asking("hello"))).total == 1


async def test_others_that_speak_the_same_language_are_not_it(server: ElasticServer) -> None:
    """OpenSearch and the like send no such header."""
    server.product = ""
    engine = Elasticsearch(server.url)
    with pytest.raises(EngineDown, match="not Elasticsearch"):
        await engine.begin()
    assert server.indexes == {}
    await engine.close()


async def test_no_index_is_no_answer(elastic: Elasticsearch) -> None:
    """Rather the database's than an empty page."""
    with pytest.raises(EngineDown, match="index_not_found"):
        await elastic.find(asking("hello"))


async def test_one_failure_is_enough_for_a_while(server: ElasticServer) -> None:
    """Nobody waits for an engine that has just not answered; after a rest one tries it."""
    now = 0.0
    breaker = Breaker(failures=1, rest=5, clock=lambda: now)
    engine = Elasticsearch(server.url, breaker=breaker)
    await tell(engine, saying(1, "hello"))
    server.status = 503
    with pytest.raises(EngineDown, match="503"):
        await engine.find(asking("hello"))
    server.status = 200
    now = 4.9
    with pytest.raises(EngineResting):
        await engine.find(asking("hello"))
    assert len(server.asked("POST", "/post/_search")) == 1
    now = 5.0
    assert (await engine.find(asking("hello"))).total == 1
    # Whoever gives up waiting has not learnt anything about it.
    server.slowness = 0.5
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(engine.find(asking("hello")), 0.05)
    assert breaker.state == "closed"
    await engine.close()


async def test_what_it_will_never_take_is_left_out(
    server: ElasticServer, elastic: Elasticsearch, caplog: pytest.LogCaptureFixture
) -> None:
    """One document that it chokes on does not hold up the others; a passing trouble does."""
    index = await tell(elastic)
    server.not_taken = {"2": 400}
    with caplog.at_level(logging.ERROR):
        await elastic.write([index], [saying(1, "a"), saying(2, "b"), saying(3, "c")], [], as_of=1)
    assert server.posts == {1: "a", 3: "c"}
    assert "does not take post 2" in caplog.text
    server.not_taken = {"2": 429}
    with pytest.raises(EngineDown, match="429"):
        await elastic.write([index], [saying(2, "b")], [], as_of=1)


async def test_long_posts_go_in_several_requests(
    server: ElasticServer, elastic: Elasticsearch
) -> None:
    """A request that the server finds too large would be too large for ever."""
    index = await tell(elastic)
    long = "word " * 4_000
    await elastic.write(
        [index], [saying(number, long) for number in range(1, 121)], [7, 8], as_of=1
    )
    assert len(server.asked("PUT", "/_bulk")) == 4
    assert server.posts.keys() == set(range(1, 121)) - {7, 8}


async def test_other_peoples_indexes_are_left_alone(
    server: ElasticServer, elastic: Elasticsearch
) -> None:
    """What was begun and never finished is dropped, and the index of an older service gives way."""
    for name in ("post-office", "post-2026", "users"):
        server.indexes[name] = Index({}, {})
    server.indexes["post"] = Index({}, {})
    drafts = [await elastic.begin() for _ in range(3)]
    assert server.indexes.keys() == {"post-office", "post-2026", "users", "post", drafts[-1]}
    await elastic.switch(drafts[-1])
    assert server.indexes.keys() == {"post-office", "post-2026", "users", drafts[-1]}
    assert await elastic.current() == drafts[-1]
    # An operator has put the name on an index of their own.
    server.aliases["post"] = {"users"}
    draft = await elastic.begin()
    await elastic.switch(draft)
    assert server.aliases == {"post": {draft}}
    assert server.indexes.keys() == {"post-office", "post-2026", "users", draft}


async def test_a_new_index_answers_with_all_that_it_was_told(
    server: ElasticServer, elastic: Elasticsearch
) -> None:
    """Documents show at a refresh: there is one before the new index takes over."""
    server.refreshes_at_once = False
    await tell(elastic, saying(1, "hello"))
    assert (await elastic.find(asking("hello"))).total == 1


async def test_the_machines_proxies_are_not_asked(
    server: ElasticServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings alone say where requests go."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    engine = Elasticsearch(server.url)
    assert await engine.current() is None
    await engine.close()
