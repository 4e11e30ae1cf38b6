"""What is meant for one person is heard by that person's sockets, and by nobody else's."""

from collections.abc import Callable

import pytest

from microblog.database import Database
from microblog.domain import messages, notifications, sessions, users
from microblog.domain.sessions import Lifetimes
from microblog.live.audience import Channels
from tests.cast import Browser
from tests.live.hearing import Ear, Town


async def write(town: Town, sender: str, recipient: str, database: Database | None = None) -> int:
    async with (database or town.database).begin() as session:
        user = await users.by_id(session, town.people[recipient].id)
        message = await messages.send(session, town.people[sender], user, "hello", length=99)
        return message.id


async def tell(town: Town, name: str, data: object) -> None:
    async with town.database.begin() as session:
        await notifications.notify(session, town.people[name].id, "anything", data)


def private(ear: Ear) -> list[tuple[str, object]]:
    """What was for this reader alone, without numbers and times."""
    keys = {"notification": "data", "message.created": "user_id"}
    return [(f["type"], f[keys[f["type"]]]) for f in ear.frames if f["type"] in keys]


async def test_both_people_and_nobody_else(town: Town) -> None:
    """NOT-07: whatever the others listen to; a message is told without a word of it."""
    susan, john = town.people["susan"], town.people["john"]
    await town.follow("mary", "john")
    hers = [await town.listen("susan"), await town.listen("susan", "explore")]
    his = await town.listen("john", "user:susan")
    others = [
        await town.listen("mary"),
        await town.listen("mary", "explore", "user:susan", "user:john"),
        await town.listen("david", since=0),
    ]
    for ear in (*hers, his, *others):
        await ear.live()
    number = await write(town, "john", "susan")
    await tell(town, "susan", {"progress": 40})
    end = await town.post("john")
    await others[1].hear_post(end)
    for ear in hers:
        await ear.hear(3)
        assert private(ear) == [
            ("notification", 1),
            ("message.created", john.id),
            ("notification", {"progress": 40}),
        ]
        word = ear.frames[0]
        assert set(word) == {"type", "seq", "name", "data", "timestamp"}
        assert word["name"] == "unread_message_count"
        assert set(ear.frames[1]) == {"type", "seq", "message_id", "user_id"}
        assert ear.frames[1]["message_id"] == number
    await his.until(lambda: private(his) == [("message.created", susan.id)])
    for ear in others:
        assert private(ear) == []


async def test_without_any_channel_too(town: Town) -> None:
    ear = Ear(town.hub, None)
    await ear.listen(await town.log_in("susan"), "en", Channels())
    town.ears.append(ear)
    await ear.live()
    await town.post("susan")
    await write(town, "john", "susan")
    await ear.hear(2)
    assert [frame["type"] for frame in ear.frames] == ["notification", "message.created"]


async def test_after_a_break(town: Town) -> None:
    """NOT-17: what was missed, nothing twice, in order; to another person nothing of it."""
    first = await town.listen("susan")
    await write(town, "john", "susan")
    await first.hear(2)
    seen = first.seqs[-1]
    await first.leave()
    town.ears.remove(first)
    for _ in range(2):
        await write(town, "john", "susan")
    again = await town.listen("susan", since=seen)
    stranger = await town.listen("mary", since=0)
    await again.live()
    await stranger.live()
    await write(town, "john", "susan")
    await again.hear(6)
    assert [data for kind, data in private(again) if kind == "notification"] == [2, 3, 4]
    assert again.seqs == sorted(set(again.seqs))
    assert min(again.seqs) > seen
    await tell(town, "mary", "yours")
    await stranger.hear(1)
    assert private(stranger) == [("notification", "yours")]


async def test_from_another_process(town: Town, elsewhere: Database) -> None:
    """NOT-16: committed there, heard here."""
    ear = await (await town.listen("susan")).live()
    await write(town, "john", "susan", elsewhere)
    await ear.hear(2)
    assert [data for kind, data in private(ear) if kind == "notification"] == [1]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_two_hundred_sockets_and_a_page(town: Town, browser: Callable[[], Browser]) -> None:
    """NOT-18: two hundred listen; a message is told to whom it concerns alone, and pages answer."""
    ears = [await town.listen("mary" if number % 2 else "david") for number in range(200)]
    hers = await town.listen("susan")
    for ear in (*ears, hers):
        await ear.live()
    await write(town, "john", "susan")
    await hers.hear(2)
    await town.settle()
    assert [ear.frames for ear in ears] == [[]] * 200
    async with town.database.begin() as session:
        token = await sessions.begin(
            session, town.people["susan"].id, remembered=False, device="", lifetimes=Lifetimes()
        )
    reading = browser()
    reading.hold(token)
    assert "hello" in await reading.text("/messages")
