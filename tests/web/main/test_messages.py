"""Private messages on pages: written, received, read by being looked at, deleted from one's side."""

import asyncio

import pytest
from sqlalchemy import func, select

from microblog.domain import notifications
from microblog.models import Message
from tests.cast import HTML, Cast, Person
from tests.web.reading import (
    badge,
    body,
    error_at,
    flashes,
    heading,
    labels,
    leads_to,
    messages,
    newer,
    older,
    title,
    value_of,
)


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {"POSTS_PER_PAGE": "3", "MICROBLOG_MESSAGES_MAX_LENGTH": "140"}


async def stored(cast: Cast) -> int:
    async with cast.resources.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(Message)) or 0


async def told(cast: Cast, person: Person) -> list[int]:
    async with cast.resources.database.reading() as session:
        return [word.data for word in await notifications.since(session, person.actor, 0)]


async def test_the_link_is_on_other_peoples_profiles(cast: Cast) -> None:
    """MSG-01."""
    link = '<a class="button" href="/send_message/john">Send private message</a>'
    assert link in await cast.susan.browser.text("/user/john")
    assert "Send private message" not in await cast.john.browser.text("/user/john")


async def test_the_form(cast: Cast) -> None:
    """MSG-02, MSG-03."""
    page = await cast.susan.browser.text("/send_message/John")
    assert title(page) == "Send Message - Microblog"
    assert heading(page) == "Send Message to john"
    assert labels(page) == {"message": "Message"}
    assert 'value="Submit"' in page
    assert (await cast.susan.browser.get("/send_message/no-one")).status_code == 404
    answer = await cast.susan.browser.submit("/", to="/send_message/no-one", message="hello")
    assert answer.status_code == 404
    assert await stored(cast) == 0


async def test_what_is_refused(cast: Cast) -> None:
    """MSG-04, MSG-06: the form again with what was typed; nothing is stored, nobody is told."""
    susan = cast.susan.browser
    for text, error in (
        ("", "This field is required."),
        ("x" * 141, "Field must be between 1 and 140 characters long."),
    ):
        answer = await susan.submit("/send_message/john", message=text)
        page = await body(answer)
        assert answer.status_code == 200
        assert error_at(page, "message") == error
        assert value_of(page, "message") == text
    assert (await susan.post("/send_message/john", message="forged")).status_code == 400
    assert await stored(cast) == 0
    assert await told(cast, cast.john) == []
    answer = await susan.submit("/send_message/john", message="x" * 140)
    assert answer.status_code == 302
    assert await stored(cast) == 1


async def test_sending(cast: Cast) -> None:
    """MSG-05, NOT-10."""
    answer = await cast.susan.browser.submit("/send_message/john", message="Only for you\nJohn")
    assert leads_to(answer) == "/user/john"
    page = await cast.susan.browser.text("/user/john")
    assert flashes(page) == ["Your message has been sent."]
    # By this a draft of it is forgotten.
    assert '<div class="flashes" data-sent>' in page
    assert messages(await cast.john.browser.text("/messages")) == ["Only for you\nJohn"]
    assert "Only for you" not in await cast.john.browser.text("/index")


async def test_not_to_oneself(cast: Cast) -> None:
    """MSG-15: refused, in words."""
    susan = cast.susan.browser
    for answer in (
        await susan.get("/send_message/Susan"),
        await susan.submit("/", to="/send_message/susan", message="dear me"),
    ):
        assert leads_to(answer) == "/user/susan"
    assert flashes(await susan.text("/user/susan")) == ["You cannot write to yourself."]
    assert leads_to(await susan.get("/messages/susan")) == "/messages"
    assert await stored(cast) == 0


async def test_the_list_and_its_pager(cast: Cast) -> None:
    """MSG-07, MSG-08, MSG-13: received only, newest first, by cursor and by number."""
    for number in range(7):
        await cast.write(cast.john if number % 2 else cast.mary, cast.susan, f"number {number}")
    await cast.write(cast.susan, cast.john, "sent by me")
    susan, labelled = cast.susan.browser, ("Newer messages", "Older messages")
    page = await susan.text("/messages")
    assert heading(page) == "Messages"
    assert messages(page) == ["number 6", "number 5", "number 4"]
    assert newer(page, labelled[0]) is None
    assert "translation" not in page.partition("<main")[2].partition("</main>")[0]
    seen, way = messages(page), older(page, labelled[1])
    while way:
        # What arrives meanwhile moves nothing.
        await cast.write(cast.mary, cast.susan, "late")
        page = await susan.text(way)
        seen += messages(page)
        way = older(page, labelled[1])
    assert seen == [f"number {number}" for number in range(6, -1, -1)]
    back = newer(page, labelled[0])
    assert back
    assert messages(await susan.text(back)) == ["number 3", "number 2", "number 1"]
    assert messages(await susan.text("/messages?page=2")) == ["number 5", "number 4", "number 3"]
    for nonsense in ("99", "40001", "999999999999"):
        page = await susan.text(f"/messages?page={nonsense}")
        assert messages(page) == []
        assert newer(page, labelled[0]) == "/messages"
        assert older(page, labelled[1]) is None
    assert messages(await susan.text("/messages?page=x"))[0] == "late"


async def test_nobody_elses(cast: Cast) -> None:
    """MSG-09, MSG-14: by no address, for no member and no stranger; absent and foreign are one answer."""
    number = await cast.write(cast.susan, cast.john, "strictly between us")
    token = await cast.mary.browser.token("/")
    paths = ["/messages", "/conversations", "/messages/susan", "/messages/john", "/user/john"]
    paths += ["/send_message/john", "/notifications", "/", "/explore", "/user/john/popup"]
    paths += [f"/post/{number}", f"/messages/{number}", f"/messages?before={number + 1}"]
    paths += [f"/messages/john?before={number + 1}", "/messages/susan?page=1&after=0"]
    for browser in (cast.mary.browser, cast.stranger):
        for path in paths:
            assert "strictly between us" not in await body(await browser.get(path)), path
    # Not even the two of them find it by searching.
    for browser in (cast.susan.browser, cast.john.browser, cast.mary.browser):
        found = await browser.text("/search?q=strictly")
        assert "strictly between" not in found
    answers = []
    for message_id in (number, 4711):
        answer = await cast.mary.browser.post(f"/messages/delete/{message_id}", csrf_token=token)
        answers.append((answer.status_code, "File Not Found" in await body(answer)))
    assert answers == [(404, True)] * 2
    assert badge(await cast.john.browser.text("/index")) == (1, True)
    assert messages(await cast.john.browser.text("/messages")) == ["strictly between us"]


async def test_the_badge_on_every_page(cast: Cast) -> None:
    """NOT-01, NOT-02, NOT-03, MSG-10, MSG-11."""
    susan = cast.susan.browser
    pages = ["/", "/index", "/explore", "/user/susan", "/edit_profile", "/account", "/nowhere"]
    pages += ["/send_message/john", "/conversations", "/messages/mary", "/search?q=x"]

    async def badges() -> set[tuple[int, bool]]:
        return {badge(await body(await susan.get(path))) for path in pages}

    assert await badges() == {(0, False)}
    for number in range(2):
        await cast.write(cast.john, cast.susan, f"number {number}")
    assert await badges() == {(2, True)}
    # Any page of the list is enough, and that page shows it already.
    assert badge(await susan.text("/messages?page=7")) == (0, False)
    assert await badges() == {(0, False)}
    for path in ("/auth/login", "/nowhere"):
        page = await body(await cast.stranger.get(path))
        for trace in ("message_count", "/messages", "live-since", 'name="notified"'):
            assert trace not in page


async def test_new_ones_stand_out_once(cast: Cast) -> None:
    await cast.write(cast.john, cast.susan, "hello")
    assert "is-unread" in await cast.susan.browser.text("/messages")
    assert "is-unread" not in await cast.susan.browser.text("/messages")
    assert await told(cast, cast.susan) == [0]


async def test_looking_writes_only_what_is_new(cast: Cast) -> None:
    """NOT-09, T-23: once 0 has been told, looking again writes nothing."""
    await cast.susan.browser.text("/messages")
    async with cast.resources.database.reading() as session:
        (first,) = await notifications.since(session, cast.susan.actor, 0)
    await cast.susan.browser.text("/messages")
    async with cast.resources.database.reading() as session:
        assert await notifications.since(session, cast.susan.actor, 0) == [first]
    assert first.data == 0


async def test_who_does_not_look_has_not_read(cast: Cast) -> None:
    """HEAD, and a browser that fetches ahead: the messages stay unread."""
    await cast.write(cast.john, cast.susan, "hello")
    client = cast.susan.browser.client
    for path in ("/messages", "/messages/john"):
        await client.head(path, headers=HTML)
        for ahead in ({"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}):
            answer = await client.get(path, headers=HTML | ahead)
            assert badge(await body(answer)) == (1, True)
    assert await told(cast, cast.susan) == [1]


async def test_deleting_is_for_ones_own_side(cast: Cast) -> None:
    number = await cast.write(cast.john, cast.susan, "hello")
    for browser, back in ((cast.susan.browser, "/messages"), (cast.john.browser, "/conversations")):
        answer = await browser.submit("/", to=f"/messages/delete/{number}", next=back)
        assert leads_to(answer) == back
        assert flashes(await browser.text(back)) == ["The message has been deleted."]
        again = await browser.submit("/", to=f"/messages/delete/{number}", next=back)
        assert again.status_code == 404
        assert await stored(cast) == (1 if browser is cast.susan.browser else 0)
    await cast.write(cast.john, cast.susan, "hello")
    answer = await cast.susan.browser.submit(
        "/messages", to="/messages/delete/2", next="//evil.example/"
    )
    assert leads_to(answer) == "/messages"


async def test_a_message_is_text(cast: Cast) -> None:
    """T-26: linked where it says an address, and never anything but text otherwise."""
    await cast.write(cast.john, cast.susan, "<script>x</script> https://example.com/ מזל")
    page = await cast.susan.browser.text("/messages")
    assert "<script>x" not in page
    assert '<a href="https://example.com/" rel="nofollow noopener noreferrer">' in page
    assert '<div class="post-body" dir="auto">' in page


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestOften:
    @pytest.fixture
    def environment(self, environment: dict[str, str]) -> dict[str, str]:
        often = {"MICROBLOG_LIMITS_SCALE": "1", "MICROBLOG_LIMITS_MESSAGES_PER_MINUTE": "2"}
        return environment | often

    async def test_not_more_than_so_many_a_minute(self, cast: Cast) -> None:
        """Counted for the person, whichever page they write on; what was typed comes back."""
        token = await cast.susan.browser.token("/")
        for path in ("/send_message/john", "/messages/mary"):
            answer = await cast.susan.browser.post(path, csrf_token=token, message="hello")
            assert answer.status_code == 302
        answer = await cast.susan.browser.post(
            "/messages/john", csrf_token=token, message="one too many"
        )
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) >= 1
        assert "one too many" in await body(answer)
        assert await stored(cast) == 2


async def test_many_at_once(cast: Cast) -> None:
    """Latent fault 15: each is stored and counted."""
    senders = [cast.john, cast.mary, cast.david]
    tokens = {person.username: await person.browser.token("/") for person in senders}
    answers = await asyncio.gather(
        *(
            person.browser.post(
                "/send_message/susan", csrf_token=tokens[person.username], message=f"{number}"
            )
            for number in range(5)
            for person in senders
        )
    )
    assert {answer.status_code for answer in answers} == {302}
    assert badge(await cast.susan.browser.text("/index")) == (15, True)
    assert await told(cast, cast.susan) == [15]
