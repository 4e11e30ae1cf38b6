"""How forms look and speak."""

import re

from tests.cast import Cast
from tests.web.reading import body, error_at, flashes


async def test_flashes_are_shown_once_and_in_their_dress(cast: Cast) -> None:
    """M-128, M-129."""
    await cast.susan.browser.submit("/", post="hello")
    await cast.susan.browser.submit("/", post="hello again")
    page = await cast.susan.browser.text("/explore")
    assert flashes(page)[-1:] == ["Your post is now live!"]
    assert page.count('class="alert alert-info" role="alert"') == len(flashes(page))
    assert flashes(await cast.susan.browser.text("/explore")) == []


async def test_what_a_flash_says_is_text(cast: Cast) -> None:
    """T-26."""
    await cast.susan.browser.submit("/", to="/follow/<b>x")
    assert "User &lt;b&gt;x not found." in await cast.susan.browser.text("/")


async def test_an_error_is_tied_to_its_field(cast: Cast) -> None:
    """M-130: what is wrong is said beside the field, and to those who cannot see it too."""
    page = await body(await cast.stranger.submit("/auth/login", username="", password="x"))
    field = re.search(r'<input[^>]* name="username"[^>]*>', page)
    assert field
    assert 'aria-invalid="true"' in field[0]
    assert "username-error" in field[0]
    assert '<div class="field has-error">' in page
    assert error_at(page, "username")
    assert not error_at(page, "password")


async def test_every_field_has_a_label_and_every_button_its_look(cast: Cast) -> None:
    """M-130."""
    for browser, path in (
        (cast.stranger, "/auth/login"),
        (cast.stranger, "/auth/register"),
        (cast.susan.browser, "/"),
        (cast.susan.browser, "/edit_profile"),
    ):
        page = await browser.text(path)
        shown = re.findall(r"<(?:input|textarea)[^>]* id=\"(\w+)\"[^>]*>", page)
        fields = [field for field in shown if field != "submit"]
        assert fields
        for field in fields:
            assert f'<label for="{field}">' in page
        assert re.search(r'<input class="button button-primary"[^>]* type="submit"', page)


async def test_no_page_stops_the_browser_from_sending(cast: Cast) -> None:
    """Lengths are counted here: a browser would cut without a word, and count otherwise."""
    for path in ("/", "/edit_profile"):
        page = await cast.susan.browser.text(path)
        # The box to search in is no place where anything is written.
        assert page.count("maxlength") == len(re.findall("<input[^>]*data-search>", page)) == 1
        assert 'data-limit="500"' in page


async def test_fields_that_nobody_asked_for_change_nothing(cast: Cast) -> None:
    """T-53."""
    await cast.susan.browser.submit(
        "/edit_profile",
        username="susan",
        about_me="",
        id="2",
        email="evil@example.com",
        password_hash="x",
        user_id="2",
    )
    await cast.susan.browser.submit("/", post="mine", user_id=str(cast.john.id), author="john")
    page = await cast.susan.browser.text("/explore")
    assert 'data-author="susan"' in page
    assert 'data-author="john"' not in page


async def test_a_body_over_the_limit_is_refused(cast: Cast) -> None:
    """T-48."""
    response = await cast.susan.browser.submit("/", post="x" * 70_000)
    assert response.status_code == 413


async def test_bytes_that_are_no_text_are_refused(cast: Cast) -> None:
    """T-43: invalid UTF-8 and lone surrogates."""
    token = await cast.susan.browser.token("/")
    for raw in (b"%ff", b"%ed%a0%80", b"\xff", b"%c0%80"):
        response = await cast.susan.browser.client.post(
            "/",
            data=b"csrf_token=" + token.encode() + b"&post=" + raw,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert response.status_code == 400
    assert (await cast.susan.browser.get("/")).status_code == 200
