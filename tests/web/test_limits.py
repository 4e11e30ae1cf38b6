"""How often something may be tried, as a visitor meets it."""

import asyncio
import time

import pytest
from quart import Quart
from sqlalchemy import func, select

from microblog.models import User
from tests.cast import HTML, PASSWORD, Browser, Cast
from tests.web.reading import body, leads_to

HERE = "198.51.100.7"


@pytest.fixture(autouse=True)
def usual_limits(environment: dict[str, str]) -> None:
    environment["MICROBLOG_LIMITS_SCALE"] = "1"


@pytest.fixture
def strict(usual_limits: None, environment: dict[str, str]) -> None:
    environment["MICROBLOG_LIMITS_SCALE"] = "0.1"


@pytest.fixture
def behind_a_proxy(environment: dict[str, str]) -> None:
    environment["MICROBLOG_SERVER_TRUSTED_PROXIES"] = "1"


async def send(browser: Browser, path: str, address: str, forwarded: str = "", **fields: str):
    """A form that comes from an address."""
    headers = {**HTML, "X-Forwarded-For": forwarded} if forwarded else HTML
    return await browser.client.post(
        path, form=fields, headers=headers, scope_base={"client": (address, 40000)}
    )


async def guess(browser: Browser, name: str, address: str, forwarded: str = "") -> int:
    token = await browser.token("/auth/login")
    fields = {"csrf_token": token, "username": name, "password": "wrong"}
    return (await send(browser, "/auth/login", address, forwarded, **fields)).status_code


async def test_ten_wrong_passwords_for_an_account(cast: Cast) -> None:
    """T-01: from wherever they come; however the name is written; others are not shut out."""
    stranger = cast.stranger
    for number in range(9):  # susan's own login was given back: it was no guess
        assert await guess(stranger, ("susan", "SUSAN ")[number % 2], f"203.0.113.{number}") == 302
    assert await guess(stranger, "susan", "2001:db8::1") == 302
    response = await send(
        stranger,
        "/auth/login",
        HERE,
        csrf_token=await stranger.token("/auth/login"),
        username="susan",
        password=PASSWORD,
    )
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 91
    page = await body(response)
    assert "Please wait a little" in page
    assert PASSWORD not in page
    assert leads_to(await stranger.log_in("john")) == "/index"


async def test_twenty_five_wrong_passwords_from_an_address(cast: Cast) -> None:
    """T-02: for whatever names; what a client claims about itself is not looked at."""
    statuses = [
        await guess(cast.stranger, f"name{number}", HERE, forwarded=f"203.0.113.{number}")
        for number in range(27)
    ]
    assert statuses == [302] * 25 + [429] * 2
    assert await guess(cast.stranger, "name0", "198.51.100.8") == 302


async def test_a_household_of_ipv6_is_one_address(cast: Cast) -> None:
    """T-02: the /64 counts."""
    statuses = [
        await guess(cast.stranger, f"name{number}", f"2001:db8:0:1::{number:x}")
        for number in range(26)
    ]
    assert statuses == [302] * 25 + [429]
    assert await guess(cast.stranger, "name0", "2001:db8:0:2::1") == 302


async def test_guesses_at_once_do_not_slip_through(cast: Cast) -> None:
    """T-01: fifty together are as many as one after the other."""
    token = await cast.stranger.token("/auth/login")
    fields = {"csrf_token": token, "username": "susan", "password": "wrong"}
    responses = await asyncio.gather(
        *(send(cast.stranger, "/auth/login", f"203.0.113.{n}", **fields) for n in range(50))
    )
    statuses = sorted(response.status_code for response in responses)
    assert statuses == [302] * 10 + [429] * 40


@pytest.mark.usefixtures("behind_a_proxy")
async def test_behind_a_proxy_its_word_counts(cast: Cast) -> None:
    """The last address in the list is the proxy's word; what stands before it is anybody's."""
    statuses = [
        await guess(cast.stranger, f"name{n}", "10.0.0.1", forwarded=f"203.0.113.{n}, {HERE}")
        for n in range(26)
    ]
    assert statuses == [302] * 25 + [429]
    assert await guess(cast.stranger, "other", "10.0.0.1", forwarded="198.51.100.9") == 302
    assert await guess(cast.stranger, "other", "10.0.0.1", forwarded="no address at all") == 302


async def test_five_new_accounts_from_an_address(cast: Cast) -> None:
    """T-18: mistakes in the form do not count."""
    page = "/auth/register"
    for _ in range(8):
        await send(
            cast.stranger, page, HERE, csrf_token=await cast.stranger.token(page), username="x y"
        )
    statuses = []
    for number in range(7):
        form = {
            "csrf_token": await cast.stranger.token(page),
            "username": f"new{number}",
            "email": f"new{number}@example.com",
            "password": PASSWORD,
            "password2": PASSWORD,
        }
        statuses.append((await send(cast.stranger, page, HERE, **form)).status_code)
    assert statuses == [302] * 5 + [429] * 2
    async with cast.resources.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(User)) == 4 + 5


async def test_sixty_changes_a_minute(cast: Cast) -> None:
    """And one more with each second; what is refused is given back to whoever typed it."""
    begun = time.monotonic()
    token = await cast.susan.browser.token("/")
    done = 0
    for number in range(500):
        path = "/" if number % 2 else "/follow/john"
        response = await cast.susan.browser.post(path, csrf_token=token, post="one <too> many")
        if response.status_code == 429 and path == "/":
            break
        done += response.status_code == 302
    assert 60 <= done <= 62 + time.monotonic() - begun
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) >= 1
    assert "one &lt;too&gt; many" in await body(response)
    assert (await cast.susan.browser.get("/")).status_code == 200
    john = await cast.john.browser.submit("/", post="mine")
    assert john.status_code == 302


@pytest.mark.usefixtures("strict")
async def test_the_operator_scales_every_limit(app: Quart) -> None:
    browser = Browser(app)
    assert [await guess(browser, "somebody", HERE) for _ in range(2)] == [302, 429]
