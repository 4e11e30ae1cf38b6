"""What comes back out of an archive stands in every list where its date belongs."""

from datetime import UTC, datetime, timedelta

import pytest

from microblog.models import Post
from tests.cast import Cast, Person
from tests.web.reading import newer, older, rows, texts

LONG_AGO = datetime(2020, 2, 29, 12, tzinfo=UTC)


@pytest.fixture
def small_pages(environment: dict[str, str]) -> None:
    environment["POSTS_PER_PAGE"] = "3"


async def bring_back(cast: Cast, person: Person, body: str, at: datetime) -> None:
    async with cast.resources.database.begin() as session:
        session.add(Post(user_id=person.id, body=body, timestamp=at))


@pytest.mark.parametrize("path", ["/index", "/explore", "/user/john"])
@pytest.mark.usefixtures("small_pages")
async def test_an_archive_is_no_news(cast: Cast, path: str) -> None:
    """The pages' own links lead through it, down and up again."""
    await cast.follow(cast.susan, cast.john)
    await cast.publish(cast.john, "first")
    for year in (0, 2, 1):
        await bring_back(cast, cast.john, f"year {year}", LONG_AGO + timedelta(days=365 * year))
    await cast.publish(cast.john, "second")
    pages = [await cast.susan.browser.text(path)]
    while below := older(pages[-1]):
        pages.append(await cast.susan.browser.text(below))
    assert [texts(page) for page in pages] == [["second", "first", "year 2"], ["year 1", "year 0"]]
    assert "February 28, 2022" in rows(pages[0])[-1].html
    above = newer(pages[-1])
    assert above
    assert texts(await cast.susan.browser.text(above)) == texts(pages[0])
