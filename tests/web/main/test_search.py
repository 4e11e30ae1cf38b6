"""The search box, and the page that it leads to."""

import re
from html import unescape
from urllib.parse import quote, urlsplit

import pytest
from sqlalchemy import text

from microblog.domain import accounts, users
from microblog.domain.search import finding
from microblog.domain.search.query import LONGEST
from tests.cast import Cast
from tests.domain.search.test_engines import strange
from tests.test_statements import cost
from tests.web.reading import body, error_at, heading, leads_to, rows, texts, title

BOX = re.compile(r'<form class="nav-search".*?</form>', re.S)


def way(page: str, label: str) -> str | None:
    """Where the way with this label leads, if anywhere."""
    assert page.count(f">{label}<") == 1
    found = re.search(rf'<a class="pager-way"[^>]* href="([^"]+)">{label}</a>', page)
    return unescape(found[1]) if found else None


def ways(page: str) -> tuple[bool, bool]:
    return way(page, "Previous results") is not None, way(page, "Next results") is not None


async def test_every_page_of_a_member_has_the_box(cast: Cast) -> None:
    """SEA-01, SEA-05: a plain form with GET, no token in the address; strangers have none."""
    number = await cast.publish(cast.susan, "hello")
    for path in ("/", "/explore", "/user/john", f"/post/{number}", "/edit_profile", "/search?q=x"):
        (box,) = BOX.findall(await cast.susan.browser.text(path))
        assert 'role="search"' in box
        assert 'method="get"' in box
        assert 'action="/search"' in box
        assert re.search(r'type="search" name="q" size="20" [^>]*placeholder="Search"', box)
        assert f'maxlength="{LONGEST}"' in box
        assert "csrf" not in box
    for path in ("/auth/login", "/auth/register"):
        assert not BOX.search(await cast.stranger.text(path))


async def test_what_matches_is_listed(cast: Cast) -> None:
    """SEA-02, SEA-05: the same address shows the same in everybody's browser."""
    await cast.publish(cast.susan, "A word of mine")
    await cast.publish(cast.john, "Nothing of the kind")
    newest = await cast.publish(cast.john, "Your WORD!")
    for person in (cast.susan, cast.mary):
        page = await person.browser.text("/search?q=word")
        assert heading(page) == "Search Results"
        assert title(page) == "Search - Microblog"
        assert texts(page) == ["Your WORD!", "A word of mine"]
        assert rows(page)[0].id == newest
        assert "2 posts have what you are looking for." in page
        assert 'value="word"' in BOX.findall(page)[0]
        assert ways(page) == (False, False)


async def test_strangers_log_in_first(cast: Cast) -> None:
    """SEA-03: and come back to the same search."""
    asked = await cast.stranger.get("/search?q=a%20%22b%22&page=2")
    login = leads_to(asked)
    assert urlsplit(login).path == "/auth/login"
    response = await cast.stranger.submit(login, username="susan", password="wrong")
    assert error_at(await body(response), "username") == ""
    response = await cast.stranger.submit(login, username="susan", password="correct horse battery")
    assert leads_to(response) == "/search?q=a%20%22b%22&page=2"


@pytest.mark.parametrize(
    "path", ["/search", "/search?q=", "/search?q=%20%0A%E3%80%80", "/search?page=2"]
)
async def test_nothing_asked_leads_to_everything(cast: Cast, path: str) -> None:
    """SEA-04."""
    assert leads_to(await cast.susan.browser.get(path)) == "/explore"


async def test_pages(cast: Cast) -> None:
    """SEA-07, SEA-08, SEA-09: links keep the question; past the end is empty; nonsense is 1."""
    for number in range(60):
        await cast.publish(cast.susan, f"word & {number}")
    await cast.publish(cast.susan, "silence")
    first = await cast.john.browser.text("/search?q=word+%26")
    assert ways(first) == (False, True)
    assert texts(first) == [f"word & {number}" for number in range(59, 34, -1)]
    following = way(first, "Next results")
    assert following == "/search?q=word+%26&page=2"
    second = await cast.john.browser.text(following)
    assert ways(second) == (True, True)
    assert texts(second) == [f"word & {number}" for number in range(34, 9, -1)]
    assert way(second, "Previous results") == "/search?q=word+%26"
    third = await cast.john.browser.text(str(way(second, "Next results")))
    assert ways(third) == (True, False)
    assert texts(third) == [f"word & {number}" for number in range(9, -1, -1)]
    for beyond in ("4", "40", "9" * 30):
        page = await cast.john.browser.text(f"/search?q=word&page={beyond}")
        assert texts(page) == []
        assert way(page, "Previous results") == "/search?q=word&page=3"
        assert way(page, "Next results") is None
    for nonsense in ("0", "-1", "x", "", "1e9", "%D9%A3"):
        page = await cast.john.browser.text(f"/search?q=word+%26&page={nonsense}")
        assert texts(page) == texts(first)


async def test_it_needs_no_other_server(cast: Cast) -> None:
    """SEA-10, SEA-21: nothing is configured here; the database answers."""
    assert cast.resources.settings.search.elasticsearch_url == ""
    await cast.publish(cast.susan, "found nevertheless")
    assert texts(await cast.susan.browser.text("/search?q=nevertheless")) == ["found nevertheless"]
    page = await cast.susan.browser.text("/search?q=absent")
    assert heading(page) == "Search Results"
    assert texts(page) == []
    assert "No posts found" in page
    assert ways(page) == (False, False)


async def test_relevance_before_recency(cast: Cast) -> None:
    """SEA-06: what answers better comes first, although it is older."""
    await cast.publish(cast.susan, "tea tea tea")
    await cast.publish(cast.john, "tea, and many other words that are about something else " * 3)
    page = await cast.susan.browser.text("/search?q=tea")
    assert [row.author for row in rows(page)] == ["susan", "john"]


async def test_changes_count_at_once(cast: Cast) -> None:
    """SEA-12, SEA-13, SEA-14: edited, deleted and refused through the pages."""
    number = await cast.publish(cast.susan, "early bird")
    await cast.susan.browser.submit(f"/post/{number}/edit", post="late riser")
    assert texts(await cast.john.browser.text("/search?q=bird")) == []
    assert texts(await cast.john.browser.text("/search?q=riser")) == ["late riser"]
    refused = await cast.susan.browser.submit("/", post="too long " * 100)
    assert "Field must be between" in await body(refused)
    assert texts(await cast.john.browser.text("/search?q=long")) == []
    await cast.susan.browser.submit(f"/post/{number}/edit", f"/post/{number}/delete")
    assert texts(await cast.john.browser.text("/search?q=riser")) == []


async def test_what_was_found_stands_out_and_stays_harmless(cast: Cast) -> None:
    """T-26: the words are marked, inside links too; everything is escaped as elsewhere."""
    await cast.publish(cast.susan, "<b>Café</b> & https://example.com/cafe?a=1&b=2 “café”")
    (row,) = rows(await cast.john.browser.text("/search?q=cafe"))
    assert (
        "&lt;b&gt;<mark>Café</mark>&lt;/b&gt; &amp; "
        '<a href="https://example.com/cafe?a=1&amp;b=2" rel="nofollow noopener noreferrer">'
        "https://example.com/<mark>cafe</mark>?a=1&amp;b=2</a> “<mark>café</mark>”"
    ) in row.html
    assert "<mark>" not in await cast.john.browser.text("/explore")
    for typed in ('"><script>alert(1)</script>', "{{7*7}}", "'onfocus=alert(1) x='"):
        page = await cast.john.browser.text(f"/search?q={quote(typed)}")
        assert "<script>" not in page
        assert unescape(re.findall(r' value="([^"]*)"', BOX.findall(page)[0])[0]) == typed


async def test_people_stand_above(cast: Cast) -> None:
    """Names and names shown; on the first page only."""
    await cast.john.browser.submit("/edit_profile", username="john", display_name="José <i>Ortega")
    await cast.publish(cast.susan, "ortega")
    page = await cast.susan.browser.text("/search?q=jose+ORTEGA")
    people = re.findall(r'<a class="person-found" href="([^"]+)">(.*?)</a>', page, re.S)
    assert [path for path, _ in people] == ["/user/john"]
    assert "José &lt;i&gt;Ortega" in people[0][1]
    assert page.index("person-found") < page.index(">Posts<")
    assert "person-found" not in await cast.susan.browser.text("/search?q=ortega&page=2")
    assert "person-found" not in await cast.susan.browser.text("/search?q=from:john")


async def test_dates_are_days_of_the_reader(cast: Cast) -> None:
    """The page says whose."""
    number = await cast.publish(cast.susan, "midnight")
    async with cast.resources.database.begin() as session:
        await session.execute(
            text("UPDATE post SET timestamp = '2026-05-01 20:00:00' WHERE id = :id"), {"id": number}
        )
        await accounts.speak(session, cast.john.actor, language=None, time_zone="Asia/Tokyo")
    for person, zone, day in ((cast.susan, "UTC", "01"), (cast.john, "Asia/Tokyo", "02")):
        page = await person.browser.text(f"/search?q=midnight+after:2026-05-{day}")
        assert texts(page) == ["midnight"]
        assert f"({zone})" in page
        page = await person.browser.text(f"/search?q=midnight+before:2026-05-{day}")
        assert texts(page) == []


async def test_in_spanish(cast: Cast) -> None:
    """SEA-22: heading and both ways."""
    for number in range(51):
        await cast.publish(cast.susan, f"palabra {number}")
    spanish = {"Accept-Language": "es"}
    page = await body(await cast.susan.browser.get("/search?q=palabra&page=2", **spanish))
    assert '<html lang="es"' in page
    assert heading(page) == "Resultados de la búsqueda"
    assert way(page, "Resultados anteriores") == "/search?q=palabra"
    assert way(page, "Resultados siguientes") == "/search?q=palabra&page=3"
    assert texts(page)[0] == "palabra 25"


async def test_it_costs_a_few_statements(cast: Cast) -> None:
    """However many are found."""
    await cast.publish(cast.susan, "word")
    small, _ = await cost(cast, "/search?q=word")
    for number in range(40):
        await cast.publish(cast.john, f"word {number}", language="en")
    for typed in ("word", "word+from:john+lang:en+-x+after:2020", "-x"):
        large, page = await cost(cast, f"/search?q={typed}")
        assert len(rows(page)) == 25
        assert large <= small


async def test_only_posts_are_searched(cast: Cast) -> None:
    """SEA-19, MSG-14: no message, nothing that people say about themselves, no address."""
    await cast.write(cast.susan, cast.john, "shibboleth")
    async with cast.resources.database.begin() as session:
        await users.edit_profile(
            session,
            cast.susan.actor,
            username="susan",
            display_name="",
            about_me="shibboleth",
            about_me_length=500,
        )
    for typed in ("shibboleth", "susan@example.com", "example"):
        for person in (cast.susan, cast.john, cast.mary):
            page = await person.browser.text(f"/search?q={typed}")
            assert texts(page) == []
            assert "person-found" not in page


def expected(typed: str, address: str) -> int:
    if len(address) > 8000:
        return 414  # so long is no page's address, and no box lets anybody type so much
    return 200 if re.search(r"[^\s\x00-\x1f\x7f-\x9f]", typed) else 302


@pytest.mark.parametrize(
    ("database_url", "number"), [("sqlite", 2000), ("postgresql", 300)], indirect=["database_url"]
)
async def test_nothing_typed_is_an_error(cast: Cast, number: int) -> None:
    """T-45: strange strings, random ones, NUL, 5,000 words: a page, or 414 beyond 8 KiB."""
    await cast.publish(cast.susan, "quick dog 東京 #tag")
    for typed in strange(number):
        address = f"/search?q={quote(typed, errors='ignore')}"
        response = await cast.susan.browser.get(address)
        assert response.status_code == expected(typed, address), typed
    words = await cast.susan.browser.get("/search?q=" + "+".join(["dog"] * 1900))
    assert texts(await body(words)) == ["quick dog 東京 #tag"]
    assert BOX.findall(await body(words))[0].count("dog") == LONGEST // 4
    words = await cast.susan.browser.get("/search?q=" + "+".join(["dog"] * 5000))
    assert words.status_code == 414


async def test_control_characters_are_blanks(cast: Cast) -> None:
    """T-43, T-45: in a search nobody is told of them, and no page has any; elsewhere they fail."""
    await cast.publish(cast.susan, "quick dog")
    page = await cast.susan.browser.text("/search?q=quick%00dog%1B%7F")
    assert texts(page) == ["quick dog"]
    assert 'value="quick dog"' in BOX.findall(page)[0]
    assert leads_to(await cast.susan.browser.get("/search?q=%00%07")) == "/explore"
    page = await cast.susan.browser.text("/search?q=dog&page=%00")
    assert texts(page) == ["quick dog"]
    asked = await cast.stranger.get("/search?q=quick%00dog")
    assert urlsplit(leads_to(asked)).path == "/auth/login"
    assert (await cast.stranger.get(leads_to(asked))).status_code == 200
    for path in ("/explore?q=%00", "/search/?q=%00", "/search?q=%FF"):
        assert (await cast.susan.browser.get(path)).status_code == 400


async def test_where_not_all_are_looked_at(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says which were: for words those added last, else the newest."""
    monkeypatch.setattr(finding, "MOST_FOUND", 3)
    for number in range(4):
        await cast.publish(cast.susan, f"word {number}")
    page = await cast.john.browser.text("/search?q=word")
    assert texts(page) == ["word 3", "word 2", "word 1"]
    assert "Of the posts that match, the 3 added last, best first." in page
    assert "There are more." in page
    page = await cast.john.browser.text("/search?q=from:susan")
    assert "The newest 3 posts that match" in page
    assert "Older posts were not looked at." in page
    page = await cast.john.browser.text("/search?q=3")
    assert "1 post has what you are looking for." in page
    assert "There are more." not in page
