"""The account page: each of its forms, right and wrong."""

import re
from datetime import UTC, datetime

import pytest
from quart import Quart
from sqlalchemy import func, select

from microblog.domain import grants
from microblog.models import Event, Post, Session, Task, User
from tests.cast import HTML, PASSWORD, Browser, Cast
from tests.web.auth import records
from tests.web.auth.test_logout import stolen
from tests.web.reading import (
    body,
    error_at,
    flashes,
    heading,
    labels,
    leads_to,
    title,
    value_of,
)

PAGE = "/account"
NEW = "another good password"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ODD = {
    "empty": "",
    "overlong": "x" * 3000,
    "NUL": "a\x00b@example.com",
    "emoji": "😀" * 9,
    "turning": "new\u202e@example.com",
    "isolating": "\u2066new\u2069@example.com",
}


async def send(browser: Browser, form: str, **fields: str):
    return await browser.submit(PAGE, to=f"{PAGE}/{form}", **fields)


async def refused(cast: Cast, form: str, field: str, **fields: str) -> str:
    """Send something wrong: the error at that field only, and nothing changed or stored."""
    before = await records.account(cast, cast.susan)
    response = await send(cast.susan.browser, form, **fields)
    assert response.status_code in (200, 400), fields
    page = await body(response)
    assert re.findall(r'id="([\w-]+)-error"', page) == [field], fields
    assert title(page) == "Account - Microblog"
    for secret in {fields.get("old_password"), fields.get("password")} - {"", None}:
        assert secret not in page
    assert await records.account(cast, cast.susan) == before
    return error_at(page, field)


async def right(browser: Browser, password: str) -> bool:
    other = Browser(browser.client.app)
    return leads_to(await other.log_in("susan", password)) == "/index"


async def test_what_the_page_shows(cast: Cast) -> None:
    page = await cast.susan.browser.text(PAGE)
    assert title(page) == "Account - Microblog"
    assert f'href="{PAGE}"' in await cast.susan.browser.text("/user/susan")
    assert f'href="{PAGE}"' not in await cast.john.browser.text("/user/susan")
    assert "susan@example.com" in page
    assert "john@example.com" not in page
    assert set(labels(page).values()) == {
        "Language",
        "Time zone",
        "Current password",
        "New password",
        "Repeat Password",
        "New address",
        "Name of the token",
        "Read what you can read, except for messages",
        "Change what you can change: posts, follows, profile",
        "Read and send messages",
        "For how long",
        "Translate posts as they arrive",
        "Bring posts back out of an archive",
    }
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert leads_to(await cast.stranger.get(PAGE)) == "/auth/login?next=/account"


# The password


async def test_a_new_password_ends_every_other_login(cast: Cast, app: Quart) -> None:
    """T-08, T-09: this browser stays, with a login of its own; copies of its cookie are dead."""
    thief, phone = stolen(cast, app), Browser(app)
    await phone.log_in("susan")
    async with records.open_socket(cast, cast.susan, phone) as socket:
        response = await send(
            cast.susan.browser, "password", old_password=PASSWORD, password=NEW, password2=NEW
        )
        assert leads_to(response) == PAGE
        assert await records.close_code(socket) == 4401
    told = "Your password has been changed. Every other login has ended."
    page = await cast.susan.browser.text(PAGE)
    assert flashes(page) == [told]
    assert page.count('class="login"') == 1
    for browser in (thief, phone):
        assert leads_to(await browser.get("/")).startswith("/auth/login")
    assert await right(phone, NEW)
    assert not await right(phone, PASSWORD)
    assert await records.letters(cast) == [("password_changed", "susan@example.com", "en")]
    async with records.open_socket(cast, cast.susan, cast.susan.browser) as socket:
        assert socket.outbox.close_code is None


async def test_a_page_from_before_is_worth_nothing(cast: Cast) -> None:
    """T-08."""
    token = await cast.susan.browser.token("/")
    await send(cast.susan.browser, "password", old_password=PASSWORD, password=NEW, password2=NEW)
    assert (await cast.susan.browser.post("/", csrf_token=token, post="x")).status_code == 400


@pytest.mark.parametrize("odd", [name for name in ODD if name != "empty"])
async def test_the_present_password_is_asked_for(cast: Cast, odd: str) -> None:
    """In every form that matters; a mistake is said at its field."""
    wrong = ODD[odd]
    told = "This is not your password."
    new = {"password": NEW, "password2": NEW}
    assert await refused(cast, "password", "password-old", old_password=wrong, **new) == told
    fields = {"email": "new@example.com", "old_password": wrong}
    assert await refused(cast, "address", "address-password", **fields) == told
    assert await refused(cast, "delete", "delete-password", old_password=wrong) == told


async def test_nothing_is_no_password(cast: Cast) -> None:
    told = "This field is required."
    new = {"password": NEW, "password2": NEW}
    assert await refused(cast, "password", "password-old", old_password="", **new) == told
    fields = {"email": "new@example.com", "old_password": ""}
    assert await refused(cast, "address", "address-password", **fields) == told
    assert await refused(cast, "delete", "delete-password", old_password="") == told


async def test_a_bad_new_password(cast: Cast) -> None:
    """T-06."""
    for field, password, repeated in (
        ("password-new", "tooshrt", "tooshrt"),
        ("password-new", "x" * 1025, "x" * 1025),
        ("password-repeat", NEW, f"{NEW}?"),
        ("password-repeat", NEW, ""),
        ("password-new", "😀" * 7, "😀" * 7),
    ):
        fields = {"old_password": PASSWORD, "password": password, "password2": repeated}
        assert await refused(cast, "password", field, **fields)
    await records.change(cast, cast.susan, username="susanna-x", username_key="susanna-x")
    named = {"old_password": PASSWORD, "password": "Susanna-X", "password2": "Susanna-X"}
    assert await refused(cast, "password", "password-new", **named)


@pytest.mark.parametrize("odd", ["\x00" * 8, "😀" * 9, "\u202eturned about", "é" * 512])
async def test_any_text_is_a_password(cast: Cast, odd: str) -> None:
    """T-06."""
    fields = {"old_password": PASSWORD, "password": odd, "password2": odd}
    assert leads_to(await send(cast.susan.browser, "password", **fields)) == PAGE
    assert await right(cast.susan.browser, odd)


# The address


@pytest.mark.parametrize("odd", ODD)
async def test_a_bad_address(cast: Cast, odd: str) -> None:
    """T-13: said at its field, and what was typed is still there."""
    assert await refused(cast, "address", "address-new", email=ODD[odd], old_password=PASSWORD)
    response = await send(cast.susan.browser, "address", email=ODD[odd], old_password=PASSWORD)
    assert response.status_code == (400 if odd == "NUL" else 200)
    if odd != "NUL":
        assert value_of(await body(response), "email") == ODD[odd]


async def test_an_address_that_is_taken(cast: Cast) -> None:
    for taken in ("john@example.com", "JOHN@Example.com", "susan@example.com"):
        told = await refused(cast, "address", "address-new", email=taken, old_password=PASSWORD)
        assert told == "Please use a different email address."


async def test_a_good_address_waits_for_its_link(cast: Cast) -> None:
    fields = {"email": "new@example.com", "old_password": PASSWORD}
    assert leads_to(await send(cast.susan.browser, "address", **fields)) == PAGE
    page = await cast.susan.browser.text(PAGE)
    asked = "We have sent a letter to the new address. Please follow the link in it."
    assert flashes(page) == [asked]
    assert "susan@example.com" in page
    assert await records.letters(cast) == [("confirm_new_address", "new@example.com", "en")]


async def test_a_new_password_voids_an_address_that_was_asked_for(cast: Cast) -> None:
    """Whoever knew the old password may have asked for it."""
    fields = {"email": "thief@example.com", "old_password": PASSWORD}
    await send(cast.susan.browser, "address", **fields)
    token = await records.token(cast, grants.CHANGE_ADDRESS)
    await send(cast.susan.browser, "password", old_password=PASSWORD, password=NEW, password2=NEW)
    assert leads_to(await cast.stranger.get(f"/auth/confirm/{token}")) == "/index"


@pytest.mark.usefixtures("usual_limits")
async def test_five_letters_to_new_addresses(cast: Cast) -> None:
    """T-16."""
    statuses = []
    for number in range(7):
        fields = {"email": f"new{number}@example.com", "old_password": PASSWORD}
        statuses.append((await send(cast.susan.browser, "address", **fields)).status_code)
    assert statuses == [302] * 5 + [429] * 2
    assert len(await records.letters(cast)) == 5


@pytest.mark.usefixtures("usual_limits")
async def test_guesses_count_as_at_the_login(cast: Cast) -> None:
    """T-01: an open page of somebody's is no way to try passwords; the right one is no guess."""
    for _ in range(12):
        fields = {"old_password": PASSWORD, "password": PASSWORD, "password2": "x"}
        assert (await send(cast.susan.browser, "password", **fields)).status_code == 200
    token = await cast.susan.browser.token(PAGE)
    statuses = []
    for form in ("delete", "password", "address") * 4:
        fields = {"email": "a@example.com", "password": NEW, "password2": NEW}
        response = await cast.susan.browser.post(
            f"{PAGE}/{form}", csrf_token=token, old_password="wrong", **fields
        )
        statuses.append(response.status_code)
    assert statuses == [200] * 10 + [429] * 2


# Language and time


async def test_language_and_time_zone_are_kept_and_used(cast: Cast) -> None:
    await records.change(cast, cast.john, last_seen_at=datetime(2026, 1, 2, 23, 30, tzinfo=UTC))
    browser = cast.susan.browser
    await send(browser, "words", language="es", time_zone="Asia/Tokyo")
    found = await records.user(cast, cast.susan)
    assert (found.language, found.time_zone) == ("es", "Asia/Tokyo")
    page = await browser.text("/user/john")
    assert '<html lang="es"' in page
    assert "3 de enero de 2026" in page
    assert re.search(r"8:30:00|08:30:00", page)
    form = await browser.text(PAGE)
    assert re.search(r'<option selected value="es">', form)
    assert re.search(r'<option selected value="Asia/Tokyo">', form)
    await send(browser, "words", language="", time_zone="")
    found = await records.user(cast, cast.susan)
    assert (found.language, found.time_zone) == (None, None)
    assert '<html lang="en"' in await browser.text("/user/john")


async def test_each_reads_in_an_own_language(cast: Cast) -> None:
    await send(cast.susan.browser, "words", language="es", time_zone="")
    cast.john.browser.client.set_cookie("localhost", "language", "es")
    assert '<html lang="es"' in await cast.john.browser.text("/")
    assert '<html lang="en"' in await cast.mary.browser.text("/")
    header = await cast.susan.browser.get("/", **{"Accept-Language": "en"})
    assert '<html lang="es"' in await body(header)


@pytest.mark.parametrize("odd", [*(name for name in ODD if name != "empty"), "unknown"])
async def test_odd_words(cast: Cast, odd: str) -> None:
    wrong = ODD.get(odd, "xx")
    assert await refused(cast, "words", "language", language=wrong, time_zone="UTC")
    assert await refused(cast, "words", "time_zone", language="es", time_zone=wrong)


async def test_the_menu_at_the_foot(cast: Cast) -> None:
    """In this browser; for an account only if it has chosen a language before."""
    response = await cast.stranger.submit("/auth/login", to="/language", language="es")
    assert leads_to(response) == "/index"
    assert '<html lang="es"' in await cast.stranger.text("/auth/login")
    await cast.susan.browser.submit("/", to="/language", language="es", next="/explore")
    assert (await records.user(cast, cast.susan)).language is None
    await send(cast.susan.browser, "words", language="en", time_zone="UTC")
    response = await cast.susan.browser.submit("/", to="/language", language="es", next="//evil")
    assert leads_to(response) == "/index"
    found = await records.user(cast, cast.susan)
    assert (found.language, found.time_zone) == ("es", "UTC")
    for odd in ("xx", "\x00", "", "e" * 5000):
        response = await cast.stranger.submit("/auth/login", to="/language", language=odd)
        assert leads_to(response) == "/index"


# Logins


async def login_ids(cast: Cast, person: str) -> list[int]:
    async with cast.resources.database.reading() as session:
        query = select(Session.id).join(User).where(User.username == person).order_by(Session.id)
        return list(await session.scalars(query))


async def test_where_one_is_logged_in(cast: Cast, app: Quart) -> None:
    """The device of each, when it was used, and which one this is."""
    phone = Browser(app)
    token = await phone.token("/auth/login")
    fields = {"csrf_token": token, "username": "susan", "password": PASSWORD}
    await phone.client.post("/auth/login", form=fields, headers={**HTML, "User-Agent": FIREFOX})
    page = await phone.text(PAGE)
    items = re.findall(r'<li class="login">.*?</li>', page, re.S)
    assert len(items) == 2
    own, other = sorted(items, key=lambda item: "login-here" not in item)
    assert "Firefox, Linux" in own
    assert '<span class="login-here">this one</span>' in own
    assert "/end" not in own
    assert "login-here" not in other
    first, second = await login_ids(cast, "susan")
    assert f'action="/account/logins/{first}/end"' in other
    assert f"/account/logins/{second}/end" not in page
    assert all("datetime=" in item for item in items)


async def test_a_device_s_own_words_are_only_text(cast: Cast, app: Quart) -> None:
    odd = Browser(app)
    token = await odd.token("/auth/login")
    fields = {"csrf_token": token, "username": "susan", "password": PASSWORD}
    agent = "<script>alert(1)</script>" + "y" * 500
    await odd.client.post("/auth/login", form=fields, headers={**HTML, "User-Agent": agent})
    page = await odd.text(PAGE)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


async def test_ending_one_login(cast: Cast, app: Quart) -> None:
    """T-09: its cookie and its sockets; the others stay."""
    phone = Browser(app)
    await phone.log_in("susan")
    first, second = await login_ids(cast, "susan")
    async with (
        records.open_socket(cast, cast.susan, phone) as ending,
        records.open_socket(cast, cast.susan, cast.susan.browser) as staying,
    ):
        response = await send(cast.susan.browser, f"logins/{second}/end", submit="1")
        assert leads_to(response) == PAGE
        assert await records.close_code(ending) == 4401
        assert staying.outbox.close_code is None
    assert leads_to(await phone.get("/")).startswith("/auth/login")
    assert heading(await cast.susan.browser.text("/")) == "Hi, susan!"
    assert await login_ids(cast, "susan") == [first]


async def test_other_people_s_logins_are_not_there(cast: Cast) -> None:
    """The same answer for those of others, those that are over, and those that never were."""
    (foreign,) = await login_ids(cast, "john")
    for number in (foreign, 0, 999_999, 2**31 - 1, 2**31, 2**70):
        response = await send(cast.susan.browser, f"logins/{number}/end")
        assert response.status_code == 404, number
    assert await login_ids(cast, "john") == [foreign]


async def test_log_out_everywhere(cast: Cast, app: Quart) -> None:
    """T-09."""
    thief, phone = stolen(cast, app), Browser(app)
    await phone.log_in("susan")
    async with records.open_socket(cast, cast.susan, phone) as socket:
        assert leads_to(await send(cast.susan.browser, "logins/end")) == "/auth/login"
        assert await records.close_code(socket) == 4401
    for browser in (thief, phone, cast.susan.browser):
        assert leads_to(await browser.get("/")).startswith("/auth/login")
    assert "You are logged out everywhere." in flashes(await cast.susan.browser.text("/auth/login"))
    assert await login_ids(cast, "susan") == []
    assert heading(await cast.john.browser.text("/")) == "Hi, john!"


# Deletion


async def test_deleting_the_account(cast: Cast, app: Quart) -> None:
    """T-09: what was written goes, open pages hear of it, and nothing of the person is left."""
    thief = stolen(cast, app)
    posts = {await cast.publish(cast.susan, f"post {number}") for number in range(3)}
    kept = await cast.publish(cast.john, "john's")
    await cast.follow(cast.susan, cast.john)
    await cast.follow(cast.john, cast.susan)
    await send(cast.susan.browser, "address", email="new-one@example.com", old_password=PASSWORD)
    page = await cast.susan.browser.text(PAGE)
    assert "deleted at once and for good" in page
    async with records.open_socket(cast, cast.susan, thief) as socket:
        response = await send(cast.susan.browser, "delete", old_password=PASSWORD)
        assert leads_to(response) == "/auth/login"
        assert await records.close_code(socket) == 4401
    page = await cast.susan.browser.text("/auth/login")
    assert flashes(page) == ["Your account and everything you wrote are deleted."]
    for browser in (thief, cast.susan.browser):
        assert leads_to(await browser.get("/")).startswith("/auth/login")
    async with cast.resources.database.reading() as session:
        deleted = await session.scalars(
            select(Event.subject_id).where(Event.kind == "post.deleted")
        )
        assert set(deleted) == posts
        assert list(await session.scalars(select(Post.id))) == [kept]
        whose = Task.subject_id == cast.susan.id
        assert await session.scalar(select(func.count()).where(whose)) == 0
    held = await records.everything(cast)
    assert "susan@example.com" not in held
    assert "new-one@example.com" not in held
    assert (await cast.john.browser.get("/user/susan")).status_code == 404
    assert leads_to(await cast.stranger.log_in("susan")) == "/auth/login"


async def test_the_name_is_free_again(cast: Cast) -> None:
    old = cast.susan.id
    await cast.follow(cast.john, cast.susan)
    await send(cast.susan.browser, "delete", old_password=PASSWORD)
    fields = {"username": "Susan", "email": "susan@example.com"}
    response = await cast.stranger.submit("/auth/register", password=NEW, password2=NEW, **fields)
    assert leads_to(response) == "/auth/login"
    async with cast.resources.database.reading() as session:
        found = await session.scalar(select(User).where(User.username == "Susan"))
    assert found is not None
    assert found.id > old
    assert "0 followers" in await cast.john.browser.text("/user/Susan")


async def test_deleting_twice_at_once(cast: Cast) -> None:
    token = await cast.susan.browser.token(PAGE)
    fields = {"csrf_token": token, "old_password": PASSWORD}
    assert leads_to(await cast.susan.browser.post(f"{PAGE}/delete", **fields)) == "/auth/login"
    again = await cast.susan.browser.post(f"{PAGE}/delete", **fields)
    assert leads_to(again).startswith("/auth/login")


# How others see a person


async def test_a_display_name_turns_nothing(cast: Cast) -> None:
    """What would turn the direction of the words around it is refused at its field."""
    for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A)):
        fields = {"username": "susan", "about_me": "", "display_name": f"Su{chr(code)}san"}
        response = await cast.susan.browser.submit("/edit_profile", **fields)
        assert response.status_code == 400
        assert f"U+{code:04X}" in error_at(await body(response), "display_name")
    assert (await records.user(cast, cast.susan)).display_name == ""
    for fine in ("سوزان", "שושנה\u200f", "Sušan 😀"):
        fields["display_name"] = fine
        assert leads_to(await cast.susan.browser.submit("/edit_profile", **fields))
        assert (await records.user(cast, cast.susan)).display_name == fine
