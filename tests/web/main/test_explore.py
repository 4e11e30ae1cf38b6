"""Explore: what everybody says."""

import pytest

from tests.cast import Cast
from tests.web.reading import heading, newer, older, rows, texts, title


@pytest.fixture
def small_pages(environment: dict[str, str]) -> None:
    environment["POSTS_PER_PAGE"] = "3"


async def test_explore_shows_everybody(cast: Cast) -> None:
    """M-104."""
    for person in (cast.john, cast.susan, cast.mary):
        await cast.publish(person, f"post from {person.username}")
    page = await cast.david.browser.text("/explore")
    assert title(page) == "Explore - Microblog"
    assert heading(page) == "Hi, david!"
    assert [row.author for row in rows(page)] == ["mary", "susan", "john"]
    assert 'name="post"' not in page


async def test_explore_takes_no_posts(cast: Cast) -> None:
    """M-004."""
    response = await cast.susan.browser.submit("/", to="/explore", post="hello")
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.usefixtures("small_pages")
async def test_the_page_size_is_a_setting_for_every_list(cast: Cast) -> None:
    """M-106, M-111."""
    for number in range(4):
        await cast.publish(cast.susan, f"post {number}")
    for path in ("/index", "/explore", "/user/susan"):
        page = await cast.susan.browser.text(path)
        assert len(rows(page)) == 3
        below = older(page)
        assert below
        assert below.startswith(f"{path}?before=")
        last = await cast.susan.browser.text(below)
        assert texts(last) == ["post 0"]
        back = newer(last)
        assert back
        assert back.startswith(path)


@pytest.mark.usefixtures("small_pages")
async def test_links_neither_skip_nor_repeat_while_posts_arrive(cast: Cast) -> None:
    """M-110."""
    ids = [await cast.publish(cast.susan, f"post {number}") for number in range(7)]
    seen: list[int] = []
    path: str | None = "/explore"
    while path:
        page = await cast.john.browser.text(path)
        seen += [row.id for row in rows(page)]
        await cast.publish(cast.mary, "in between")
        path = older(page)
    assert seen == ids[::-1]
