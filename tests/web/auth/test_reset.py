"""A forgotten password: the request, the link, and what they change."""

import asyncio
import string
import time

import jwt
import pytest
from quart import Quart
from sqlalchemy import func, select

from microblog.domain import accounts, grants, users
from microblog.models import Grant, Session
from tests.cast import HTML, PASSWORD, Browser, Cast, Person
from tests.test_statements import counted
from tests.web.auth import records
from tests.web.reading import body, error_at, flashes, heading, labels, leads_to, title, value_of

REQUEST = "/auth/reset_password_request"
NEW = "another good password"
CHECK = "Check your email for the instructions to reset your password"


async def ask(cast: Cast, person: Person) -> str:
    """Ask for a letter; the page that its link leads to."""
    response = await cast.stranger.submit(REQUEST, email=f"{person.username}@example.com")
    assert leads_to(response) == "/auth/login"
    return f"/auth/reset_password/{await records.token(cast, grants.RESET)}"


async def reset(browser: Browser, page: str, password: str = NEW) -> str:
    """Send the form of a link, even where the page is not shown; where that leads."""
    token = await browser.token(REQUEST)
    response = await browser.post(page, csrf_token=token, password=password, password2=password)
    return leads_to(response)


async def dead(cast: Cast, page: str) -> bool:
    """Whether a link leads nowhere, and changes no password."""
    shown = leads_to(await cast.stranger.get(page)) == "/index"
    return shown and await reset(cast.stranger, page) == "/index" and await lets_in(cast, PASSWORD)


async def lets_in(cast: Cast, password: str) -> bool:
    browser = Browser(cast.stranger.client.app)
    return leads_to(await browser.log_in("susan", password)) == "/index"


async def test_the_login_page_leads_there(cast: Cast) -> None:
    """M-112."""
    page = await cast.stranger.text("/auth/login")
    assert f'<a href="{REQUEST}">Click to Reset It</a>' in page
    assert "Forgot Your Password?" in page
    page = await cast.stranger.text(REQUEST)
    assert title(page) == "Reset Password - Microblog"
    assert heading(page) == "Reset Password"
    assert labels(page) == {"email": "Email"}
    assert value_of(page, "submit") == "Request Password Reset"


async def test_known_and_unknown_addresses_are_one_answer(cast: Cast) -> None:
    """M-113, M-114, T-03, T-04: the same page, after the same statements."""
    seen = []
    for address in ("susan@example.com", "nobody@example.com", "SUSAN@example.com"):
        browser = Browser(cast.stranger.client.app)
        form = {"csrf_token": await browser.token(REQUEST), "email": address}
        with counted(cast) as statements:
            response = await browser.post(REQUEST, **form)
        assert leads_to(response) == "/auth/login"
        assert flashes(await browser.text("/auth/login")) == [CHECK]
        shapes = [statement.split()[0] for statement in statements]
        own = ("set-cookie", "x-request-id")
        headers = {k: v for k, v in response.headers.items() if k.lower() not in own}
        seen.append((shapes, await body(response), headers))
    assert seen[0] == seen[1] == seen[2]
    reset_letter = (grants.RESET, "susan@example.com", "en")
    assert await records.letters(cast) == [reset_letter] * 2


async def test_an_unknown_address_is_not_kept(cast: Cast) -> None:
    await cast.stranger.submit(REQUEST, email="nobody-at-all@example.com")
    held = await records.everything(cast)
    assert held.count("nobody-at-all") == 1  # the allowance of letters to it
    assert "letter-reset:nobody-at-all@example.com" in held


async def test_a_disabled_account_gets_no_letter(cast: Cast) -> None:
    async with cast.resources.database.begin() as session:
        await users.disable(session, await users.by_id(session, cast.susan.id))
    await cast.stranger.submit(REQUEST, email="susan@example.com")
    assert await records.letters(cast) == []


async def test_an_address_has_a_shape(cast: Cast) -> None:
    """M-115, T-13: one mailbox, or a message at the field."""
    for odd, status in (
        ("", 200),
        ("foo", 200),
        ("susan@example.com, john@example.com", 200),
        ("susan@example.com\nBcc: john@example.com", 200),
        ("x" * 120 + "@example.com", 200),
        ("su\x00san@example.com", 400),
        ("😀", 200),
        ("susan\u202e@example.com", 200),
    ):
        response = await cast.stranger.submit(REQUEST, email=odd)
        assert response.status_code == status, odd
        assert error_at(await body(response), "email"), odd
    assert await records.letters(cast) == []


async def test_who_is_in_needs_no_letter(cast: Cast) -> None:
    """M-116."""
    assert leads_to(await cast.susan.browser.get(REQUEST)) == "/index"
    token = await cast.susan.browser.token("/")
    response = await cast.susan.browser.post(REQUEST, csrf_token=token, email="susan@example.com")
    assert leads_to(response) == "/index"
    assert await records.letters(cast) == []


async def test_what_the_link_holds(cast: Cast) -> None:
    """M-121: HS256 over the service's secret, ten minutes, and a random part."""
    first, second = await ask(cast, cast.susan), await ask(cast, cast.susan)
    tokens = [page.rpartition("/")[2] for page in (first, second)]
    read = [jwt.decode(t, cast.resources.secret_key, algorithms=["HS256"]) for t in tokens]
    for token, claims in zip(tokens, read, strict=True):
        assert jwt.get_unverified_header(token)["alg"] == "HS256"
        assert set(claims) == {"reset_password", "exp", "jti"}
        assert claims["reset_password"] == cast.susan.id
        assert claims["exp"] == pytest.approx(time.time() + 600, abs=30)
        assert len(claims["jti"]) >= 22
    assert read[0]["jti"] != read[1]["jti"]


async def test_a_good_link_shows_the_form(cast: Cast) -> None:
    """M-122, T-14: nobody else hears of the address, and nobody keeps the page."""
    page = await ask(cast, cast.susan)
    response = await cast.stranger.get(page)
    text = await body(response)
    assert response.headers.getlist("Referrer-Policy") == ["no-referrer"]
    assert response.headers["Cache-Control"] == "no-store"
    assert title(text) == "Welcome to Microblog"
    assert heading(text) == "Reset Your Password"
    assert labels(text) == {"password": "Password", "password2": "Repeat Password"}
    assert value_of(text, "submit") == "Request Password Reset"
    assert "http" not in text.replace("http-equiv", "")


async def test_a_new_password(cast: Cast) -> None:
    """M-125: the new one works, the old one does not."""
    page = await ask(cast, cast.susan)
    response = await cast.stranger.submit(page, password=NEW, password2=NEW)
    assert leads_to(response) == "/auth/login"
    assert flashes(await cast.stranger.text("/auth/login"))[-1] == "Your password has been reset."
    assert not await lets_in(cast, PASSWORD)
    assert await lets_in(cast, NEW)
    assert ("password_changed", "susan@example.com", "en") in await records.letters(cast)


async def test_a_message_is_shown_once(cast: Cast) -> None:
    """M-128."""
    page = await ask(cast, cast.susan)
    assert flashes(await cast.stranger.text("/auth/login")) == [CHECK]
    assert flashes(await cast.stranger.text("/auth/login")) == []
    await reset(cast.stranger, page)
    assert flashes(await cast.stranger.text(REQUEST)) == ["Your password has been reset."]
    assert flashes(await cast.stranger.text("/auth/login")) == []


async def test_two_different_passwords(cast: Cast) -> None:
    """M-126: an error at its field; nothing is changed, nothing is used up."""
    page = await ask(cast, cast.susan)
    for field, fields in (
        ("password2", {"password": NEW, "password2": f"{NEW}!"}),
        ("password", {"password": "", "password2": ""}),
        ("password", {"password": "short", "password2": "short"}),
        ("password", {"password": "é" * 513, "password2": "é" * 513}),
        ("password", {"password": "x" * 1025, "password2": "x" * 1025}),
    ):
        response = await cast.stranger.submit(page, **fields)
        assert response.status_code == 200
        text = await body(response)
        assert error_at(text, field), fields
        assert value_of(text, "password") == value_of(text, "password2") == ""
        assert response.headers["Referrer-Policy"] == "no-referrer"
    assert await lets_in(cast, PASSWORD)
    assert await reset(cast.stranger, page) == "/auth/login"


@pytest.mark.parametrize("odd", ["a\x00 password", "😀" * 8, "\u202epassword\u202c", " \t 12345"])
async def test_any_text_is_a_password(cast: Cast, odd: str) -> None:
    """T-06."""
    assert await reset(cast.stranger, await ask(cast, cast.susan), odd) == "/auth/login"
    assert await lets_in(cast, odd)
    assert not await lets_in(cast, odd[:-1])


async def test_the_name_is_no_password(cast: Cast) -> None:
    """T-06."""
    await records.change(cast, cast.susan, username="susanna-x", username_key="susanna-x")
    page = await ask(cast, cast.susan)
    response = await cast.stranger.submit(page, password="Susanna-X", password2="Susanna-X")
    assert error_at(await body(response), "password")


async def test_who_is_in_needs_no_reset(cast: Cast) -> None:
    """M-127."""
    page = await ask(cast, cast.susan)
    assert leads_to(await cast.john.browser.get(page)) == "/index"
    token = await cast.john.browser.token("/")
    response = await cast.john.browser.post(page, csrf_token=token, password=NEW, password2=NEW)
    assert leads_to(response) == "/index"
    assert await lets_in(cast, PASSWORD)


async def test_a_forged_link(cast: Cast) -> None:
    """M-123, T-12: garbage, another secret, another algorithm, other claims."""
    good = (await ask(cast, cast.susan)).rpartition("/")[2]
    key = cast.resources.secret_key
    claims = jwt.decode(good, key, algorithms=["HS256"])
    other = "a secret that is not the service's own, long enough"
    forged = (
        "garbage",
        "a.b.c",
        "..",
        "eyJhbGciOiJub25lIn0..",
        "W1tb" * 240,
        "x" * 1500,
        "ü😀",
        jwt.encode(claims, other, algorithm="HS256"),
        jwt.encode(claims, key.ljust(64, "x"), algorithm="HS512"),
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode({**claims, "jti": "x"}, key, algorithm="HS256"),
        jwt.encode({**claims, "jti": None}, key, algorithm="HS256"),
        jwt.encode({**claims, "jti": ["x"]}, key, algorithm="HS256"),
        jwt.encode({**claims, "exp": time.time() - 1}, key, algorithm="HS256"),
        jwt.encode({**claims, "exp": "soon"}, key, algorithm="HS256"),
        jwt.encode({k: v for k, v in claims.items() if k != "exp"}, key, algorithm="HS256"),
        jwt.encode({k: v for k, v in claims.items() if k != "jti"}, key, algorithm="HS256"),
        jwt.encode({"exp": claims["exp"], "jti": claims["jti"]}, key, algorithm="HS256"),
        jwt.encode({**claims, grants.CONFIRM: cast.susan.id}, other, algorithm="HS256"),
    )
    for token in forged:
        assert leads_to(await cast.stranger.get(f"/auth/reset_password/{token}")) == "/index", token
        assert await reset(cast.stranger, f"/auth/reset_password/{token}") == "/index", token
    assert await lets_in(cast, PASSWORD)
    assert await reset(cast.stranger, f"/auth/reset_password/{good}") == "/auth/login"


async def test_every_character_counts(cast: Cast) -> None:
    """T-12: the last one too, of which decoders overlook a part."""
    page = await ask(cast, cast.susan)
    token = page.rpartition("/")[2]
    changed = [token[:-1] + c for c in string.ascii_letters + "-_" if c != token[-1]]
    changed += [f"{token}=", f"{token}!", f"{token}A", token[:-1], f"{token[:-1]}!{token[-1]}"]
    for place in range(0, len(token) - 1, 7):
        other = "A" if token[place] != "A" else "B"
        changed.append(token[:place] + other + token[place + 1 :])
    async with cast.resources.database.reading() as session:
        for forged in changed:
            key = cast.resources.secret_key
            assert await grants.find(session, grants.RESET, forged, key=key) is None, forged
    assert await dead(cast, f"/auth/reset_password/{changed[0]}")
    assert (await cast.stranger.get(page)).status_code == 200


async def test_a_link_of_another_kind(cast: Cast) -> None:
    """T-12: who may confirm an address may not set a password."""
    async with cast.resources.database.begin() as session:
        susan = await users.by_id(session, cast.susan.id)
        key = cast.resources.secret_key
        await accounts.ask_confirmation(session, susan, key=key, language="en")
    token = await records.token(cast, grants.CONFIRM)
    assert await dead(cast, f"/auth/reset_password/{token}")
    page = await ask(cast, cast.susan)
    for path in ("confirm", "restore_address"):
        other = page.replace("reset_password", path)
        assert leads_to(await cast.stranger.get(other)) == "/index"


async def test_a_link_works_once(cast: Cast) -> None:
    """M-123, T-12."""
    page = await ask(cast, cast.susan)
    assert await reset(cast.stranger, page, PASSWORD) == "/auth/login"
    assert await dead(cast, page)


async def test_only_the_newest_link_counts(cast: Cast) -> None:
    """T-12: also after the newest one was used."""
    old, new = await ask(cast, cast.susan), await ask(cast, cast.susan)
    assert await dead(cast, old)
    assert await reset(cast.stranger, new, PASSWORD) == "/auth/login"
    assert await dead(cast, old)


async def test_letters_that_are_asked_for_at_once_leave_one_good_link(cast: Cast) -> None:
    """T-12."""
    form = {"csrf_token": await cast.stranger.token(REQUEST), "email": "susan@example.com"}
    await asyncio.gather(*(cast.stranger.post(REQUEST, **form) for _ in range(8)))
    key = cast.resources.secret_key
    async with cast.resources.database.reading() as session:
        ids = list(await session.scalars(select(Grant.id)))
        tokens = [await grants.link_token(session, number, key=key) for number in ids]
    assert len(ids) == 8
    assert len([token for token in tokens if token]) == 1


async def test_a_link_ends_after_ten_minutes(cast: Cast) -> None:
    """M-123, T-12."""
    page = await ask(cast, cast.susan)
    await records.expire(cast, grants.RESET)
    assert await dead(cast, page)


async def test_time_may_run_out_while_the_form_is_filled_in(cast: Cast) -> None:
    """M-123, T-12: on GET and on POST."""
    page = await ask(cast, cast.susan)
    token = await cast.stranger.token(page)
    await records.expire(cast, grants.RESET)
    response = await cast.stranger.post(page, csrf_token=token, password=NEW, password2=NEW)
    assert leads_to(response) == "/index"
    assert await lets_in(cast, PASSWORD)


async def test_a_link_is_void_once_the_account_has_changed(cast: Cast) -> None:
    """T-12: another password or address, by whatever way."""
    hashed = await cast.resources.hasher.hash(PASSWORD)
    key = cast.resources.secret_key
    for change in ("own password", "operator", "address"):
        page = await ask(cast, cast.susan)
        async with cast.resources.database.begin() as session:
            susan = await users.by_id(session, cast.susan.id)
            if change == "own password":
                await accounts.change_password(session, cast.susan.actor, hashed, language="en")
            elif change == "operator":
                await users.change_password(session, susan.id, hashed)
            else:
                await accounts.ask_new_address(
                    session, cast.susan.actor, "susan2@example.com", key=key, language="en"
                )
        if change == "address":
            token = await records.token(cast, grants.CHANGE_ADDRESS)
            way = await cast.stranger.submit(f"/auth/confirm/{token}")
            assert leads_to(way) == "/auth/login"
            assert (await records.user(cast, cast.susan)).email == "susan2@example.com"
        assert await dead(cast, page), change


async def test_a_link_of_somebody_who_is_gone(cast: Cast) -> None:
    """M-124."""
    page = await ask(cast, cast.susan)
    async with cast.resources.database.begin() as session:
        await accounts.close(session, cast.susan.actor)
    assert leads_to(await cast.stranger.get(page)) == "/index"
    assert await reset(cast.stranger, page) == "/index"


async def test_twenty_at_once_with_one_link(cast: Cast) -> None:
    """T-12: one of them sets the password."""
    page = await ask(cast, cast.susan)
    token = await cast.stranger.token(page)

    async def use(number: int) -> tuple[str, str]:
        password = f"password number {number}"
        form = {"csrf_token": token, "password": password, "password2": password}
        return leads_to(await cast.stranger.post(page, **form)), password

    answers = await asyncio.gather(*(use(number) for number in range(20)))
    assert sorted(way for way, _ in answers) == ["/auth/login"] + ["/index"] * 19
    (won,) = (password for way, password in answers if way == "/auth/login")
    assert await lets_in(cast, won)
    kinds = [kind for kind, _, _ in await records.letters(cast)]
    assert kinds.count("password_changed") == 1


async def test_a_reset_ends_every_login_and_socket(cast: Cast, app: Quart) -> None:
    """T-09."""
    phone = Browser(app)
    await phone.log_in("susan")
    page = await ask(cast, cast.susan)
    async with (
        records.open_socket(cast, cast.susan, phone) as ending,
        records.open_socket(cast, cast.john, cast.john.browser) as staying,
    ):
        assert await reset(cast.stranger, page) == "/auth/login"
        assert await records.close_code(ending) == 4401
        assert staying.outbox.close_code is None
    for browser in (phone, cast.susan.browser):
        assert leads_to(await browser.get("/")).startswith("/auth/login")
    async with cast.resources.database.reading() as session:
        left = select(func.count()).select_from(Session).where(Session.user_id == cast.susan.id)
        assert await session.scalar(left) == 0
    assert heading(await cast.john.browser.text("/")) == "Hi, john!"


@pytest.mark.usefixtures("usual_limits")
async def test_five_letters_for_an_account_and_for_a_client(cast: Cast) -> None:
    """T-16: in silence, and the answer stays the same."""
    token = await cast.stranger.token(REQUEST)

    async def request(address: str, client: str) -> None:
        response = await cast.stranger.client.post(
            REQUEST,
            form={"csrf_token": token, "email": address},
            headers=HTML,
            scope_base={"client": (client, 40000)},
        )
        assert leads_to(response) == "/auth/login"

    for number in range(8):
        await request(("susan@example.com", "Susan@Example.com")[number % 2], f"203.0.113.{number}")
    assert len(await records.letters(cast)) == 5
    for number in range(8):
        await request(f"nobody{number}@example.com", "198.51.100.7")
    await request("john@example.com", "198.51.100.7")
    assert len(await records.letters(cast)) == 5
    await request("john@example.com", "198.51.100.8")
    assert len(await records.letters(cast)) == 6


@pytest.mark.usefixtures("usual_limits")
async def test_letters_at_once_do_not_slip_through(cast: Cast) -> None:
    """T-16."""
    form = {"csrf_token": await cast.stranger.token(REQUEST), "email": "susan@example.com"}
    await asyncio.gather(*(cast.stranger.post(REQUEST, **form) for _ in range(20)))
    assert len(await records.letters(cast)) == 5


async def test_a_browser_that_hides_where_a_form_is_from(cast: Cast) -> None:
    """T-14, T-20: a page without a referrer sends its forms with the origin `null`."""
    page = await ask(cast, cast.susan)
    token = await cast.stranger.token(page)
    fields = {"csrf_token": token, "password": NEW, "password2": NEW}
    for status, headers, sent in (
        (400, {"Origin": "null"}, fields | {"csrf_token": "x"}),
        (400, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}, fields),
        (400, {"Origin": "null", "Sec-Fetch-Site": "none"}, fields),
        (400, {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, fields),
        (400, {"Origin": "https://evil.example"}, fields),
        (302, {"Origin": "null"}, fields),
    ):
        response = await cast.stranger.client.post(page, form=sent, headers=HTML | headers)
        assert response.status_code == status, headers
    # What else stands on such a page; a browser that says nothing of the site is not believed.
    menu = {"csrf_token": token, "language": "es"}
    for status, extra in ((302, {"Sec-Fetch-Site": "same-origin"}), (400, {})):
        response = await cast.stranger.client.post(
            "/language", form=menu, headers=HTML | {"Origin": "null"} | extra
        )
        assert response.status_code == status
