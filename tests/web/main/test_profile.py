"""A person's page."""

import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from microblog.domain import users
from microblog.models import User
from tests.cast import Cast, Person
from tests.web.reading import body, heading, navigation, newer, older, rows, texts, title


async def change(cast: Cast, person: Person, **values: object) -> None:
    async with cast.resources.database.begin() as session:
        await session.execute(update(User).where(User.id == person.id).values(**values))


async def last_seen(cast: Cast, person: Person) -> datetime:
    async with cast.resources.database.reading() as session:
        moment = (await users.by_id(session, person.id)).last_seen_at
    assert moment
    return moment


async def test_anybody_sees_anybodys_profile(cast: Cast) -> None:
    """M-008, M-055, M-057, M-063, M-070, M-105, M-111."""
    number = await cast.publish(cast.susan, "post by susan")
    await cast.publish(cast.john, "post by john")
    for person in (cast.susan, cast.john):
        page = await person.browser.text("/user/susan")
        assert title(page) == "Welcome to Microblog"
        assert heading(page) == "User: susan"
        assert f'<img class="profile-avatar" src="/avatar/{cast.susan.id}?size=128"' in page
        assert [(row.id, row.author) for row in rows(page)] == [(number, "susan")]
        assert ("Edit your profile" in page) == (person is cast.susan)
        assert 'class="post-avatar" href="/user/susan"' in rows(page)[0].html


async def test_a_profile_is_found_whatever_the_case(cast: Cast) -> None:
    assert heading(await cast.john.browser.text("/user/SUSAN")) == "User: susan"


async def test_nobody_has_a_page_of_the_site(cast: Cast) -> None:
    """M-056, M-071."""
    response = await cast.susan.browser.get("/user/nobody-here")
    assert response.status_code == 404
    page = await body(response)
    assert heading(page) == "File Not Found"
    assert "Profile" in navigation(page)


async def test_the_words_about_somebody_show_when_there_are_any(cast: Cast) -> None:
    """M-058, T-26."""
    assert "profile-about" not in await cast.john.browser.text("/user/susan")
    await change(cast, cast.susan, about_me="I <b>like</b> cats", display_name="Susan <i>S.")
    page = await cast.john.browser.text("/user/susan")
    assert "I &lt;b&gt;like&lt;/b&gt; cats" in page
    assert "<bdi>Susan &lt;i&gt;S.</bdi>" in page


async def test_last_seen_shows_when_there_is_one(cast: Cast) -> None:
    """M-059."""
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    await change(cast, cast.susan, last_seen_at=moment)
    page = await cast.john.browser.text("/user/susan")
    assert "Last seen on:" in page
    shown = re.search(r'<time datetime="([^"]+Z)" data-format="full">', page)
    assert shown
    assert datetime.fromisoformat(shown[1]) == moment
    assert "January 2, 2026" in page
    await change(cast, cast.susan, last_seen_at=None)
    assert "Last seen on:" not in await cast.john.browser.text("/user/susan")


async def test_a_visit_moves_last_seen_once_a_minute(cast: Cast) -> None:
    """M-060, M-061: at most one write a minute, in UTC, and never by a stranger."""
    just = datetime.now(UTC) - timedelta(seconds=50)
    await change(cast, cast.susan, last_seen_at=just)
    await cast.susan.browser.text("/explore")
    await noted(cast)
    assert await last_seen(cast, cast.susan) == just
    await change(cast, cast.susan, last_seen_at=just - timedelta(seconds=20))
    await cast.stranger.get("/explore")
    await noted(cast)
    assert await last_seen(cast, cast.susan) == just - timedelta(seconds=20)
    await cast.susan.browser.text("/explore")
    await noted(cast)
    assert datetime.now(UTC) - await last_seen(cast, cast.susan) < timedelta(seconds=10)


async def noted(cast: Cast) -> None:
    """Wait until presence that is being noted has been."""
    for task in list(cast.resources._noting.values()):
        await task


async def test_the_counts_and_the_button(cast: Cast) -> None:
    """M-092, M-093."""
    await cast.follow(cast.john, cast.susan)
    await cast.follow(cast.mary, cast.susan)
    await cast.follow(cast.susan, cast.david)
    seen_by_john = await cast.john.browser.text("/user/susan")
    seen_by_david = await cast.david.browser.text("/user/susan")
    assert "2 followers, 1 following." in seen_by_john
    assert button(seen_by_john) == ("/unfollow/susan", "Unfollow")
    assert button(seen_by_david) == ("/follow/susan", "Follow")
    assert button(await cast.susan.browser.text("/user/susan")) is None


def button(page: str) -> tuple[str, str] | None:
    found = re.search(
        r'<form method="post" action="(/(?:un)?follow/[^"]+)">.*?<button[^>]*>(.*?)</button>',
        page,
        re.S,
    )
    return (found[1], found[2]) if found else None


async def test_the_pages_of_a_profile_keep_its_name(cast: Cast) -> None:
    """M-107, M-108, M-110, M-111."""
    for number in range(26):
        await cast.publish(cast.susan, f"post {number}")
    page = await cast.john.browser.text("/user/susan")
    below = older(page)
    assert below
    assert below.startswith("/user/susan?before=")
    last = await cast.john.browser.text(below)
    assert texts(last) == ["post 0"]
    back = newer(last)
    assert back
    assert back.startswith("/user/susan")
    assert texts(await cast.john.browser.text("/user/susan?page=2")) == ["post 0"]
    assert rows(await cast.john.browser.text("/user/susan?page=3")) == []
