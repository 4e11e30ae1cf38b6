"""Lists of private messages: whose they are, in which order, and page by page."""

import pytest

from microblog.database import Database
from microblog.domain import correspondence, messages, users
from microblog.domain.actors import Actor
from microblog.domain.paging import DEEPEST_PAGE, Place, Slice
from tests.domain.test_messages import people, send  # noqa: F401 (a fixture)


async def walk(database: Database, read, place: Place | None) -> tuple[list[str], list[Place]]:
    """All pages from a place on, downwards: what they say, and the way back up from each."""
    said: list[str] = []
    ways: list[Place] = []
    while place is not None:
        async with database.reading() as session:
            part: Slice = await read(session, place)
        said += [message.body for message in part.items]
        if part.newer:
            ways.append(part.newer)
        place = part.older
    return said, ways


@pytest.fixture
async def talk(database: Database, people: dict[str, Actor]) -> dict[str, Actor]:  # noqa: F811
    """Thirty messages between susan and john, three by mary, and one to be kept out."""
    susan, john, mary = people["susan"], people["john"], people["mary"]
    async with database.begin() as session:
        entities = {name: await users.by_id(session, actor.id) for name, actor in people.items()}
        for number in range(30):
            sender, recipient = (john, "susan") if number % 3 else (susan, "john")
            await messages.send(session, sender, entities[recipient], f"{number}", length=9)
            if number % 10 == 0:
                await messages.send(session, mary, entities["susan"], f"mary {number}", length=9)
        await messages.send(session, john, entities["mary"], "secret", length=9)
    return people


async def test_a_conversation_has_both_sides_in_order(database: Database, talk) -> None:
    susan, john = talk["susan"], talk["john"]

    async def read(session, place: Place) -> Slice:
        return await correspondence.conversation(session, susan, john.id, place, size=7)

    everything = [str(number) for number in range(29, -1, -1)]
    said, ways = await walk(database, read, Place())
    assert said == everything
    assert len(ways) == 4
    # From the last page back up: nothing is skipped, nothing comes twice.
    up: list[str] = []
    place: Place | None = ways[-1]
    while place is not None:
        async with database.reading() as session:
            part = await read(session, place)
        up = [message.body for message in part.items] + up
        place = part.newer
    assert up[: len(everything) - 2][:7] == everything[:7]
    assert (await walk(database, read, Place(page=4)))[0][:7] == everything[21:28]
    for place in (Place(page=9), Place(page=DEEPEST_PAGE + 1), Place(before=1)):
        async with database.reading() as session:
            part = await read(session, place)
        assert (list(part.items), part.newer, part.older) == ([], Place(), None)


async def test_the_inbox_has_what_was_received(database: Database, talk) -> None:
    """MSG-07, MSG-09: by everybody, newest first, nothing sent, nothing of others."""

    async def read(session, place: Place) -> Slice:
        return await correspondence.inbox(session, talk["susan"], place, size=5)

    said, _ = await walk(database, read, Place())
    expected = []
    for number in range(30):
        expected += [str(number)] if number % 3 else []
        expected += [f"mary {number}"] if number % 10 == 0 else []
    assert said == expected[::-1]


async def test_conversations_by_their_last_word(database: Database, talk) -> None:
    """One line a person, with the number of unread ones; one statement, however many there are."""
    susan, john, mary = talk["susan"], talk["john"], talk["mary"]
    last = await send(database, susan, mary, "thanks")
    async with database.begin() as session:
        await messages.take_away(session, susan, 1)
    async with database.reading() as session:
        found, more = await correspondence.conversations(session, susan, size=9)
        first, rest = await correspondence.conversations(session, susan, size=1)
        second, none = await correspondence.conversations(session, susan, size=1, page=2)
        marys, _ = await correspondence.conversations(session, mary, size=9)
    assert [(c.username, c.unread, c.last_body, c.last_is_own) for c in found] == [
        ("mary", 3, "thanks", True),
        ("john", 20, "29", False),
    ]
    assert found[0].last_id == last
    assert not more
    assert (first, rest, second, none) == (found[:1], True, found[1:], False)
    assert [(c.user_id, c.unread, c.last_body) for c in marys] == [
        (susan.id, 1, "thanks"),
        (john.id, 1, "secret"),
    ]


async def test_what_was_taken_away_is_in_no_list(database: Database, people) -> None:  # noqa: F811
    susan, john = people["susan"], people["john"]
    number = await send(database, john, susan)
    async with database.begin() as session:
        await messages.take_away(session, susan, number)
    async with database.reading() as session:
        assert await correspondence.conversations(session, susan, size=9) == ([], False)
        assert not (await correspondence.inbox(session, susan, Place(), size=9)).items
        assert not await correspondence.has_unread(session, susan, john.id)
        theirs, _ = await correspondence.conversations(session, john, size=9)
    assert [c.last_body for c in theirs] == ["hello"]
