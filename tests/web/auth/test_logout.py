"""The way out."""

from quart import Quart

from microblog.domain import sessions, users
from tests.cast import Browser, Cast
from tests.web.reading import heading, leads_to


async def test_logging_out_ends_the_login(cast: Cast) -> None:
    """M-030."""
    response = await cast.susan.browser.submit("/", to="/auth/logout", submit="1")
    assert leads_to(response) == "/index"
    assert leads_to(await cast.susan.browser.get("/index")).startswith("/auth/login")


async def test_a_stranger_may_log_out_too(cast: Cast) -> None:
    """M-031."""
    response = await cast.stranger.submit("/auth/logout", submit="1")
    assert leads_to(response) == "/index"


async def test_a_link_only_shows_the_button(cast: Cast) -> None:
    """T-17: a GET changes nothing."""
    page = await cast.susan.browser.text("/auth/logout")
    assert heading(page) == "Logout"
    assert heading(await cast.susan.browser.text("/")) == "Hi, susan!"


async def test_another_device_stays_logged_in(cast: Cast, app: Quart) -> None:
    phone = Browser(app)
    await phone.log_in("susan")
    await phone.submit("/", to="/auth/logout")
    assert heading(await cast.susan.browser.text("/")) == "Hi, susan!"


async def test_a_stolen_cookie_is_worth_nothing_after_logout(cast: Cast, app: Quart) -> None:
    """T-09."""
    thief = stolen(cast, app)
    assert heading(await thief.text("/")) == "Hi, susan!"
    await cast.susan.browser.submit("/", to="/auth/logout")
    assert leads_to(await thief.get("/")).startswith("/auth/login")


async def test_a_new_password_and_log_out_everywhere_end_every_login(
    cast: Cast, app: Quart
) -> None:
    """T-09."""
    thief = stolen(cast, app)
    async with cast.resources.database.begin() as session:
        await users.change_password(session, cast.susan.id, "another hash")
    for browser in (thief, cast.susan.browser):
        assert leads_to(await browser.get("/")).startswith("/auth/login")
    async with cast.resources.database.begin() as session:
        await sessions.end_all(session, cast.john.id)
    assert leads_to(await cast.john.browser.get("/")).startswith("/auth/login")
    assert (await cast.mary.browser.get("/")).status_code == 200


def stolen(cast: Cast, app: Quart) -> Browser:
    """A browser with a copy of susan's cookies."""
    thief = Browser(app)
    for cookie in cast.susan.browser.client.cookie_jar:
        thief.client.cookie_jar.set_cookie(cookie)
    return thief
