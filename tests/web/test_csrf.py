"""Anti-forgery: a change is accepted only from our own pages."""

import json

from quart import Quart

from tests.cast import HTML, Browser, Cast
from tests.web.reading import texts

FORM = "application/x-www-form-urlencoded"


async def posted(cast: Cast) -> list[str]:
    return texts(await cast.susan.browser.text("/"))


async def test_only_the_page_s_own_token_is_taken(cast: Cast, app: Quart) -> None:
    """M-017, T-08, T-20: none, empty, nonsense, another person's, another login's, a stranger's."""
    phone = Browser(app)
    before = await phone.token("/auth/login")
    await phone.log_in("susan")
    own = await cast.susan.browser.token("/")
    others = (
        await cast.john.browser.token("/"),
        await phone.token("/"),
        before,
        await cast.stranger.token("/auth/login"),
        own[:-1],
        own + "0",
        own.partition(".")[2],
        f".{own.partition('.')[2]}",
        f"x{own}",
        "",
        ".",
        "ü.😀",
        "x" * 3000,
    )
    for token in others:
        response = await cast.susan.browser.post("/", csrf_token=token, post="forged")
        assert response.status_code == 400, token
    assert (await cast.susan.browser.post("/", post="forged")).status_code == 400
    assert await posted(cast) == []
    assert (await cast.susan.browser.post("/", csrf_token=own, post="true")).status_code == 302
    assert await posted(cast) == ["true"]


async def test_a_page_may_be_sent_more_than_once(cast: Cast) -> None:
    """Tabs, the way back and resending: a token holds as long as its login."""
    token = await cast.susan.browser.token("/")
    assert await cast.susan.browser.token("/") != token
    for number in (1, 2):
        response = await cast.susan.browser.post("/", csrf_token=token, post=f"post {number}")
        assert response.status_code == 302


async def test_a_token_dies_with_its_login(cast: Cast) -> None:
    token = await cast.susan.browser.token("/")
    await cast.susan.browser.submit("/", to="/auth/logout")
    await cast.susan.browser.log_in("susan")
    response = await cast.susan.browser.post("/", csrf_token=token, post="forged")
    assert response.status_code == 400


async def test_the_browsers_own_word_counts(cast: Cast) -> None:
    """T-20: with the right token, but from another site."""
    token = await cast.susan.browser.token("/")
    for name, value, welcome in (
        ("Sec-Fetch-Site", "cross-site", False),
        ("Sec-Fetch-Site", "same-site", False),
        ("Sec-Fetch-Site", "nonsense", False),
        ("Sec-Fetch-Site", "same-origin", True),
        ("Sec-Fetch-Site", "none", True),
        ("Origin", "null", False),
        ("Origin", "", False),
        ("Origin", "https://evil.example", False),
        ("Origin", "http://localhost.evil.example", False),
        ("Origin", "http://evil.example/localhost", False),
        ("Origin", "http://localhost:81", False),
        ("Origin", "ftp://localhost", False),
        ("Origin", "http://user@localhost", False),
        ("Origin", "http://[", False),
        ("Origin", "http://localhost", True),
    ):
        response = await cast.susan.browser.client.post(
            "/", form={"csrf_token": token, "post": value}, headers={**HTML, name: value}
        )
        assert response.status_code == (302 if welcome else 400), (name, value)
    assert await posted(cast) == ["http://localhost", "none", "same-origin"]


async def test_scripts_send_the_token_as_a_header(cast: Cast) -> None:
    token = await cast.susan.browser.token("/")
    for value, status in ((token, 302), ("x", 400), (f"{token}x", 400)):
        response = await cast.susan.browser.client.post(
            "/", form={"post": "by script"}, headers={**HTML, "X-CSRFToken": value}
        )
        assert response.status_code == status
    assert await posted(cast) == ["by script"]


async def test_a_token_in_the_address_is_none(cast: Cast) -> None:
    """T-20: addresses get into logs and other sites' referrers."""
    token = await cast.susan.browser.token("/")
    response = await cast.susan.browser.client.post(
        f"/?csrf_token={token}&post=forged", form={"post": "forged"}, headers=HTML
    )
    assert response.status_code == 400
    assert await posted(cast) == []


async def test_other_kinds_of_body_carry_no_token(cast: Cast) -> None:
    """T-20, T-21: what a foreign form can send without asking is not taken for one of ours."""
    token = await cast.susan.browser.token("/")
    as_json = json.dumps({"csrf_token": token, "post": "forged"})
    for kind, sent in (
        ("text/plain", f"csrf_token={token}&post=forged"),
        ("text/plain", as_json),
        ("application/json", as_json),
        ("", f"csrf_token={token}&post=forged"),
    ):
        headers = {**HTML, "Content-Type": kind} if kind else HTML
        response = await cast.susan.browser.client.post("/", data=sent, headers=headers)
        assert response.status_code in (400, 415), kind
    assert await posted(cast) == []


async def test_the_first_of_two_fields_counts(cast: Cast) -> None:
    """T-53: a field that is sent twice means one thing to the guard and to the page."""
    token = await cast.susan.browser.token("/")
    for first, second, status in ((token, "x", 302), ("x", token, 400)):
        response = await cast.susan.browser.client.post(
            "/",
            data=f"csrf_token={first}&csrf_token={second}&post=one&post=two",
            headers={**HTML, "Content-Type": FORM},
        )
        assert response.status_code == status
    assert await posted(cast) == ["one"]
