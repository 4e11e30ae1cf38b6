"""Tokens on the account page: made, shown once, listed, revoked."""

import re
from urllib.parse import urlencode

import pytest
from quart import Quart
from quart.wrappers import Response
from sqlalchemy import select

from microblog.models import Token
from tests import secrecy
from tests.cast import PASSWORD, Cast
from tests.web.api.programs import Program, leave, personal_token
from tests.web.auth import records
from tests.web.reading import body, error_at, flashes, leads_to

MAKE = "/account/tokens"


async def send(cast: Cast, **fields: object) -> Response:
    """The form with these fields, the rest being right; a list is several boxes."""
    form: dict[str, object] = {
        "csrf_token": await cast.susan.browser.token("/account"),
        "name": "program",
        "scopes": ["read"],
        "days": "7",
        "old_password": PASSWORD,
    }
    return await cast.susan.browser.client.post(
        MAKE,
        data=urlencode(form | fields, doseq=True),
        headers={"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"},
    )


async def made(cast: Cast, app: Quart, *scopes: str, days: str = "30") -> Program:
    response = await send(cast, name="  backup <b>script</b> ", scopes=list(scopes), days=days)
    page = await body(response)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    found = re.search(r'id="new-token">(mb_[\w-]{43})<', page)
    assert found
    secrecy.spoken(found[1])
    assert page.count(found[1]) == 1
    return Program(app, found[1])


async def test_made_and_shown_once(
    cast: Cast, app: Quart, caplog: pytest.LogCaptureFixture
) -> None:
    """T-36: it permits what was chosen, and no page tells it again."""
    program = await made(cast, app, "read", "messages")
    assert "audit: token made" in caplog.text
    path = f"/api/users/{cast.susan.id}"
    assert (await program.get(path)).json["email"] == "susan@example.com"
    assert (await program.put(path, json={})).status == 403
    page = await cast.susan.browser.text("/account")
    assert program.token not in page
    assert "backup &lt;b&gt;script&lt;/b&gt;" in page
    assert "read, messages" in page
    assert "backup" not in await cast.john.browser.text("/account")
    async with cast.resources.database.reading() as session:
        token = (await session.scalars(select(Token))).one()
        assert (token.expires_at - token.created_at).days in (29, 30)


async def test_revoked(cast: Cast, app: Quart, caplog: pytest.LogCaptureFixture) -> None:
    """T-33, T-36: by its owner only, on the next request."""
    program = await made(cast, app, "read")
    async with cast.resources.database.reading() as session:
        token_id = await session.scalar(select(Token.id))
    revoke = f"{MAKE}/{token_id}/revoke"
    for path in (revoke, f"{MAKE}/99/revoke"):
        response = await cast.john.browser.submit("/account", to=path)
        assert response.status_code == 404
    assert (await program.get("/api/users")).status == 200
    assert leads_to(await cast.susan.browser.submit("/account", to=revoke)) == "/account"
    page = await cast.susan.browser.text("/account")
    assert flashes(page) == ["That token is revoked."]
    assert "backup" not in page
    assert (await program.get("/api/users")).status == 401
    assert "audit: token revoked" in caplog.text


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", ""),
        ("name", "x" * 65),
        ("name", "a\u202eb"),
        ("scopes", []),
        ("scopes", ["account"]),
        ("days", "0"),
        ("days", "9999"),
        ("days", "x"),
        ("old_password", "wrong"),
        ("old_password", ""),
    ],
)
async def test_what_is_not_made(cast: Cast, field: str, wrong: object) -> None:
    response = await send(cast, **{field: wrong})
    page = await body(response)
    assert response.status_code in (200, 400)
    ids = {"name": "name", "scopes": "scopes", "days": "days", "old_password": "password"}
    assert error_at(page, f"token-{ids[field]}")
    assert "new-token" not in page
    async with cast.resources.database.reading() as session:
        assert (await session.scalars(select(Token))).all() == []


async def test_what_the_list_leaves_out(cast: Cast) -> None:
    """Tokens that are over; and there is an end to how many somebody has."""
    await personal_token(cast, cast.susan, "read")
    assert ">a program" in await cast.susan.browser.text("/account")
    await leave(cast, -1)
    assert ">a program" not in await cast.susan.browser.text("/account")
    for _ in range(50):
        await personal_token(cast, cast.susan, "read")
    with pytest.raises(Exception, match="Revoke a token"):
        await personal_token(cast, cast.susan, "read")
    assert (await records.user(cast, cast.susan)).id == cast.susan.id
