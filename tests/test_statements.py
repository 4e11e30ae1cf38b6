"""What a page costs: a handful of SQL statements, however much there is to show."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import pytest
from sqlalchemy import event

from microblog.domain import follows, users
from microblog.domain.actors import Actor
from tests.cast import Cast, enrol
from tests.web.reading import older, rows

MOST = 5


# The client's request inherits it; the hub, which works beside, does not.
_counting: ContextVar[list[str] | None] = ContextVar("counting", default=None)


@contextmanager
def counted(cast: Cast) -> Iterator[list[str]]:
    """The statements that what happens inside sends to the database."""
    database = cast.resources.database
    engines = [database._writer.sync_engine, database._reader.sync_engine]

    def note(connection, cursor, statement, parameters, context, executemany) -> None:
        found = _counting.get()
        if found is not None:
            found.append(statement)

    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    statements: list[str] = []
    token = _counting.set(statements)
    try:
        yield statements
    finally:
        _counting.reset(token)
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


async def authors(cast: Cast, number: int) -> list[Actor]:
    """More people, who follow susan and whom she follows."""
    found = [await enrol(cast.resources, f"author{n}", "no password") for n in range(number)]
    async with cast.resources.database.begin() as session:
        susan = await users.by_id(session, cast.susan.id)
        for author in found:
            await follows.follow(session, author, susan)
            await follows.follow(session, cast.susan.actor, await users.by_id(session, author.id))
    return found


async def cost(cast: Cast, path: str) -> tuple[int, str]:
    """What a page costs that nothing is remembered of."""
    cast.resources.memory.is_on = False
    with counted(cast) as statements:
        page = await cast.susan.browser.text(path)
    cast.resources.memory.is_on = True
    assert 1 <= len(statements) <= MOST, (path, statements)
    return len(statements), page


@pytest.mark.parametrize("path", ["/index", "/explore", "/user/susan"])
async def test_a_list_costs_the_same_with_one_post_and_with_many(cast: Cast, path: str) -> None:
    """At most five statements: for 1 and 25 posts, 1 and 30 followers and authors."""
    first = (await authors(cast, 1))[0]
    await cast.publish(cast.susan, "the first post")
    small, page = await cost(cast, path)
    assert len(rows(page)) == 1
    people = [cast.susan.actor] * 30
    if path != "/user/susan":
        people = [first, *[await enrol(cast.resources, f"more{n}", "x") for n in range(29)]]
        async with cast.resources.database.begin() as session:
            susan = await users.by_id(session, cast.susan.id)
            for person in people[1:]:
                await follows.follow(session, person, susan)
                other = await users.by_id(session, person.id)
                await follows.follow(session, cast.susan.actor, other)
    for number in range(60):
        person = people[number % 30]
        await cast.publish(Author(person), f"https://example.com/{number} post {number}")
    large, page = await cost(cast, path)
    assert len(rows(page)) == 25
    assert large == small
    below = older(page)
    assert below
    deeper, page = await cost(cast, below)
    assert len(rows(page)) == 25
    assert deeper <= MOST
    assert (await cost(cast, f"{path}?page=2"))[0] <= MOST
    last = older(page)
    assert last
    assert (await cost(cast, last))[0] == deeper
    assert (await cost(cast, f"{path}?after=1"))[0] <= MOST


class Author:
    """Somebody who only writes."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor


async def test_a_post_by_itself(cast: Cast) -> None:
    """Edited or not, with many earlier versions or none."""
    number = await cast.publish(cast.susan, "words 0")
    plain, _ = await cost(cast, f"/post/{number}")
    for edit in range(1, 4):
        await cast.susan.browser.submit(f"/post/{number}/edit", post=f"words {edit}")
    edited, page = await cost(cast, f"/post/{number}")
    assert "3 earlier versions" in page
    assert edited == plain + 1


async def test_what_is_remembered_costs_nothing(cast: Cast) -> None:
    """Nor does it cost more when it is read for the first time."""
    number = await cast.publish(cast.susan, "words 0")
    await cast.susan.browser.submit(f"/post/{number}/edit", post="words 1")
    for path in ("/", "/explore", f"/post/{number}", "/user/susan", "/user/john"):
        with counted(cast) as statements:
            await cast.susan.browser.text(path)
        assert len(statements) <= MOST
        with counted(cast) as statements:
            await cast.susan.browser.text(path)
        assert not statements, (path, statements)


async def test_pages_that_nobody_logged_in_for_ask_nothing(cast: Cast) -> None:
    for path in ("/auth/login", "/auth/register", f"/avatar/{cast.susan.id}", "/livez", "/nowhere"):
        with counted(cast) as statements:
            await cast.stranger.get(path)
        assert statements == []


async def test_messages_cost_the_same_with_one_and_with_many(cast: Cast) -> None:
    """Looking at what is read; opening what is new writes, which costs a few more, but no more."""
    pages = ["/messages", "/conversations", "/messages/john", "/send_message/john"]
    pages += ["/user/john/popup", "/notifications"]
    await cast.write(cast.john, cast.susan, "the first message")
    opening = []
    for number in (1, 30):
        with counted(cast) as statements:
            await cast.susan.browser.text("/messages")
        opening.append(len(statements))
        if number == 1:
            few = [(await cost(cast, path))[0] for path in pages]
        for writer in (cast.john, cast.mary, cast.david) * 10:
            await cast.write(writer, cast.susan, f"{number}")
            await cast.write(cast.susan, writer, f"{number}")
    assert opening[0] == opening[1] <= 12
    await cast.susan.browser.text("/messages")
    assert [(await cost(cast, path))[0] for path in pages] == few


async def test_writing_is_short(cast: Cast) -> None:
    """A post: who, in what language, the allowance, the post, its words, the lock, the event."""
    token = await cast.susan.browser.token("/")
    with counted(cast) as statements:
        response = await cast.susan.browser.post("/", csrf_token=token, post="short")
    assert response.status_code == 302
    told = [s for s in statements if not s.startswith("BEGIN")]
    assert 3 < len(told) <= MOST + 2, told


@pytest.fixture
def waiting(environment: dict[str, str]) -> None:
    """Nobody does what was promised."""
    environment["MICROBLOG_JOBS_INSIDE"] = "false"


@pytest.mark.usefixtures("waiting")
async def test_a_box_costs_one(cast: Cast) -> None:
    """Pages ask for what is under way only if something is."""
    plain, _ = await cost(cast, "/explore")
    await cast.susan.browser.submit("/user/susan", to="/export_posts", submit="1")
    await cast.susan.browser.text("/explore")
    boxed, page = await cost(cast, "/explore")
    assert "Exporting posts..." in page
    assert boxed == plain + 1
