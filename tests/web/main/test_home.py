"""Home: what the people whom I follow say, and the box to write in."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from microblog.domain import posts
from tests.cast import Cast, Person
from tests.web.reading import (
    body,
    error_at,
    flashes,
    heading,
    leads_to,
    navigation,
    newer,
    older,
    rows,
    texts,
    title,
    value_of,
)


async def say(person: Person, text: str, to: str = "/index") -> str:
    """Write a post as a person does; returns where that leads."""
    return leads_to(await person.browser.submit("/index", to=to, post=text))


async def test_home_answers_on_two_addresses(cast: Cast) -> None:
    """M-001, M-002, M-007, M-009."""
    await cast.publish(cast.susan, "one of mine")
    for address in ("/", "/index"):
        page = await cast.susan.browser.text(address)
        assert title(page) == "Home - Microblog"
        assert heading(page) == "Hi, susan!"
        assert texts(page) == ["one of mine"]


async def test_the_first_paint_has_the_whole_list(cast: Cast) -> None:
    """Browsers wait for the beginning of the element that is named, so it stands behind the list."""
    await cast.publish(cast.susan, "one of mine")
    page = await cast.susan.browser.text("/")
    (expected,) = re.findall(r'<link rel="expect" href="#([\w-]+)" blocking="render">', page)
    assert page.index("</main>") < page.index(f' id="{expected}"')
    assert page.count(f'id="{expected}"') == 1


async def test_home_shows_any_number_of_posts(cast: Cast) -> None:
    """M-010, M-106, M-110: none, one, and one more than a page."""
    assert rows(await cast.susan.browser.text("/")) == []
    first = await cast.publish(cast.susan, "post 0")
    page = await cast.susan.browser.text("/")
    assert [row.id for row in rows(page)] == [first]
    assert newer(page) is older(page) is None
    for number in range(1, 26):
        await cast.publish(cast.susan, f"post {number}")
    page = await cast.susan.browser.text("/")
    assert texts(page) == [f"post {number}" for number in range(25, 0, -1)]
    below = older(page)
    assert below
    last = await cast.susan.browser.text(below)
    assert texts(last) == ["post 0"]
    assert older(last) is None
    back = newer(last)
    assert back
    assert texts(await cast.susan.browser.text(back)) == texts(page)


async def test_home_is_mine_and_that_of_those_i_follow(cast: Cast) -> None:
    """M-095, M-096, M-097, M-098."""
    for name in ("john", "susan", "mary", "david"):
        await cast.publish(getattr(cast, name), f"post from {name}")
    for follower in (cast.john, cast.mary):
        await cast.follow(follower, cast.david)
    await cast.follow(cast.john, cast.susan)
    assert texts(await cast.john.browser.text("/")) == [
        "post from david",
        "post from susan",
        "post from john",
    ]
    assert texts(await cast.david.browser.text("/")) == ["post from david"]


async def test_a_written_post_stands_on_the_page(cast: Cast) -> None:
    """M-099, M-103: redirect after the post, a message, the author, the time in UTC."""
    begun = datetime.now(UTC) - timedelta(seconds=1)
    assert await say(cast.susan, "Hello, world") == "/index"
    page = await cast.susan.browser.text("/index")
    assert flashes(page) == ["Your post is now live!"]
    (row,) = rows(page)
    assert (row.author, row.text) == ("susan", "Hello, world")
    async with cast.resources.database.reading() as session:
        post = await posts.by_id(session, row.id)
    assert begun <= post.created_at <= datetime.now(UTC)
    again = await cast.susan.browser.text("/index")
    assert flashes(again) == []
    assert texts(again) == ["Hello, world"]


async def test_posting_to_the_slash_works_too(cast: Cast) -> None:
    """M-100."""
    assert await say(cast.susan, "Hello from /", to="/") == "/index"
    assert texts(await cast.susan.browser.text("/")) == ["Hello from /"]


async def test_a_blank_post_is_refused_at_its_field(cast: Cast) -> None:
    """M-101."""
    for blank in ("", "   ", "\r\n\t ", "\u00a0\u2003"):
        response = await cast.susan.browser.submit("/", post=blank)
        assert response.status_code == 200
        page = await body(response)
        assert error_at(page, "post") == "This field is required."
        assert rows(page) == []


async def test_a_post_holds_what_the_setting_says_and_no_more(cast: Cast) -> None:
    """M-102, with this service's 500: code points count, and what is too long is given back."""
    longest = "é" * 498 + "😀x"
    assert len(longest) == 500
    await say(cast.susan, longest)
    response = await cast.susan.browser.submit("/", post=longest + "y")
    assert response.status_code == 200
    page = await body(response)
    assert error_at(page, "post") == "Field must be between 1 and 500 characters long."
    assert value_of(page, "post") == longest + "y"
    assert texts(page) == [longest]


async def test_lengths_count_after_normalisation(cast: Cast) -> None:
    """M-102: two code points that are one letter count once."""
    await say(cast.susan, "e\u0301" * 500)
    assert texts(await cast.susan.browser.text("/")) == ["\u00e9" * 500]


async def test_control_characters_are_no_text(cast: Cast) -> None:
    """T-43: a clear error, the rest of what was typed kept, nothing stored."""
    for character in "\x00\x07\x1b\x7f\x85":
        response = await cast.susan.browser.submit("/", post=f"typed with care{character}")
        assert response.status_code == 400
        page = await body(response)
        assert error_at(page, "post").endswith(f"U+{ord(character):04X}.")
        assert value_of(page, "post").startswith("typed with care")
    assert texts(await cast.susan.browser.text("/")) == []


async def test_line_ends_and_blanks_around_are_one_form(cast: Cast) -> None:
    await say(cast.susan, "  one\r\ntwo\rthree  ")
    assert texts(await cast.susan.browser.text("/")) == ["one\ntwo\nthree"]


HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg/onload=alert(1)>",
    "{{ 7 * 7 }} ${7*7} {% raw %} %s {0.__class__}",
    "%(username)s %d",
    "https://x.example/?\"onmouseover='alert(1)'",
)


async def test_what_is_typed_comes_back_as_typed(cast: Cast) -> None:
    """M-011, T-26, T-54."""
    for text in HOSTILE:
        await say(cast.susan, text)
    page = await cast.susan.browser.text("/")
    assert texts(page) == [*HOSTILE[::-1]]
    for row in rows(page):
        tags = set(re.findall(r"<(/?\w+)", row.html))
        assert not tags & {"script", "svg", "/script"}
        assert row.html.count("<img") == 1
        assert not re.search(r"<[^>]* on\w+=", row.html)


async def test_a_row_is_what_scripts_and_style_sheets_rely_on(cast: Cast) -> None:
    """M-063, M-105, M-132, and the marks that the outside is promised."""
    number = await cast.publish(cast.susan, "see https://example.com/a?b=1&c=2.")
    (row,) = rows(await cast.susan.browser.text("/"))
    assert f'id="post-{number}" data-post-id="{number}" data-author="susan"' in row.html
    assert re.search(rf'<div class="post-body" id="post{number}"', row.html)
    assert f'id="translation{number}"' in row.html
    assert 'class="user_popup"><a class="post-author" href="/user/susan"' in row.html
    assert f'src="/avatar/{cast.susan.id}?size=' in row.html
    assert 'class="post-avatar" href="/user/susan"' in row.html
    moment = re.search(r'<time datetime="([^"]+Z)">', row.html)
    assert moment
    assert datetime.fromisoformat(moment[1]).tzinfo is not None
    assert "said" in row.html
    assert f'href="/post/{number}"' in row.html
    assert (
        '<a href="https://example.com/a?b=1&amp;c=2" rel="nofollow noopener noreferrer">'
        in row.html
    )


async def test_the_navigation_of_somebody_who_is_logged_in(cast: Cast) -> None:
    """M-013, M-014, M-131."""
    page = await cast.susan.browser.text("/")
    bar = navigation(page)
    assert set(bar) >= {"Microblog", "Home", "Explore", "Profile", "Logout"}
    assert "Login" not in bar
    assert '<a class="nav-profile" href="/user/susan"' in page
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert '<meta name="csrf-token" content="' in page


async def test_numbered_pages_keep_working(cast: Cast) -> None:
    """M-107, M-108, M-109."""
    for number in range(26):
        await cast.publish(cast.susan, f"post {number}")
    first = texts(await cast.susan.browser.text("/"))
    for nonsense in ("1", "0", "-1", "x", "", "1.5", "1e9", "１", "0x1", "1_000", "٣", " "):
        assert texts(await cast.susan.browser.text(f"/index?page={quote(nonsense)}")) == first, (
            nonsense
        )
    assert texts(await cast.susan.browser.text("/index?page=2")) == ["post 0"]
    for past in ("3", "99999", "2147483648", "9223372036854775808", "9" * 400):
        page = await cast.susan.browser.text(f"/index?page={past}")
        assert rows(page) == [], past
        assert older(page) is None
        assert newer(page)


async def test_cursors_take_any_number(cast: Cast) -> None:
    """T-44: what is no number is the newest page; what is beyond every post is no failure."""
    await cast.publish(cast.susan, "the only one")
    for name in ("before", "after"):
        for value in ("x", "-1", "1.5", "１", "", "0x1", "2147483648", "9" * 30):
            page = await cast.susan.browser.text(f"/?{name}={quote(value)}")
            assert texts(page) == ["the only one"], (name, value)
    assert rows(await cast.susan.browser.text("/?before=0")) == []
    assert texts(await cast.susan.browser.text("/?after=0")) == ["the only one"]


async def test_text_that_was_sent_after_a_login_ended_waits_for_its_writer(cast: Cast) -> None:
    """Nothing that was typed is lost."""
    token = await cast.susan.browser.token("/")
    cast.susan.browser.client.cookie_jar.clear()
    response = await cast.susan.browser.post("/", csrf_token=token, post="a long thought")
    assert leads_to(response) == "/auth/login"
    await cast.susan.browser.log_in("susan")
    page = await cast.susan.browser.text("/")
    assert value_of(page, "post") == "a long thought"
    assert rows(page) == []
