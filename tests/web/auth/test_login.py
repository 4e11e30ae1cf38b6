"""The way in."""

import re
from http.cookies import SimpleCookie

import pytest
from quart import Quart
from sqlalchemy import func, select, update

from microblog.domain import users
from microblog.models import Session, User
from microblog.web import access
from tests.cast import PASSWORD, Browser, Cast
from tests.web.reading import (
    body,
    error_at,
    flashes,
    heading,
    labels,
    leads_to,
    navigation,
    title,
    value_of,
)

PAGE = "/auth/login"
WRONG = "Invalid username or password"
# What leads away, or might: none of it is gone to after a login.
FOREIGN = (
    "http://evil.example/",
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:///evil.example",
    "http:/\\evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\n/evil.example",
    "/\u2028/evil.example",
    "/a\\..\\..//evil.example",
    "evil.example",
    "explore",
    "@evil.example",
    "",
)


def cookies(response) -> SimpleCookie:
    found = SimpleCookie()
    for line in response.headers.getlist("Set-Cookie"):
        found.load(line)
    return found


async def test_the_page_asks_for_name_and_password(cast: Cast) -> None:
    """M-012, M-015, M-039."""
    page = await cast.stranger.text(PAGE)
    assert title(page) == "Sign In - Microblog"
    assert heading(page) == "Sign In"
    assert labels(page) == {
        "username": "Username",
        "password": "Password",
        "remember_me": "Remember Me",
    }
    assert value_of(page, "submit") == "Sign In"
    assert 'type="password"' in page
    assert navigation(page) == ["Microblog", "Home", "Explore", "Login"]
    assert '<a href="/auth/register">Click to Register!</a>' in page
    assert "New User?" in page


async def test_the_right_pair_opens_the_door(cast: Cast) -> None:
    """M-018, M-025."""
    for name in ("susan", "SUSAN", " susan ", "susan@example.com", "Susan@Example.COM"):
        browser = Browser(cast.stranger.client.app)
        assert leads_to(await browser.log_in(name)) == "/index"
        assert heading(await browser.text("/index")) == "Hi, susan!"


async def test_empty_fields_show_the_form_again(cast: Cast) -> None:
    """M-016."""
    for name, password, field in (("", PASSWORD, "username"), ("susan", "", "password")):
        response = await cast.stranger.log_in(name, password)
        assert response.status_code == 200
        page = await body(response)
        assert error_at(page, field) == "This field is required."
        assert value_of(page, "username") == name
        assert PASSWORD not in page


async def test_unknown_name_and_wrong_password_are_one_answer(cast: Cast) -> None:
    """M-019, M-020, T-03."""
    pages = []
    for name, password in (("nobody-here", PASSWORD), ("susan", "wrong"), ("susan", PASSWORD * 2)):
        response = await cast.stranger.log_in(name, password)
        assert leads_to(response) == PAGE
        page = await cast.stranger.text(PAGE)
        assert flashes(page) == [WRONG]
        pages.append(re.sub(r'(value|content)="[^"]{40,}"', "", page))
    assert len(set(pages)) == 1


async def test_a_disabled_account_is_a_wrong_pair(cast: Cast) -> None:
    async with cast.resources.database.begin() as session:
        await users.disable(session, await users.by_id(session, cast.susan.id))
    assert leads_to(await cast.susan.browser.get("/")).startswith(PAGE)
    assert leads_to(await cast.stranger.log_in("susan")) == PAGE


async def test_an_account_without_a_password_lets_nobody_in(cast: Cast) -> None:
    async with cast.resources.database.begin() as session:
        await session.execute(
            update(User).where(User.id == cast.susan.id).values(password_hash=None)
        )
    for guess in ("None", "x", PASSWORD):
        assert leads_to(await cast.stranger.log_in("susan", guess)) == PAGE


async def test_the_cookie_ends_with_the_browser_unless_remembered(cast: Cast) -> None:
    """M-021, M-022."""
    for fields, expires in (({}, False), ({"remember_me": "y"}, True)):
        browser = Browser(cast.stranger.client.app)
        cookie = cookies(await browser.log_in("susan", **fields))["microblog_login"]
        assert bool(cookie["expires"] or cookie["max-age"]) == expires
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert not cookie["secure"]
        if expires:
            days = int(cookie["max-age"] or 365 * 86400) / 86400
            assert days == pytest.approx(365)


async def test_the_cookie_says_nothing_that_the_database_holds(cast: Cast) -> None:
    """T-09: a copy of the database opens no login."""
    response = await cast.stranger.log_in("susan")
    value = cookies(response)["microblog_login"].value
    async with cast.resources.database.reading() as session:
        for row in await session.scalars(select(Session)):
            assert row.token_hash not in value


async def test_who_is_in_needs_no_login(cast: Cast) -> None:
    """M-023."""
    assert leads_to(await cast.susan.browser.get(PAGE)) == "/index"
    token = await cast.susan.browser.token("/")
    response = await cast.susan.browser.post(PAGE, csrf_token=token, username="x", password="y")
    assert leads_to(response) == "/index"


async def test_the_way_on_is_kept_over_a_wrong_password(cast: Cast) -> None:
    """M-024: a failed try keeps where one wanted to go."""
    way = "/explore?before=7"
    asked = leads_to(await cast.stranger.get(way))
    response = await cast.stranger.submit(asked, username="susan", password="wrong one")
    again = leads_to(response)
    assert again == asked
    response = await cast.stranger.submit(again, username="susan", password=PASSWORD)
    assert leads_to(response) == way


async def test_no_way_leads_to_another_site(cast: Cast) -> None:
    """M-026, M-027, T-25."""
    token = await cast.stranger.token(PAGE)
    for target in FOREIGN:
        browser = Browser(cast.stranger.client.app)
        token = await browser.token(PAGE)
        response = await browser.client.post(
            PAGE,
            query_string={"next": target},
            form={"csrf_token": token, "username": "susan", "password": PASSWORD},
        )
        assert leads_to(response) == "/index", target


@pytest.mark.parametrize("target", FOREIGN)
def test_only_paths_of_our_own_are_ways_on(target: str) -> None:
    """T-25."""
    assert access.safe_next(target) is None


@pytest.mark.parametrize("target", ["/", "/explore", "/user/susan?page=2", "/post/1#x", "/a//b"])
def test_paths_of_our_own_are_ways_on(target: str) -> None:
    assert access.safe_next(target) == target


async def test_a_login_gets_a_secret_of_its_own(cast: Cast) -> None:
    """T-08: what the browser held before is worth nothing afterwards."""
    browser = cast.stranger
    before = await browser.token(PAGE)
    browser.client.set_cookie("localhost", "microblog_login", "chosen")
    first = cookies(await browser.log_in("susan"))["microblog_login"].value
    assert first != "chosen"
    refused = await browser.post("/index", csrf_token=before, post="forged")
    assert refused.status_code == 400
    await browser.submit("/", to="/auth/logout")
    assert cookies(await browser.log_in("susan"))["microblog_login"].value != first


async def test_a_password_counts_to_its_last_character(cast: Cast) -> None:
    """T-06: nothing is cut, and what is no ASCII is a password too."""
    for number, secret in enumerate(("x" * 72 + "a", "y" * 1022 + "a", "pässwörter 😀")):
        hashed = await cast.resources.hasher.hash(secret)
        async with cast.resources.database.begin() as session:
            await users.register(session, f"long{number}", f"long{number}@example.com", hashed)
        wrong = await cast.stranger.log_in(f"long{number}", secret[:-1] + "b")
        assert leads_to(wrong) == PAGE
        browser = Browser(cast.stranger.client.app)
        assert leads_to(await browser.log_in(f"long{number}", secret)) == "/index"


async def test_odd_characters_are_a_wrong_pair(cast: Cast) -> None:
    """T-43: no name and no password makes the service fail."""
    for odd in ("\x00", "su\x00san", "\x1b[31m", "\u202e", "x" * 5000, "😀" * 300, "'; --"):
        for name, password in ((odd, "whatever"), ("susan", odd)):
            response = await cast.stranger.log_in(name, password)
            assert response.status_code in (200, 302, 400), odd
            assert response.headers.get("Location") in (None, PAGE)
    assert (await cast.stranger.get(PAGE)).status_code == 200


async def test_a_failed_login_opens_nothing(cast: Cast) -> None:
    async with cast.resources.database.reading() as session:
        before = await session.scalar(select(func.count()).select_from(Session))
    await cast.stranger.log_in("susan", "wrong")
    async with cast.resources.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Session)) == before


async def test_behind_https_the_cookies_are_bound_to_the_host(secure_app: Quart) -> None:
    """Secure, HttpOnly and named so that no neighbouring host can set them."""
    client = secure_app.test_client()
    client.cookie_jar.clear()
    response = await client.get(PAGE, headers={"Host": "site.example", "Accept": "text/html"})
    (line,) = response.headers.getlist("Set-Cookie")
    assert line.startswith("__Host-microblog_visit=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in line
    assert "Domain" not in line
    assert "strict-transport-security" in response.headers
