"""When somebody was last seen: pages count, at most once a minute; nothing else does."""

import asyncio
import json
import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from microblog.models import Session, User, utc_now
from tests.cast import Cast
from tests.test_statements import counted


async def seen(cast: Cast) -> datetime:
    """When susan was last seen, as soon as what is under way is noted."""
    await asyncio.gather(*cast.resources._noting.values())
    async with cast.resources.database.reading() as session:
        found = await session.scalar(select(User.last_seen_at).where(User.id == cast.susan.id))
    assert found is not None
    return found


async def set_back(cast: Cast, **time: float) -> datetime:
    moment = utc_now() - timedelta(**time)
    async with cast.resources.database.begin() as session:
        await session.execute(
            update(User).where(User.id == cast.susan.id).values(last_seen_at=moment)
        )
        await session.execute(
            update(Session).where(Session.user_id == cast.susan.id).values(last_used_at=moment)
        )
    return await seen(cast)


async def used(cast: Cast) -> datetime:
    async with cast.resources.database.reading() as session:
        found = await session.scalar(
            select(Session.last_used_at).where(Session.user_id == cast.susan.id)
        )
    assert found is not None
    return found


@pytest.mark.parametrize("path", ["/", "/explore", "/user/john", "/account", "/edit_profile"])
async def test_a_page_counts(cast: Cast, path: str) -> None:
    """M-060."""
    before = await set_back(cast, seconds=61)
    await cast.susan.browser.text(path)
    assert utc_now() - await seen(cast) < timedelta(seconds=30)
    assert await used(cast) > before


async def test_once_a_minute(cast: Cast) -> None:
    """M-061: within the minute a page writes nothing."""
    before = await set_back(cast, seconds=50)
    with counted(cast) as statements:
        for path in ("/", "/explore", "/user/john"):
            await cast.susan.browser.text(path)
        assert await seen(cast) == before
    assert [s for s in statements if not s.lstrip("(").startswith(("SELECT", "WITH"))] == []


async def test_many_pages_at_once_are_one_write(cast: Cast) -> None:
    await set_back(cast, minutes=5)
    with counted(cast) as statements:
        await asyncio.gather(*(cast.susan.browser.text("/") for _ in range(10)))
        await seen(cast)
    writes = [s for s in statements if s.startswith("UPDATE") and "last_seen_at" in s]
    assert 1 <= len(writes) <= 2


async def test_what_a_browser_fetches_by_itself_does_not_count(cast: Cast) -> None:
    """Files, pictures and probes."""
    page = await cast.susan.browser.text("/auth/logout")
    before = await set_back(cast, minutes=5)
    files = [part.split('"')[0] for part in page.split('"/static/')[1:]]
    assert files
    for path in (*(f"/static/{file}" for file in files), f"/avatar/{cast.susan.id}", "/livez"):
        assert (await cast.susan.browser.get(path)).status_code == 200, path
    assert await seen(cast) == before
    assert await used(cast) == before


async def test_a_socket_does_not_count(cast: Cast) -> None:
    before = await set_back(cast, minutes=5)
    hub = cast.resources.hub
    async with cast.susan.browser.client.websocket("/live") as socket:
        assert '"hello"' in await socket.receive()
        number = await cast.publish(cast.susan, "words")
        assert json.loads(await socket.receive())["post"]["id"] == number
        assert all(reader.live for reader in hub.audience)
    assert await seen(cast) == before


async def test_a_stranger_is_nobody(cast: Cast) -> None:
    before = await set_back(cast, minutes=5)
    cast.stranger.client.set_cookie("localhost", "microblog_login", "nonsense")
    await cast.stranger.get("/")
    assert await seen(cast) == before


async def test_a_kept_profile_says_when(cast: Cast) -> None:
    """M-060: at once, though that somebody is here is no event."""
    await set_back(cast, minutes=5)
    susan, john = cast.susan.browser, cast.john.browser
    before = await john.text("/user/susan")
    assert _seen_at(await john.text("/user/susan")) == _seen_at(before)
    await susan.text("/explore")
    after = await john.text("/user/susan")
    assert _seen_at(after) > _seen_at(before)
    await set_back(cast, minutes=5)
    await cast.stranger.log_in("susan")
    assert _seen_at(await john.text("/user/susan")) > _seen_at(after)


def _seen_at(page: str) -> str:
    found = re.search(r'Last seen on: <time datetime="([^"]+)"', page)
    assert found is not None
    return found[1]
