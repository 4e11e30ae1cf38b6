"""Who may come in, and what strangers are told."""

import asyncio
import json
from urllib.parse import parse_qs

from quart import Quart
from sqlalchemy import func, select, update

from microblog.domain import users
from microblog.models import Post, Session, utc_now
from tests.cast import Browser, Cast
from tests.web.reading import body, flashes, leads_to

GUARDED = ("/", "/index", "/explore", "/user/susan", "/edit_profile", "/post/1", "/post/1/edit")
BUTTONS = ("/follow/susan", "/unfollow/susan", "/post/1/delete", "/", "/edit_profile")


async def test_a_stranger_is_asked_to_log_in(cast: Cast) -> None:
    """M-028, M-029, M-128."""
    await cast.publish(cast.susan, "only for members")
    for path in (*GUARDED, "/explore?before=3&page=2", "/user/nobody-here"):
        response = await cast.stranger.get(path)
        asked = leads_to(response)
        where, _, query = asked.partition("?")
        assert (where, parse_qs(query)) == ("/auth/login", {"next": [path]})
        assert "only for members" not in await body(response)
        page = await cast.stranger.text(asked)
        assert flashes(page) == ["Please log in to access this page."]
        assert flashes(await cast.stranger.text(asked)) == []


async def test_a_button_of_a_stranger_leads_to_the_login(cast: Cast) -> None:
    """M-028: nothing is done, and no address that takes only forms is led back to."""
    await cast.publish(cast.susan, "still here")
    for path in BUTTONS:
        response = await cast.stranger.submit("/auth/login", to=path, post="by a stranger")
        assert leads_to(response) == "/auth/login"
    async with cast.resources.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Post)) == 1


async def test_a_script_gets_no_page(cast: Cast) -> None:
    """401 in JSON for whoever prefers it, instead of a redirect."""
    for path in GUARDED:
        response = await cast.stranger.client.get(path, headers={"Accept": "application/json"})
        assert response.status_code == 401
        assert response.content_type == "application/problem+json"
        assert json.loads(await body(response))["status"] == 401
    response = await cast.stranger.client.post(
        "/follow/susan", headers={"Accept": "application/json"}
    )
    assert response.status_code == 401


async def test_a_cookie_that_is_not_ours_is_no_login(cast: Cast, app: Quart) -> None:
    for value in ("", "x", "W10.x.y", "a" * 4000, "%00", '"', "eyJhIjoxfQ.aaaaaa.bbbbbb"):
        browser = Browser(app)
        browser.client.set_cookie("localhost", "microblog_login", value)
        browser.client.set_cookie("localhost", "microblog_visit", value)
        assert leads_to(await browser.get("/explore")).startswith("/auth/login")


async def test_a_login_without_its_row_is_none(cast: Cast) -> None:
    """T-09: the database decides, not the cookie."""
    async with cast.resources.database.begin() as session:
        await session.execute(
            update(Session).where(Session.user_id == cast.susan.id).values(expires_at=utc_now())
        )
    assert leads_to(await cast.susan.browser.get("/")).startswith("/auth/login")
    assert (await cast.john.browser.get("/")).status_code == 200


async def test_a_deleted_account_has_no_login(cast: Cast) -> None:
    await cast.publish(cast.susan, "gone with me")
    async with cast.resources.database.begin() as session:
        await users.close(session, await users.by_id(session, cast.susan.id))
    assert leads_to(await cast.susan.browser.get("/")).startswith("/auth/login")
    assert "gone with me" not in await cast.john.browser.text("/explore")
    assert (await cast.john.browser.get("/user/susan")).status_code == 404


async def test_personal_pages_are_not_kept_by_caches(cast: Cast) -> None:
    for path in ("/", "/explore", "/user/susan", "/edit_profile"):
        assert (await cast.susan.browser.get(path)).headers["Cache-Control"] == "no-store"


async def test_requests_at_once_do_not_mix_people(cast: Cast) -> None:
    """Each request has its own person, whatever else is served meanwhile."""
    people = [cast.susan, cast.john, cast.mary, cast.david] * 5
    pages = await asyncio.gather(*(person.browser.text("/") for person in people))
    for person, page in zip(people, pages, strict=True):
        assert f"Hi, {person.username}!" in page
        assert f'href="/user/{person.username}"' in page
