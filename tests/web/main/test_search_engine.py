"""The search page where the operator has a search engine, as the application has it wired."""

import asyncio
import logging
from collections.abc import Callable, Iterator

import pytest

from microblog.domain import users
from tests.cast import Cast
from tests.engines import ElasticServer, elasticsearch
from tests.test_statements import cost
from tests.web.main.test_search import ways
from tests.web.reading import heading, texts


@pytest.fixture
def server() -> Iterator[ElasticServer]:
    with elasticsearch() as server:
        yield server


@pytest.fixture
def environment(environment: dict[str, str], server: ElasticServer) -> dict[str, str]:
    return {**environment, "ELASTICSEARCH_URL": server.url, "MICROBLOG_SERVER_METRICS": "1"}


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_the_engine_answers(cast: Cast, server: ElasticServer) -> None:
    """SEA-02, SEA-06, SEA-11, SEA-12, SEA-13, SEA-17, SEA-20: in its order, as it was told."""
    ids = [await cast.publish(cast.susan, f"post {number}") for number in range(1, 4)]
    await until(lambda: server.posts.keys() == set(ids))
    server.canned = [ids[2], 4_000_000, ids[0], "x", ids[1]]
    page = await cast.john.browser.text("/search?q=post&page=2")
    assert heading(page) == "Search Results"
    assert texts(page) == ["post 3", "post 1", "post 2"]
    (asked,) = server.asked("POST", "/post/_search")
    assert (asked["from"], asked["size"]) == (25, 25)
    server.canned = None
    await cast.susan.browser.submit(f"/post/{ids[0]}/edit", post="another thing")
    await cast.susan.browser.submit(f"/post/{ids[1]}/edit", f"/post/{ids[1]}/delete")
    await until(lambda: server.posts == {ids[0]: "another thing", ids[2]: "post 3"})
    assert texts(await cast.john.browser.text("/search?q=post")) == ["post 3"]
    assert texts(await cast.john.browser.text("/search?q=thing")) == ["another thing"]
    assert texts(await cast.john.browser.text("/search?q=from:susan+-thing")) == ["post 3"]
    asked_before = len(server.asked("POST", "/post/_search"))
    assert texts(await cast.john.browser.text("/search?q=from:nobody+post")) == []
    assert len(server.asked("POST", "/post/_search")) == asked_before


async def test_pages(cast: Cast, server: ElasticServer) -> None:
    """SEA-07, SEA-08: as many as the engine says there are."""
    post_id = await cast.publish(cast.susan, "word")
    await until(lambda: server.posts)
    server.canned, server.total = [post_id], 60
    for number, expected in ((1, (False, True)), (2, (True, True)), (3, (True, False))):
        page = await cast.john.browser.text(f"/search?q=word+%26&page={number}")
        assert ways(page) == expected
        assert "60 posts have what you are looking for." in page
        for way in ("q=word+%26&amp;page=2",) if number != 2 else ("q=word+%26&amp;page=3",):
            assert way in page
    server.canned = []
    assert texts(await cast.john.browser.text("/search?q=word&page=9")) == []
    assert texts(await cast.john.browser.text(f"/search?q=word&page={'9' * 30}")) == []
    _statements, _page = await cost(cast, "/search?q=word+from:susan")


async def test_a_deleted_post_is_never_shown(cast: Cast, server: ElasticServer) -> None:
    """SEA-17: the engine is told a moment later; the page asks the database."""
    ids = [await cast.publish(cast.susan, f"secret {number}") for number in range(2)]
    await until(lambda: server.posts.keys() == set(ids))
    server.canned = list(ids)
    await cast.susan.browser.submit(f"/post/{ids[0]}/edit", f"/post/{ids[0]}/delete")
    assert texts(await cast.john.browser.text("/search?q=secret")) == ["secret 1"]


async def test_without_it_the_database_answers(
    cast: Cast, server: ElasticServer, caplog: pytest.LogCaptureFixture
) -> None:
    """SEA-16: one line in the log, no line per reader; posting goes on, and nothing is lost."""
    first = await cast.publish(cast.susan, "hello there")
    await until(lambda: server.posts)
    server.stop()
    await cast.susan.browser.submit("/", post="hello again")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            page = await cast.john.browser.text("/search?q=hello")
            assert texts(page) == ["hello again", "hello there"]
    said = [r for r in caplog.records if "the database does instead" in r.getMessage()]
    assert len(said) == 1
    assert (await cast.stranger.get("/readyz")).status_code == 200
    assert "\nmicroblog_search_outbox 1\n" in await cast.stranger.text("/metrics")
    server.start()
    await until(lambda: len(server.posts) == 2)
    await until(lambda: first in server.posts)


async def test_before_it_was_told_of_anything_the_database_answers(
    cast: Cast, server: ElasticServer
) -> None:
    """An engine without an index is no reason for an empty page."""
    await cast.publish(cast.susan, "hello there")
    await until(lambda: server.posts)
    server.indexes.clear()
    server.aliases.clear()
    assert texts(await cast.john.browser.text("/search?q=hello")) == ["hello there"]


async def test_people_and_messages_are_none_of_its_business(
    cast: Cast, server: ElasticServer
) -> None:
    """SEA-19, MSG-14."""
    await until(lambda: server.aliases)
    await cast.john.browser.submit("/edit_profile", username="john", about_me="new")
    await cast.john.browser.submit("/send_message/susan", message="between the two of us")
    async with cast.resources.database.begin() as session:
        await users.close(session, await users.by_id(session, cast.mary.id))
    last = await cast.publish(cast.susan, "for everybody")
    await until(lambda: last in server.posts)
    told = [line for lines in server.asked("PUT", "/_bulk") for line in lines]
    assert [line["index"]["_id"] for line in told if "index" in line] == [str(last)]
    assert "between the two of us" not in str(server.requests)
