"""From the request to the letter, and from its link to what it promised; by a real mail server."""

import asyncio

import jwt
import pytest
from quart import Quart

from microblog.domain import accounts, grants, tasks
from tests.cast import HTML, PASSWORD, Browser, Cast
from tests.fakes import MailServer
from tests.web.auth import records
from tests.web.auth.mailbox import BASE, html, link, plain, to
from tests.web.reading import flashes, heading, leads_to

REQUEST = "/auth/reset_password_request"
NEW = "another good password"
ANNA = {
    "username": "anna",
    "email": "anna@example.com",
    "password": PASSWORD,
    "password2": PASSWORD,
}


async def test_from_a_forgotten_password_to_a_new_login(mail: MailServer, cast: Cast) -> None:
    """M-113, M-117, M-125."""
    await cast.stranger.submit(REQUEST, email="SUSAN@example.com")
    (letter,) = await mail.received(1)
    assert letter["Subject"] == "[Microblog] Reset Your Password"
    assert letter["From"] == "boss@example.com"
    assert to(letter) == "susan@example.com"
    assert mail.envelopes == [("boss@example.com", ["susan@example.com"])]
    assert "Dear susan," in plain(letter)
    assert "Dear susan," in html(letter)
    response = await cast.stranger.submit(link(letter), password=NEW, password2=NEW)
    assert leads_to(response) == "/auth/login"
    assert leads_to(await cast.stranger.log_in("susan", NEW)) == "/index"
    told = (await mail.received(2))[1]
    assert told["Subject"] == "[Microblog] Your Password Was Changed"
    assert to(told) == "susan@example.com"
    assert f"{BASE}{REQUEST}" in plain(told)


async def test_from_a_registration_to_a_confirmed_address(mail: MailServer, cast: Cast) -> None:
    """Nobody is locked out meanwhile; a banner offers the letter again."""
    browser = cast.stranger
    await browser.submit("/auth/register", **ANNA)
    (letter,) = await mail.received(1)
    assert letter["Subject"] == "[Microblog] Confirm Your Address"
    assert to(letter) == "anna@example.com"
    await browser.log_in("anna")
    assert leads_to(await browser.submit("/", post="not confirmed yet")) == "/index"
    assert "Your address is not confirmed yet." in await browser.text("/")
    # Whoever reads letters for us opens the link, and that confirms nothing.
    assert heading(await browser.text(link(letter))) == "Confirm your address"
    assert "Your address is not confirmed yet." in await browser.text("/")
    assert leads_to(await browser.submit(link(letter), submit="1")) == "/index"
    page = await browser.text("/")
    assert flashes(page)[-1] == "Your address is confirmed."
    assert "Your address is not confirmed yet." not in page


async def test_another_address_and_the_way_back(mail: MailServer, cast: Cast) -> None:
    """The new address is asked first; the old one hears of it, and can undo it."""
    susan = cast.susan.browser
    fields = {"email": "new@example.com", "old_password": PASSWORD}
    response = await susan.submit("/account", to="/account/address", **fields)
    assert leads_to(response) == "/account"
    (asked,) = await mail.received(1)
    assert (to(asked), asked["Subject"]) == (
        "new@example.com",
        "[Microblog] Confirm Your New Address",
    )
    assert (await records.user(cast, cast.susan)).email == "susan@example.com"
    await susan.submit(link(asked), submit="1")
    assert (await records.user(cast, cast.susan)).email == "new@example.com"
    told = (await mail.received(2))[1]
    assert (to(told), told["Subject"]) == (
        "susan@example.com",
        "[Microblog] Your Address Was Changed",
    )
    assert "new@example.com" not in plain(told)
    assert leads_to(await cast.stranger.log_in("new@example.com")) == "/index"
    async with records.open_socket(cast, cast.susan, susan) as socket:
        helper = Browser(cast.stranger.client.app)
        assert heading(await helper.text(link(told))) == "Take back your address"
        assert leads_to(await helper.submit(link(told), submit="1")) == "/auth/login"
        assert await records.close_code(socket) == 4401
    assert (await records.user(cast, cast.susan)).email == "susan@example.com"
    for browser in (susan, cast.stranger):
        assert leads_to(await browser.get("/")).startswith("/auth/login")
    # The whole way again, up to a new password.
    await helper.submit(REQUEST, email="susan@example.com")
    last = (await mail.received(3))[2]
    assert to(last) == "susan@example.com"
    await helper.submit(link(last), password=NEW, password2=NEW)
    assert leads_to(await helper.log_in("susan", NEW)) == "/index"


async def test_a_letter_speaks_its_readers_language(mail: MailServer, cast: Cast) -> None:
    """The account's, else the one in which it was asked for."""
    await records.change(cast, cast.susan, language="es")
    await cast.stranger.submit(REQUEST, email="susan@example.com")
    await mail.received(1)
    browser = Browser(cast.stranger.client.app)
    browser.client.set_cookie("localhost", "language", "es")
    for person in ("john", "susan"):
        await browser.submit(REQUEST, email=f"{person}@example.com")
    await mail.received(3)
    found = [language for _, _, language in await records.letters(cast)]
    assert found == ["es", "es", "es"]
    assert 'lang="es"' in html(mail.letters[0])


async def test_links_begin_with_the_service_s_own_address(mail: MailServer, cast: Cast) -> None:
    """T-15: whatever a request says about where it went."""
    sent = 0
    token = await cast.stranger.token(REQUEST)
    for name, value in (
        ("X-Forwarded-Host", "evil.example"),
        ("X-Original-Host", "evil.example"),
        ("Forwarded", "host=evil.example"),
        ("Host", "evil.example"),
        ("Host", "localhost.evil.example"),
        ("Host", "localhost:80@evil.example"),
    ):
        response = await cast.stranger.client.post(
            REQUEST,
            form={"csrf_token": token, "email": "susan@example.com"},
            headers={**HTML, name: value},
        )
        assert response.status_code in (302, 400, 421), (name, value)
        if response.status_code != 302:
            continue
        sent += 1
        letter = (await mail.received(sent))[-1]
        assert link(letter).startswith("/auth/reset_password/")
        assert "evil" not in letter.as_string()
    assert sent >= 3


async def test_only_the_stored_address_gets_the_letter(mail: MailServer, cast: Cast) -> None:
    """T-13."""
    odd = (
        "susan@example.com,eve@evil.example",
        "susan@example.com;eve@evil.example",
        "susan@example.com eve@evil.example",
        "susan@example.com\r\nBcc: eve@evil.example",
        "susan@example.com\x00@evil.example",
        '"susan@example.com"@evil.example',
        "susan@ｅxample.com",
        "ſusan@example.com",
        "Eve <susan@example.com>",
    )
    for address in odd:
        await cast.stranger.submit(REQUEST, email=address)
    await cast.stranger.submit(REQUEST, email="Susan@EXAMPLE.com")
    letters = await mail.received(1)
    async with asyncio.timeout(10):
        while not await all_over(cast):
            await asyncio.sleep(0.02)
    assert {recipient for _, (recipient,) in mail.envelopes} == {"susan@example.com"}
    assert all(to(letter) == "susan@example.com" for letter in letters)


async def all_over(cast: Cast) -> bool:
    async with cast.resources.database.reading() as session:
        counted = await tasks.counts(session)
    return not [row for row in counted if row[0] == tasks.SEND_LETTER and row[1] in tasks.ACTIVE]


async def test_the_database_makes_no_link(mail: MailServer, cast: Cast) -> None:
    """T-12: while a letter waits, and when it is out; neither the link nor what is in it."""
    go_on = mail.stall("greeting")
    await cast.stranger.submit(REQUEST, email="susan@example.com")
    await cast.stranger.submit("/auth/register", **ANNA)
    waiting = await records.everything(cast)
    tokens = [await records.token(cast, kind) for kind in (grants.RESET, grants.CONFIRM)]
    go_on.set()
    letters = await mail.received(2)
    assert {link(letter).rpartition("/")[2] for letter in letters} == set(tokens)
    held = waiting + await records.everything(cast)
    for token in tokens:
        for part in token.split("."):
            assert part not in held or part == tokens[0].split(".")[0]
        secret = jwt.decode(token, cast.resources.secret_key, algorithms=["HS256"])["jti"]
        assert secret not in held


async def test_a_letter_whose_link_is_void_by_now_is_not_sent(mail: MailServer, cast: Cast) -> None:
    await mail.go_away()
    await cast.stranger.submit(REQUEST, email="susan@example.com")
    await records.token(cast, grants.RESET)
    async with cast.resources.database.begin() as session:
        await accounts.close(session, cast.susan.actor)
    assert await records.letters(cast) == []


@pytest.mark.usefixtures("confirmation_off")
async def test_a_service_that_asks_nobody(mail: MailServer, cast: Cast) -> None:
    """`off`: no letter, no banner."""
    browser = cast.stranger
    await browser.submit("/auth/register", **ANNA)
    await browser.log_in("anna")
    assert "not confirmed" not in await browser.text("/")
    assert leads_to(await browser.submit("/", to="/account/confirmation")) == "/account"
    assert await records.letters(cast) == []
    assert mail.letters == []


async def test_a_service_without_a_public_address(app: Quart, cast: Cast) -> None:
    """Links in letters then lead where it listens; letters become files."""
    await cast.stranger.submit(REQUEST, email="susan@example.com")
    settings = cast.resources.settings
    folder = settings.server.instance / "mail"
    async with asyncio.timeout(10):
        while not (found := list(folder.glob("*.eml"))):
            await asyncio.sleep(0.02)
    text = found[0].read_text()
    assert f"http://{settings.server.host}:{settings.server.port}/auth/reset_password/" in text
