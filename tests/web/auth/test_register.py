"""A new account."""

import asyncio

import pytest
from sqlalchemy import func, select

from microblog.models import User
from tests.cast import Browser, Cast
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

PAGE = "/auth/register"
FORM = {
    "username": "anna",
    "email": "anna@example.com",
    "password": "a good password",
    "password2": "a good password",
}


async def accounts(cast: Cast) -> int:
    async with cast.resources.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(User)) or 0


async def refused(cast: Cast, field: str, **changed: str) -> str:
    """Send the form with something changed; the error at a field, and nothing stored."""
    response = await cast.stranger.submit(PAGE, **FORM | changed)
    assert response.status_code in (200, 400), changed
    page = await body(response)
    assert value_of(page, "password") == value_of(page, "password2") == ""
    assert await accounts(cast) == 4
    return error_at(page, field)


async def test_the_page_asks_for_what_an_account_needs(cast: Cast) -> None:
    """M-032."""
    page = await cast.stranger.text(PAGE)
    assert title(page) == "Register - Microblog"
    assert heading(page) == "Register"
    assert labels(page) == {
        "username": "Username",
        "email": "Email",
        "password": "Password",
        "password2": "Repeat Password",
    }
    assert value_of(page, "submit") == "Register"


async def test_an_account_is_opened_and_has_to_log_in(cast: Cast) -> None:
    """M-033, M-041."""
    response = await cast.stranger.submit(PAGE, **FORM)
    assert leads_to(response) == "/auth/login"
    page = await cast.stranger.text("/auth/login")
    assert flashes(page) == ["Congratulations, you are now a registered user!"]
    assert "Logout" not in navigation(page)
    async with cast.resources.database.reading() as session:
        user = await session.scalar(select(User).where(User.username == "anna"))
    assert user
    assert user.email == "anna@example.com"
    assert user.password_hash
    assert FORM["password"] not in user.password_hash
    assert leads_to(await cast.stranger.log_in("anna", FORM["password"])) == "/index"


async def test_a_name_that_is_taken(cast: Cast) -> None:
    """M-034: what was typed is kept, but no password."""
    for name in ("susan", "SUSAN", "Susan"):
        assert await refused(cast, "username", username=name) == "Please use a different username."
    response = await cast.stranger.submit(PAGE, **FORM | {"username": "susan"})
    page = await body(response)
    assert value_of(page, "username") == "susan"
    assert value_of(page, "email") == "anna@example.com"


async def test_an_address_that_is_taken(cast: Cast) -> None:
    """M-035."""
    for address in ("susan@example.com", "SUSAN@Example.com"):
        told = await refused(cast, "email", email=address)
        assert told == "Please use a different email address."


async def test_an_address_has_a_shape(cast: Cast) -> None:
    """M-036."""
    for address in ("foo", "foo@", "@example.com", "a@b@c.example", "a b@example.com", "a@-x"):
        assert await refused(cast, "email", email=address) == "Invalid email address."


async def test_the_password_is_typed_twice(cast: Cast) -> None:
    """M-037."""
    told = await refused(cast, "password2", password2="another password")
    assert told == "Field must be equal to password."


async def test_every_field_is_required(cast: Cast) -> None:
    for field in FORM:
        assert await refused(cast, field, **{field: ""}) == "This field is required."


async def test_a_weak_password(cast: Cast) -> None:
    """T-06."""
    for weak in ("short", "1234567", "x" * 1025, "é" * 513):
        assert await refused(cast, "password", password=weak, password2=weak), weak[:9]
    named = {"username": "annabella", "password": "AnnaBella", "password2": "AnnaBella"}
    assert await refused(cast, "password", **named)


async def test_words_of_the_service_are_nobodys_name(cast: Cast) -> None:
    """T-18, T-42."""
    for name in ("admin", "Admin", "root", "api", "static", "login", "explore", "auth", "live"):
        assert await refused(cast, "username", username=name) == "Please use a different username."


async def test_a_name_of_another_shape(cast: Cast) -> None:
    """T-41, T-42: look-alikes, invisible and direction characters, and what addresses break at."""
    odd = (
        "a b",
        "-a",
        ".a",
        "_a",
        "a/b",
        "a?b",
        "ünal",
        "Ａnna",
        "аnna",
        "an\u202ena",
        "an\u200bna",
    )
    for name in (*odd, "\u212aate", "ﬁona", "a\x00b", "a@b", "a\nb", "😀"):
        assert await refused(cast, "username", username=name), name


async def test_lengths(cast: Cast) -> None:
    assert await refused(cast, "username", username="a" * 65)
    assert await refused(cast, "email", email=f"{'a' * 60}@{'b' * 60}.example")
    longest = {"username": "a" * 64, "email": f"{'a' * 60}@{'b' * 51}.example"}
    assert len(longest["email"]) == 120
    assert leads_to(await cast.stranger.submit(PAGE, **FORM | longest)) == "/auth/login"


async def test_who_is_in_needs_no_account(cast: Cast) -> None:
    """M-038."""
    assert leads_to(await cast.susan.browser.get(PAGE)) == "/index"


@pytest.mark.usefixtures("patient")
async def test_fifty_at_once_with_one_name(cast: Cast) -> None:
    """M-040, T-19: one is let in, the others are told at the field; nothing fails."""
    token = await cast.stranger.token(PAGE)

    async def register(number: int) -> tuple[int, str]:
        name = "".join(c.upper() if number >> i & 1 else c for i, c in enumerate("racing"))
        form = FORM | {"username": name, "email": f"racer{number}@example.com"}
        response = await cast.stranger.post(PAGE, csrf_token=token, **form)
        return response.status_code, error_at(await body(response), "username")

    answers = await asyncio.gather(*(register(number) for number in range(50)))
    told = "Please use a different username."
    assert sorted(answers) == [(200, told)] * 49 + [(302, "")]
    assert await accounts(cast) == 5


async def test_two_at_once_with_one_address(cast: Cast, app) -> None:
    """M-040."""
    one, two = Browser(app), Browser(app)
    responses = await asyncio.gather(
        one.submit(PAGE, **FORM), two.submit(PAGE, **FORM | {"username": "anna2"})
    )
    assert sorted(response.status_code for response in responses) == [200, 302]
    loser = next(response for response in responses if response.status_code == 200)
    assert error_at(await body(loser), "email") == "Please use a different email address."


@pytest.mark.usefixtures("closed_registration")
async def test_a_closed_service_takes_nobody(cast: Cast) -> None:
    page = await cast.stranger.text(PAGE)
    assert "Registration is closed" in page
    assert 'name="password"' not in page
    response = await cast.stranger.submit("/auth/login", to=PAGE, **FORM)
    assert response.status_code == 403
    assert await accounts(cast) == 4
