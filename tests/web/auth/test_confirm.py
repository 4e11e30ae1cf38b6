"""Links that say an address is somebody's, and what holds before they are used."""

from collections.abc import Awaitable, Callable

import pytest
from quart import Quart

from microblog.domain import accounts, grants, users
from microblog.web.access import Access
from tests.cast import HTML, PASSWORD, Browser, Cast
from tests.test_laws import EXAMPLES
from tests.web.auth import records
from tests.web.reading import body, flashes, heading, leads_to, texts

BANNER = "Your address is not confirmed yet."
NO_LONGER = "This link is no longer good."
# What somebody whose address is not confirmed may still change, whatever the mode.
ALLOWED = {
    "auth.send_confirmation",
    "auth.change_password",
    "auth.change_address",
    "auth.change_words",
    "auth.change_reading",
    "auth.end_login",
    "auth.end_all_logins",
    "auth.revoke_token",
    "auth.delete_account",
}


async def unconfirm(cast: Cast) -> str:
    """susan's address is not confirmed; the page that her link leads to."""
    await records.change(cast, cast.susan, confirmed_at=None)
    async with cast.resources.database.begin() as session:
        susan = await users.by_id(session, cast.susan.id)
        key = cast.resources.secret_key
        await accounts.ask_confirmation(session, susan, key=key, language="en")
    return f"/auth/confirm/{await records.token(cast, grants.CONFIRM)}"


async def ask_new(cast: Cast, email: str = "new@example.com") -> str:
    async with cast.resources.database.begin() as session:
        key = cast.resources.secret_key
        await accounts.ask_new_address(session, cast.susan.actor, email, key=key, language="en")
    return f"/auth/confirm/{await records.token(cast, grants.CHANGE_ADDRESS)}"


async def confirmed(cast: Cast) -> bool:
    return (await records.user(cast, cast.susan)).confirmed_at is not None


async def test_a_link_shows_a_button_and_the_button_does_it(cast: Cast) -> None:
    """T-14, T-23: whoever only opens it confirms nothing, and nobody else hears of it."""
    link = await unconfirm(cast)
    response = await cast.stranger.get(link)
    assert response.headers.getlist("Referrer-Policy") == ["no-referrer"]
    assert response.headers["Cache-Control"] == "no-store"
    page = await body(response)
    assert heading(page) == "Confirm your address"
    assert "susan@example.com" in page
    assert not await confirmed(cast)
    assert leads_to(await cast.stranger.submit(link, submit="1")) == "/auth/login"
    assert flashes(await cast.stranger.text("/auth/login")) == ["Your address is confirmed."]
    assert await confirmed(cast)


async def test_logged_in_it_leads_home(cast: Cast) -> None:
    assert leads_to(await cast.susan.browser.submit(await unconfirm(cast))) == "/index"
    assert await confirmed(cast)


async def test_links_that_are_wrong(cast: Cast) -> None:
    """T-12: used, old, older than a newer one, of somebody gone, for an earlier address, odd."""
    used = await unconfirm(cast)
    assert leads_to(await cast.stranger.submit(used)) == "/auth/login"
    superseded = await unconfirm(cast)
    earlier = await unconfirm(cast)
    await records.change(cast, cast.susan, email="other@x.example", email_key="other@x.example")
    wrong = ["/auth/confirm/x", "/auth/restore_address/x", used, superseded, f"{earlier}x"]
    for link in wrong:
        await nowhere(cast, link)
    assert leads_to(await cast.stranger.submit(earlier)) == "/auth/login"
    assert flashes(await cast.stranger.text("/auth/login"))[-1] == NO_LONGER
    assert not await confirmed(cast)
    late = await unconfirm(cast)
    await records.expire(cast, grants.CONFIRM)
    await nowhere(cast, late)
    gone = await unconfirm(cast)
    async with cast.resources.database.begin() as session:
        await accounts.close(session, cast.susan.actor)
    await nowhere(cast, gone)


async def nowhere(cast: Cast, link: str) -> None:
    assert leads_to(await cast.stranger.get(link)) == "/index"
    token = await cast.stranger.token("/auth/login")
    assert leads_to(await cast.stranger.post(link, csrf_token=token)) == "/index"


async def test_three_days(cast: Cast) -> None:
    assert grants.LIFETIMES[grants.CONFIRM].days == 3
    link = await unconfirm(cast)
    async with cast.resources.database.begin() as session:
        for grant in await session.scalars(records.all_of(grants.CONFIRM)):
            grant.expires_at -= grants.LIFETIMES[grants.CONFIRM] * 0.99
    assert leads_to(await cast.stranger.submit(link)) == "/auth/login"


async def test_a_new_address_holds_once_its_link_is_used(cast: Cast) -> None:
    first, link = await ask_new(cast, "first@example.com"), await ask_new(cast)
    page = await cast.stranger.text(link)
    assert heading(page) == "Confirm your address"
    assert "new@example.com" in page
    assert (await records.user(cast, cast.susan)).email == "susan@example.com"
    await nowhere(cast, first)
    assert leads_to(await cast.stranger.submit(link)) == "/auth/login"
    assert (await records.user(cast, cast.susan)).email == "new@example.com"
    await nowhere(cast, link)
    await nowhere(cast, first)


async def test_an_address_that_was_taken_meanwhile(cast: Cast) -> None:
    link = await ask_new(cast)
    await records.change(cast, cast.john, email="new@example.com", email_key="new@example.com")
    assert leads_to(await cast.stranger.submit(link)) == "/auth/login"
    told = flashes(await cast.stranger.text("/auth/login"))
    assert told == ["Please use a different email address."]
    assert (await records.user(cast, cast.susan)).email == "susan@example.com"


async def test_the_way_back(cast: Cast) -> None:
    """Every login ends, this browser's too, and what the other one asked for is void."""
    await cast.stranger.submit(await ask_new(cast))
    back = f"/auth/restore_address/{await records.token(cast, grants.RESTORE_ADDRESS)}"
    response = await cast.susan.browser.get(back)
    assert response.headers.getlist("Referrer-Policy") == ["no-referrer"]
    assert "susan@example.com" in await body(response)
    pending = await ask_new(cast, "third@example.com")
    await cast.susan.browser.submit(back)
    assert (await records.user(cast, cast.susan)).email == "susan@example.com"
    assert leads_to(await cast.susan.browser.get("/")).startswith("/auth/login")
    await nowhere(cast, pending)
    await nowhere(cast, back)


async def test_a_second_change_does_not_close_the_way_back(cast: Cast) -> None:
    """Whoever took an account over could otherwise shut its owner out with two changes."""
    backs = []
    for address in ("thief@example.com", "thief2@example.com"):
        await cast.stranger.submit(await ask_new(cast, address))
        backs.append(f"/auth/restore_address/{await records.token(cast, grants.RESTORE_ADDRESS)}")
    await cast.stranger.submit(backs[1])
    assert (await records.user(cast, cast.susan)).email == "thief@example.com"
    await cast.stranger.submit(backs[0])
    assert (await records.user(cast, cast.susan)).email == "susan@example.com"
    for back in backs:
        await nowhere(cast, back)


async def test_using_the_first_way_back_closes_the_later_ones(cast: Cast) -> None:
    backs = []
    for address in ("thief@example.com", "thief2@example.com"):
        await cast.stranger.submit(await ask_new(cast, address))
        backs.append(f"/auth/restore_address/{await records.token(cast, grants.RESTORE_ADDRESS)}")
    await cast.stranger.submit(backs[0])
    await nowhere(cast, backs[1])
    assert (await records.user(cast, cast.susan)).email == "susan@example.com"


async def test_a_link_that_is_void_logs_nobody_out(cast: Cast) -> None:
    await cast.stranger.submit(await ask_new(cast))
    back = f"/auth/restore_address/{await records.token(cast, grants.RESTORE_ADDRESS)}"
    token = await cast.susan.browser.token(back)
    await cast.stranger.submit(back)
    await cast.susan.browser.log_in("susan")
    response = await cast.susan.browser.post(back, csrf_token=token)
    assert response.status_code in (302, 400)
    assert heading(await cast.susan.browser.text("/")) == "Hi, susan!"


async def test_asked_quietly(cast: Cast) -> None:
    """`ask`, the default: a banner on every page that offers the letter; all the rest works."""
    await unconfirm(cast)
    browser = cast.susan.browser
    for path in ("/", "/explore", "/user/susan", "/account"):
        assert (await browser.text(path)).count(BANNER) == 1
    assert BANNER not in await cast.john.browser.text("/")
    assert leads_to(await browser.submit("/", post="written all the same")) == "/index"
    before = await records.letters(cast)
    assert leads_to(await browser.submit("/", to="/account/confirmation")) == "/account"
    sent = "We have sent you a letter. Please follow the link in it."
    assert flashes(await browser.text("/account")) == [sent]
    after = await records.letters(cast)
    assert after[len(before) :] == [("confirm_address", "susan@example.com", "en")]


async def test_who_is_confirmed_gets_no_letter(cast: Cast) -> None:
    await cast.susan.browser.submit("/", to="/account/confirmation")
    assert await records.letters(cast) == []


@pytest.mark.usefixtures("usual_limits")
async def test_five_letters(cast: Cast) -> None:
    """T-16: in silence."""
    await records.change(cast, cast.susan, confirmed_at=None)
    token = await cast.susan.browser.token("/")
    for _ in range(8):
        response = await cast.susan.browser.post("/account/confirmation", csrf_token=token)
        assert leads_to(response) == "/account"
    assert len(await records.letters(cast)) == 5


@pytest.mark.usefixtures("confirmation_off")
async def test_nobody_is_asked(cast: Cast) -> None:
    """`off`."""
    await records.change(cast, cast.susan, confirmed_at=None)
    assert BANNER not in await cast.susan.browser.text("/")
    await cast.susan.browser.submit("/", to="/account/confirmation")
    assert await records.letters(cast) == []


@pytest.mark.usefixtures("confirmation_required")
async def test_until_confirmed_one_may_read_and_not_write(app: Quart, cast: Cast) -> None:
    """`require`: every change but the account's own is refused."""
    link = await unconfirm(cast)
    post = await cast.publish(cast.susan, "from before")
    browser = cast.susan.browser
    for path in ("/", "/explore", "/user/john", f"/post/{post}", "/account", "/edit_profile"):
        assert BANNER in await browser.text(path)
    token = await browser.token("/")
    refused = set()
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if "POST" not in (rule.methods or ()) or view.access is not Access.MEMBERS:
            continue
        known = {name: EXAMPLES.get(name, 1) for name in rule.arguments}
        known |= {"username": "john", "recipient": "john", "post_id": post}
        path = app.url_map.bind("localhost").build(
            rule.endpoint, {name: known[name] for name in rule.arguments}, method="POST"
        )
        if rule.endpoint in ALLOWED:
            continue
        response = await browser.post(path, csrf_token=token, post="kept <words>")
        assert response.status_code == 403, path
        page = await body(response)
        assert "Please confirm your e-mail address first" in page
        # A path that takes large files reads no other form.
        assert "kept &lt;words&gt;" in page or rule.endpoint == "main.import_posts"
        refused.add(rule.endpoint)
    assert {"main.index", "main.follow", "main.unfollow", "main.edit_profile"} <= refused
    assert {"main.edit_post", "main.delete_post"} <= refused
    assert texts(await cast.john.browser.text("/explore")) == ["from before"]
    await browser.submit(link)
    assert leads_to(await browser.submit("/", post="now")) == "/index"


@pytest.mark.usefixtures("confirmation_required")
async def test_until_confirmed_the_account_is_ones_own(cast: Cast) -> None:
    """`require`: every form of the account works, logging out too."""
    await records.change(cast, cast.susan, confirmed_at=None)
    browser, new = cast.susan.browser, "another good password"
    done: list[Callable[[], Awaitable[object]]] = [
        lambda: browser.submit("/account", to="/account/confirmation"),
        lambda: browser.submit("/account", to="/account/words", language="es", time_zone=""),
        lambda: browser.submit(
            "/account",
            to="/account/password",
            old_password=PASSWORD,
            password=new,
            password2=new,
        ),
        lambda: browser.submit(
            "/account", to="/account/address", email="new@example.com", old_password=new
        ),
        lambda: browser.submit("/account", to="/account/logins/end"),
        lambda: browser.log_in("susan", new),
        lambda: browser.submit("/", to="/auth/logout"),
        lambda: browser.log_in("susan", new),
        lambda: browser.submit("/account", to="/account/delete", old_password=new),
    ]
    for deed in done:
        response = await deed()
        assert leads_to(response) in ("/account", "/auth/login", "/index")
    kinds = [kind for kind, _, _ in await records.letters(cast)]
    assert kinds == []  # gone with the account
    assert leads_to(await browser.log_in("susan", new)) == "/auth/login"


@pytest.mark.usefixtures("confirmation_required")
async def test_a_script_is_told_too(cast: Cast) -> None:
    await records.change(cast, cast.susan, confirmed_at=None)
    token = await cast.susan.browser.token("/")
    response = await cast.susan.browser.client.post(
        "/", form={"post": "x"}, headers={"Accept": "application/json", "X-CSRFToken": token}
    )
    assert response.status_code == 403
    assert (await response.get_json())["status"] == 403


async def test_a_form_of_another_site(cast: Cast, app: Quart) -> None:
    """T-20."""
    link = await unconfirm(cast)
    response = await Browser(app).client.post(link, form={"submit": "1"}, headers=HTML)
    assert response.status_code == 400
    assert not await confirmed(cast)
