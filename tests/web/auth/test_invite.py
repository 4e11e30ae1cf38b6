"""A service that takes people by invitation, or nobody."""

import asyncio

import pytest

from microblog.domain import accounts, grants
from tests.cast import PASSWORD, Browser, Cast
from tests.web.auth import records
from tests.web.auth.test_register import FORM
from tests.web.auth.test_register import accounts as number_of_accounts
from tests.web.reading import body, error_at, leads_to, value_of

PAGE = "/auth/register"


async def invited(cast: Cast) -> str:
    """The page that a new invitation leads to."""
    async with cast.resources.database.begin() as session:
        token = await accounts.invite(session, key=cast.resources.secret_key)
    return f"{PAGE}?invite={token}"


async def refused(cast: Cast, page: str) -> bool:
    """Whether the page says so, and the form without the page is refused too."""
    shown = await cast.stranger.text(page)
    response = await cast.stranger.submit("/auth/login", to=page, **FORM)
    told = "Registration is closed" in shown and 'name="password"' not in shown
    return told and response.status_code == 403


@pytest.mark.usefixtures("by_invitation")
async def test_an_invitation_opens_one_account(cast: Cast) -> None:
    page = await invited(cast)
    response = await cast.stranger.get(page)
    assert response.headers.getlist("Referrer-Policy") == ["no-referrer"]
    assert value_of(await body(response), "username") == ""
    assert leads_to(await cast.stranger.submit(page, **FORM)) == "/auth/login"
    assert leads_to(await cast.stranger.log_in("anna", FORM["password"])) == "/index"
    second = Browser(cast.stranger.client.app)
    cast.stranger = second
    assert await refused(cast, page)
    assert await number_of_accounts(cast) == 5


@pytest.mark.usefixtures("by_invitation")
async def test_without_a_good_invitation(cast: Cast) -> None:
    """None, odd, changed, expired, and links of another kind."""
    good = await invited(cast)
    token = good.partition("=")[2]
    await cast.stranger.submit("/auth/reset_password_request", email="susan@example.com")
    other = await records.token(cast, grants.RESET)
    for wrong in (
        PAGE,
        f"{PAGE}?invite=",
        f"{PAGE}?invite=x",
        f"{PAGE}?invite={'x' * 1500}",
        f"{PAGE}?invite={token}x",
        f"{PAGE}?invite={token[:-1]}",
        f"{PAGE}?invite={other}",
        f"{PAGE}?token={token}",
    ):
        assert await refused(cast, wrong), wrong
    for path in ("/auth/confirm/", "/auth/reset_password/", "/auth/restore_address/"):
        assert leads_to(await cast.stranger.get(path + token)) == "/index"
    await records.expire(cast, grants.INVITE)
    assert await refused(cast, good)
    assert await number_of_accounts(cast) == 4


@pytest.mark.usefixtures("by_invitation")
async def test_a_mistake_does_not_cost_the_invitation(cast: Cast) -> None:
    """A name or an address that is taken, at whatever moment that is noticed."""
    page = await invited(cast)
    for field, value in (
        ("username", "susan"),
        ("username", "a b"),
        ("email", "susan@example.com"),
        ("password", "short"),
    ):
        wrong = FORM | {field: value}
        if field == "password":
            wrong["password2"] = value
        response = await cast.stranger.submit(page, **wrong)
        assert response.status_code == 200
        assert error_at(await body(response), field), value
    assert leads_to(await cast.stranger.submit(page, **FORM)) == "/auth/login"


@pytest.mark.usefixtures("by_invitation")
async def test_twenty_at_once_with_one_invitation(cast: Cast) -> None:
    """One of them gets an account; of the others nothing is kept, no letter either."""
    page = await invited(cast)
    token = await cast.stranger.token(page)

    async def register(number: int) -> int:
        own = {"username": f"racer{number}", "email": f"racer{number}@example.com"}
        return (await cast.stranger.post(page, csrf_token=token, **FORM | own)).status_code

    statuses = await asyncio.gather(*(register(number) for number in range(20)))
    assert sorted(statuses) == [302] + [403] * 19
    assert await number_of_accounts(cast) == 5
    assert [kind for kind, _, _ in await records.letters(cast)] == ["confirm_address"]


@pytest.mark.usefixtures("by_invitation")
async def test_several_invitations_hold_side_by_side(cast: Cast) -> None:
    first, second = await invited(cast), await invited(cast)
    assert leads_to(await cast.stranger.submit(first, **FORM)) == "/auth/login"
    other = FORM | {"username": "berta", "email": "berta@example.com"}
    assert leads_to(await cast.stranger.submit(second, **other)) == "/auth/login"


@pytest.mark.usefixtures("by_invitation")
async def test_the_database_makes_no_invitation(cast: Cast) -> None:
    """T-12."""
    token = (await invited(cast)).partition("=")[2]
    held = await records.everything(cast)
    assert all(part not in held for part in token.split("."))


@pytest.mark.usefixtures("closed_registration")
async def test_a_closed_service_takes_no_invitation(cast: Cast) -> None:
    assert await refused(cast, await invited(cast))
    assert await number_of_accounts(cast) == 4


async def test_an_open_service_needs_none(cast: Cast) -> None:
    assert leads_to(await cast.stranger.submit(f"{PAGE}?invite=x", **FORM)) == "/auth/login"
    assert leads_to(await cast.stranger.log_in("anna", FORM["password"])) == "/index"


@pytest.mark.usefixtures("by_invitation")
async def test_who_is_in_needs_no_invitation(cast: Cast) -> None:
    page = await invited(cast)
    assert leads_to(await cast.susan.browser.get(page)) == "/index"
    cast.stranger = Browser(cast.stranger.client.app)
    assert 'name="password2"' in await cast.stranger.text(page)
    assert leads_to(await cast.stranger.log_in("susan", PASSWORD)) == "/index"
