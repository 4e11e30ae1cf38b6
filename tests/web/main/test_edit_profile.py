"""Changing how one is shown."""

import asyncio

from sqlalchemy import select

from microblog.models import User
from tests.cast import Cast
from tests.web.reading import body, error_at, flashes, heading, labels, leads_to, title, value_of

PAGE = "/edit_profile"


async def test_the_form_holds_what_is_now(cast: Cast) -> None:
    """M-064."""
    await cast.susan.browser.submit(PAGE, username="susan", about_me="I like\ncats")
    page = await cast.susan.browser.text(PAGE)
    assert title(page) == "Edit Profile - Microblog"
    assert heading(page) == "Edit Profile"
    assert labels(page)["username"] == "Username"
    assert labels(page)["about_me"] == "About me"
    assert value_of(page, "username") == "susan"
    assert value_of(page, "about_me") == "I like\ncats"
    assert value_of(page, "submit") == "Submit"


async def test_saving_stores_and_says_so(cast: Cast) -> None:
    """M-065."""
    response = await cast.susan.browser.submit(
        PAGE, username="susan2", about_me="new words", display_name="Susan  S. "
    )
    assert leads_to(response) == PAGE
    page = await cast.susan.browser.text(PAGE)
    assert flashes(page) == ["Your changes have been saved."]
    profile = await cast.john.browser.text("/user/susan2")
    assert "new words" in profile
    assert "<bdi>Susan  S.</bdi>" in profile
    assert (await cast.john.browser.get("/user/susan")).status_code == 404
    assert 'href="/user/susan2"' in page


async def test_ones_own_name_may_stay_or_change_its_case(cast: Cast) -> None:
    """M-066."""
    for name in ("susan", "SuSan"):
        assert leads_to(await cast.susan.browser.submit(PAGE, username=name, about_me="")) == PAGE
        assert heading(await cast.john.browser.text("/user/susan")) == f"User: {name}"


async def test_a_name_that_is_taken_or_reserved(cast: Cast) -> None:
    """M-067: the form again, with what was typed."""
    for name in ("john", "JOHN", "admin", "Api", "explore"):
        response = await cast.susan.browser.submit(PAGE, username=name, about_me="my words")
        assert response.status_code == 200
        page = await body(response)
        assert error_at(page, "username") == "Please use a different username."
        assert value_of(page, "username") == name
        assert value_of(page, "about_me") == "my words"
    assert heading(await cast.john.browser.text("/user/susan")) == "User: susan"


async def test_a_name_of_another_shape(cast: Cast) -> None:
    """T-42."""
    for name in ("", "  ", "a b", ".susan", "-x", "süsan", "Ａdmin", "a/b", "x\ny", "\u212aate"):
        response = await cast.susan.browser.submit(PAGE, username=name)
        assert response.status_code == 200
        assert error_at(await body(response), "username"), name


async def test_names_have_64_characters_at_most(cast: Cast) -> None:
    assert leads_to(await cast.susan.browser.submit(PAGE, username="s" * 64)) == PAGE
    response = await cast.susan.browser.submit(PAGE, username="s" * 65)
    assert error_at(await body(response), "username")


async def test_the_words_about_oneself_have_500_characters_at_most(cast: Cast) -> None:
    """M-068, with this service's 500."""
    for words in ("", "ü" * 500):
        response = await cast.susan.browser.submit(PAGE, username="susan", about_me=words)
        assert leads_to(response) == PAGE
        assert value_of(await cast.susan.browser.text(PAGE), "about_me") == words
    response = await cast.susan.browser.submit(PAGE, username="susan", about_me="ü" * 501)
    assert response.status_code == 200
    page = await body(response)
    assert error_at(page, "about_me") == "Field cannot be longer than 500 characters."
    assert value_of(page, "about_me") == "ü" * 501


async def test_control_characters_are_refused_in_every_field(cast: Cast) -> None:
    """T-41, T-43."""
    values = {"username": "susan", "about_me": "words", "display_name": "Susan"}
    for field in values:
        response = await cast.susan.browser.submit(PAGE, **values | {field: "sus\x00an"})
        assert response.status_code in (200, 400)
        assert error_at(await body(response), field)
    async with cast.resources.database.reading() as session:
        stored = await session.scalar(select(User).where(User.id == cast.susan.id))
        assert stored
        assert (stored.username, stored.about_me, stored.display_name) == ("susan", "", "")


async def test_two_who_take_one_name_at_once(cast: Cast) -> None:
    """M-069: one wins, the other is told at the field."""
    responses = await asyncio.gather(
        cast.susan.browser.submit(PAGE, username="queen"),
        cast.john.browser.submit(PAGE, username="Queen"),
    )
    assert sorted(response.status_code for response in responses) == [200, 302]
    loser = next(response for response in responses if response.status_code == 200)
    assert error_at(await body(loser), "username") == "Please use a different username."
