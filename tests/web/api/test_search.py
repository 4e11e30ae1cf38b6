"""Searching by programs: as the page does it."""

import asyncio
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from quart import Quart

from tests.cast import Cast
from tests.domain.search.test_engines import strange
from tests.engines import ElasticServer, elasticsearch
from tests.test_statements import counted
from tests.web.api.programs import Answer, Program, login_token
from tests.web.reading import texts


def bodies(answer: Answer) -> list[str]:
    assert answer.status == 200
    return [item["body"] for item in answer.json["items"]]


async def test_what_is_found(cast: Cast, susan: Program) -> None:
    """SEA-06: by relevance, the same posts in the same order as on the page, each as elsewhere."""
    for person, body in (
        (cast.susan, "tea tea tea"),
        (cast.john, "tea, and many other words that are about something else " * 3),
        (cast.mary, "a cup of tea with me"),
        (cast.mary, "coffee"),
    ):
        await cast.publish(person, body.strip())
    answer = await susan.get("/api/search?q=tea")
    assert bodies(answer)[0] == "tea tea tea"
    assert bodies(answer) == texts(await cast.susan.browser.text("/search?q=tea"))
    first = answer.json["items"][0]
    assert (await susan.get(first["_links"]["self"])).json == first
    assert bodies(await susan.get("/api/search?q=tea+from:mary+-coffee")) == [
        "a cup of tea with me"
    ]
    assert bodies(await susan.get("/api/search?q=before:2001")) == []
    assert answer.json["_meta"] == {
        "page": 1,
        "per_page": 10,
        "total_pages": 1,
        "total_items": 3,
        "is_cut": False,
    }


async def test_pages(cast: Cast, susan: Program) -> None:
    """SEA-07, API-15, API-17: links keep what was asked; past the end is empty."""
    for number in range(25):
        await cast.publish(cast.susan, f"word & {number}")
    seen: list[str] = []
    path: str | None = "/api/search?q=word+%26"
    while path:
        answer = await susan.get(path)
        seen += bodies(answer)
        path = answer.json["_links"]["next"]
    assert seen == [f"word & {number}" for number in range(24, -1, -1)]
    assert answer.json["_links"] == {
        "self": "/api/search?q=word+%26&page=3&per_page=10",
        "next": None,
        "prev": "/api/search?q=word+%26&page=2&per_page=10",
    }
    for beyond in ("4", "40001", str(2**31 - 1)):
        answer = await susan.get(f"/api/search?q=word&page={beyond}&per_page=100")
        assert (bodies(answer), answer.json["_meta"]["total_items"]) == ([], 25)
    assert (await susan.get("/api/search?q=word&per_page=500")).json["_meta"]["per_page"] == 100


async def test_what_cannot_be_asked(susan: Program) -> None:
    """T-44, T-53: nothing to look for, odd numbers, things twice."""
    for query in ("", "?q=", "?q=%20%09", "?q=%00", "?page=1"):
        answer = await susan.get(f"/api/search{query}")
        assert answer.status == 400, query
        assert answer.json["errors"][0]["field"] == "q"
    for query in ("q=a&q=b", "q[]=a", "q=a&x=1", "q=%ff", "q=a&language=en"):
        assert (await susan.get(f"/api/search?{query}")).status == 400, query
    for odd in ("0", "-1", str(2**31), "9" * 400, "1e9", "%D9%A3", "0x1", "1_0", "1.0", "", "true"):
        for name in ("page", "per_page"):
            assert (await susan.get(f"/api/search?q=a&{name}={odd}")).status == 400, odd


async def test_nothing_asked_is_an_error(cast: Cast, susan: Program) -> None:
    """T-45: strange and random texts, very many words, the longest address."""
    await cast.publish(cast.susan, "a post")
    # The very hostile first, then random ones; the domain's own test has two thousand.
    for typed in [*strange(150), "word " * 960, "x" * 7000, "*" * 500, '"' * 499]:
        asked = quote(typed, errors="replace")
        if len(asked) > 7900:
            asked = quote(typed[:800])
        answer = await susan.get(f"/api/search?q={asked}")
        assert answer.status == (200 if typed.strip(BLANK) else 400), typed


BLANK = " " + "".join(map(chr, [*range(32), *range(127, 160)])) + "\u2028\u2029\u3000\xa0"


async def test_a_page_costs_the_same_for_one_and_for_many(cast: Cast, susan: Program) -> None:
    cast.resources.memory.is_on = False
    costs = []
    for number in (1, 100):
        for turn in range(number):
            await cast.publish(cast.susan, f"word {turn}")
        await susan.get("/api/search?q=word")
        await asyncio.gather(*cast.resources._noting.values())
        with counted(cast) as statements:
            found = bodies(await susan.get("/api/search?q=word&per_page=100"))
        assert len(found) == number
        costs.append(len([s for s in statements if "rate" not in s]))
    assert costs[0] == costs[1] <= 3


@pytest.fixture
def engine(environment: dict[str, str]) -> Iterator[ElasticServer]:
    with elasticsearch() as server:
        environment["ELASTICSEARCH_URL"] = server.url
        yield server


async def test_where_there_is_an_engine(engine: ElasticServer, cast: Cast, app: Quart) -> None:
    """SEA-08, SEA-17: it answers; where it does not, the database does; never too deep."""
    susan = Program(app, await login_token(cast, cast.susan))
    post_id = await cast.publish(cast.susan, "word")
    async with asyncio.timeout(20):
        while not engine.posts:
            await asyncio.sleep(0.01)
    engine.canned, engine.total = [post_id], 60
    answer = await susan.get("/api/search?q=word")
    assert (bodies(answer), answer.json["_meta"]["total_pages"]) == (["word"], 6)
    deep = await susan.get(f"/api/search?q=word&page={2**31 - 1}&per_page=100")
    assert bodies(deep) == []
    engine.status = 500
    assert (await susan.get("/api/search?q=word")).json["_meta"]["total_items"] == 1
