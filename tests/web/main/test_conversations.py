"""Conversations: with whom, what the two have said, and the answer below it."""

import re

import pytest

from tests.cast import Cast
from tests.web.reading import badge, body, error_at, heading, leads_to, messages, title, value_of


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {"POSTS_PER_PAGE": "3"}


def talks(page: str) -> list[str]:
    """The lines of the overview, from the top, as their words."""
    lines = re.findall(r'<a class="talk.*?</a>', page, re.S)
    return [" ".join(re.sub(r"<[^>]+>", " ", line).split()) for line in lines]


async def test_both_sides_and_the_newest_at_the_bottom(cast: Cast) -> None:
    susan = cast.susan.browser
    await cast.write(cast.john, cast.susan, "How are you?")
    answer = await susan.submit("/messages/John", message="Well, and you?")
    assert leads_to(answer) == "/messages/john"
    await cast.write(cast.mary, cast.susan, "from somebody else")
    page = await susan.text("/messages/john")
    assert title(page) == "Conversation with john - Microblog"
    assert heading(page) == "Conversation with john"
    assert messages(page) == ["How are you?", "Well, and you?"]
    assert 'data-author="susan"' in page
    assert re.search(r'id="messages"[^>]* data-arriving', page)
    assert messages(await cast.john.browser.text("/messages/susan")) == messages(page)
    empty = await body(await susan.submit("/messages/john", message="  "))
    assert error_at(empty, "message") == "This field is required."
    long = await body(await susan.submit("/messages/john", message="x" * 2001))
    assert value_of(long, "message") == "x" * 2001
    assert (await susan.get("/messages/no-one")).status_code == 404


async def test_its_pages(cast: Cast) -> None:
    susan = cast.susan.browser
    for number in range(7):
        sender, recipient = (cast.john, cast.susan) if number % 2 else (cast.susan, cast.john)
        await cast.write(sender, recipient, f"number {number}")
    said: list[str] = []
    way: str | None = "/messages/john"
    while way:
        page = await susan.text(way)
        said = messages(page) + said
        found = re.search(r'href="(/messages/john\?before=\d+)">Older messages', page)
        way = found[1] if found else None
    assert said == [f"number {number}" for number in range(7)]
    assert "data-arriving" not in page
    back = re.search(r'href="([^"]+)">Newer messages', page)
    assert back
    assert messages(await susan.text(back[1])) == ["number 1", "number 2", "number 3"]


async def test_reading_one_leaves_the_others_unread(cast: Cast) -> None:
    await cast.write(cast.john, cast.susan, "by john")
    await cast.write(cast.mary, cast.susan, "by mary")
    await cast.write(cast.mary, cast.susan, "by mary again")
    susan = cast.susan.browser
    page = await susan.text("/conversations")
    # The overview reads nothing.
    assert badge(page) == (3, True)
    mary, john = talks(page)
    assert mary.startswith("mary ")
    assert mary.endswith("by mary again 2 2 unread messages")
    assert john.endswith("by john 1 1 unread message")
    assert badge(await susan.text("/messages/mary")) == (1, True)
    assert badge(await susan.text("/index")) == (1, True)
    assert [line[-1] for line in talks(await susan.text("/conversations"))] == ["n", "e"]
    assert badge(await susan.text("/messages")) == (0, False)
    await susan.submit("/messages/john", message="thanks")
    assert "You: thanks" in talks(await susan.text("/conversations"))[0]


async def test_the_overview_page_by_page(cast: Cast) -> None:
    for person in (cast.john, cast.mary, cast.david):
        await cast.write(person, cast.susan, "hello")
    susan = cast.susan.browser
    page = await susan.text("/conversations")
    assert len(talks(page)) == 3
    assert "?page=2" not in page
    page = await susan.text("/conversations?page=2")
    assert talks(page) == []
    assert 'href="/conversations?page=1">Newer messages' in page
    assert talks(await susan.text("/conversations?page=99999999")) == []
    assert talks(await cast.john.browser.text("/conversations"))[0].startswith("susan ")
