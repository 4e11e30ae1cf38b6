"""Private messages: sent, read and taken away, and what is told of it in the same transaction."""

import asyncio

import pytest
from sqlalchemy import func, select, text, update

from microblog.database import Database
from microblog.domain import correspondence, events, messages, notifications, users
from microblog.domain.actors import Actor
from microblog.domain.errors import Invalid, NotFound, Refusal
from microblog.domain.paging import Place
from microblog.models import Event, Message, Notification, User, utc_now

LENGTH = 2000


@pytest.fixture
async def people(database: Database) -> dict[str, Actor]:
    async with database.begin() as session:
        found = {}
        for name in ("susan", "john", "mary"):
            user = await users.register(session, name, f"{name}@example.com", None)
            found[name] = Actor(user.id, name)
    return found


async def send(database: Database, sender: Actor, recipient: Actor, body: str = "hello") -> int:
    async with database.begin() as session:
        user = await users.by_id(session, recipient.id)
        return (await messages.send(session, sender, user, body, length=LENGTH)).id


async def told(database: Database, actor: Actor) -> list[int]:
    """What is said under the name of the unread messages: there may be one entry only."""
    async with database.reading() as session:
        words = await notifications.since(session, actor, 0)
    return [word.data for word in words if word.name == notifications.UNREAD_MESSAGES]


async def unread(database: Database, actor: Actor) -> int:
    async with database.reading() as session:
        count = select(func.count()).where(
            Message.recipient_id == actor.id, Message.read_at.is_(None)
        )
        return await session.scalar(count) or 0


async def bodies(database: Database, actor: Actor, other: Actor | None = None) -> list[str]:
    async with database.reading() as session:
        if other is None:
            part = await correspondence.inbox(session, actor, Place(), size=50)
        else:
            part = await correspondence.conversation(session, actor, other.id, Place(), size=50)
    return [message.body for message in part.items]


async def test_messages_in_a_row_leave_one_word(database: Database, people) -> None:
    """NOT-08, MSG-11: three messages are one entry that says 3; nobody has opened the list."""
    for number in range(1, 4):
        await send(database, people["john"], people["susan"], f"number {number}")
        assert await told(database, people["susan"]) == [number]
    assert await told(database, people["john"]) == []
    assert await unread(database, people["susan"]) == 3


async def test_reading_resets_it(database: Database, people) -> None:
    """MSG-10, NOT-09: all are read, also what no page has shown; one entry says 0."""
    for _ in range(3):
        await send(database, people["john"], people["susan"])
    await send(database, people["susan"], people["john"])
    async with database.begin() as session:
        left, moment = await messages.mark_read(session, people["susan"])
    assert left == 0
    assert await told(database, people["susan"]) == [0]
    assert await told(database, people["john"]) == [1]
    async with database.reading() as session:
        mine = Message.recipient_id == people["susan"].id
        assert set(await session.scalars(select(Message.read_at).where(mine))) == {moment}


async def test_a_message_stamped_at_the_moment_of_reading_is_read(
    database: Database, people, monkeypatch
) -> None:
    """MSG-12, latent fault 14: what is read is a matter of rows, not of clocks."""
    past_and_future = [utc_now().replace(year=2001), utc_now(), utc_now().replace(year=2090)]
    for moment in past_and_future:
        number = await send(database, people["john"], people["susan"])
        async with database.begin() as session:
            stamped = update(Message).where(Message.id == number).values(timestamp=moment)
            await session.execute(stamped)
    monkeypatch.setattr(messages, "utc_now", lambda: past_and_future[1])
    async with database.begin() as session:
        assert await messages.mark_read(session, people["susan"]) == (0, past_and_future[1])
    # Stamped long before the visit, and committed after it.
    number = await send(database, people["john"], people["susan"])
    async with database.begin() as session:
        stamped = update(Message).where(Message.id == number).values(timestamp=past_and_future[0])
        await session.execute(stamped)
    assert await unread(database, people["susan"]) == 1


async def test_reading_one_person_leaves_the_others_unread(database: Database, people) -> None:
    await send(database, people["john"], people["susan"])
    await send(database, people["mary"], people["susan"])
    async with database.begin() as session:
        left, _ = await messages.mark_read(session, people["susan"], people["mary"].id)
    assert left == 1
    assert await told(database, people["susan"]) == [1]
    async with database.reading() as session:
        susan = people["susan"]
        assert await correspondence.has_unread(session, susan, people["john"].id)
        assert not await correspondence.has_unread(session, susan, people["mary"].id)


async def test_all_or_nothing(database: Database, people) -> None:
    """NOT-10: message, word and event are committed together or not at all."""
    with pytest.raises(ZeroDivisionError):
        async with database.begin() as session:
            susan = await users.by_id(session, people["susan"].id)
            await messages.send(session, people["john"], susan, "lost", length=LENGTH)
            raise ZeroDivisionError
    async with database.reading() as session:
        for table in (Message, Notification, Event):
            assert await session.scalar(select(func.count()).select_from(table)) == 0
    number = await send(database, people["john"], people["susan"])
    async with database.reading() as session:
        log = await events.after(session, 0, limit=9)
    assert [event.kind for event in log] == [events.NOTIFIED, events.MESSAGE_CREATED]
    assert (log[0].actor_id, log[0].subject_id) == (people["susan"].id, people["susan"].id)
    assert log[1].payload == {"message_id": number}


async def test_what_may_not_be_sent(database: Database, people) -> None:
    """MSG-04, MSG-15: too short, too long, to oneself, to somebody who is gone."""
    for body in ("", " \n ", "x" * (LENGTH + 1), "a\0b"):
        with pytest.raises(Invalid) as refusal:
            await send(database, people["john"], people["susan"], body)
        assert refusal.value.field == "message"
    with pytest.raises(Refusal, match="You cannot write to yourself"):
        await send(database, people["john"], people["john"])
    async with database.begin() as session:
        gone = User(id=4711, username="gone", email="gone@example.com")
        with pytest.raises(NotFound):
            await messages.send(session, people["john"], gone, "hello", length=LENGTH)
    assert await told(database, people["susan"]) == []
    # Twice the code units, and decomposed: what counts is code points after normalisation.
    await send(database, people["john"], people["susan"], "\U0001f600" * LENGTH)
    await send(database, people["john"], people["susan"], "e\u0301" * LENGTH)
    assert await unread(database, people["susan"]) == 2


async def test_each_side_has_its_own(database: Database, people) -> None:
    """MSG-09: taken away by one side, kept by the other, gone with the second; nobody else's."""
    susan, john, mary = people["susan"], people["john"], people["mary"]
    first = await send(database, john, susan, "first")
    second = await send(database, john, susan, "second")
    for message_id in (first, 4711):
        with pytest.raises(NotFound):
            async with database.begin() as session:
                await messages.take_away(session, mary, message_id)
    async with database.begin() as session:
        await messages.take_away(session, susan, first)
    # An unread message that was taken away no longer counts.
    assert await told(database, susan) == [1]
    assert await bodies(database, susan) == ["second"]
    assert await bodies(database, john, susan) == ["second", "first"]
    with pytest.raises(NotFound):
        async with database.begin() as session:
            await messages.take_away(session, susan, first)
    async with database.begin() as session:
        await messages.take_away(session, john, first)
        # What its sender does not keep is unread all the same.
        await messages.take_away(session, john, second)
    assert await told(database, susan) == [1]
    assert await bodies(database, john, susan) == []
    async with database.reading() as session:
        assert list(await session.scalars(select(Message.id))) == [second]


async def test_an_account_takes_its_messages_along(database: Database, people) -> None:
    """Those who had not read them are told the new number, and nobody else anything."""
    susan, john, mary = people["susan"], people["john"], people["mary"]
    for sender, recipient in ((john, susan), (mary, susan), (john, mary), (susan, john)):
        await send(database, sender, recipient)
    async with database.begin() as session:
        await messages.mark_read(session, mary)
    async with database.reading() as session:
        before = await events.newest(session)
    async with database.begin() as session:
        await users.close(session, await users.by_id(session, john.id))
    assert await told(database, susan) == [1]
    async with database.reading() as session:
        log = await events.after(session, before, limit=9)
        assert await session.scalar(select(func.count()).select_from(Message)) == 1
    assert [e.subject_id for e in log if e.kind == events.NOTIFIED] == [susan.id]


async def test_two_who_close_their_accounts_at_once(database: Database, people) -> None:
    """Each has unread messages by the other: neither waits for the other in a circle."""
    susan, john = people["susan"], people["john"]
    await send(database, susan, john)
    await send(database, john, susan)
    await send(database, susan, people["mary"])
    both = asyncio.Barrier(2)

    async def close(actor: Actor) -> None:
        async with database.begin() as session:
            await both.wait()
            user = await session.scalar(select(User).where(User.id == actor.id))
            assert user is not None
            await users.close(session, user)

    if database.is_sqlite:  # where the second waits for the first before its first statement
        both = asyncio.Barrier(1)
    async with asyncio.timeout(20):
        await asyncio.gather(close(susan), close(john))
    assert await told(database, people["mary"]) == [0]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_message_on_its_way_while_its_sender_goes(database: Database, people) -> None:
    """Committed just before the account is gone, it does not count for ever."""
    susan, john = people["susan"], people["john"]
    async with database.begin() as session:
        recipient = await users.by_id(session, john.id)
        await messages.send(session, susan, recipient, "wait", length=LENGTH)
        closing = asyncio.create_task(close_account(database, susan))
        await waiting_for_a_lock(database)
    await closing
    assert (await told(database, john), await unread(database, john)) == ([0], 0)


async def close_account(database: Database, actor: Actor) -> None:
    async with database.begin() as session:
        await users.close(session, await users.by_id(session, actor.id))


async def waiting_for_a_lock(database: Database) -> None:
    """Return when some transaction waits for another one."""
    async with asyncio.timeout(10), database.reading() as session:
        while not await session.scalar(WAITING):
            await asyncio.sleep(0.01)


async def test_many_at_once_are_all_counted(database: Database, people) -> None:
    """Latent fault 15: two simultaneous sends leave one entry, and none is forgotten in it."""
    people_of_many = [people["john"], people["mary"]]
    await asyncio.gather(
        *(send(database, people_of_many[n % 2], people["susan"]) for n in range(20)),
        *(send(database, people["susan"], people_of_many[n % 2]) for n in range(10)),
    )
    assert await told(database, people["susan"]) == [20]
    assert await told(database, people["john"]) == [5]
    async with database.reading() as session:
        log = await events.after(session, 0, limit=200)
    counts = [
        event.payload["data"]
        for event in log
        if event.kind == events.NOTIFIED
        and event.subject_id == people["susan"].id
        and event.payload
    ]
    assert counts == list(range(1, 21))


WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")

# SQLite has one writer: there nothing can be committed while somebody else writes.
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@on_postgresql
async def test_a_message_committed_while_the_list_is_read_stays_unread(
    database: Database, people
) -> None:
    """MSG-10, latent fault 14: begun before the reading, committed in the middle of it."""
    john, susan = people["john"], people["susan"]
    await send(database, john, susan, "before")
    writing = database.writing()
    recipient = await users.by_id(writing.session, susan.id)
    await messages.send(writing.session, john, recipient, "meanwhile", length=LENGTH)

    async def read() -> int:
        async with database.begin() as session:
            return (await messages.mark_read(session, susan))[0]

    # Whoever reads waits for the one who counts, and then has seen that message.
    reading = asyncio.create_task(read())
    async with database.reading() as session:
        while not await session.scalar(WAITING):
            await asyncio.sleep(0.005)
    assert not reading.done()
    await writing.commit()
    await writing.close()
    assert await reading == 0
    # And one that comes between the reading and the look at the list is seen, and is unread.
    async with database.begin() as session:
        await messages.mark_read(session, susan)
        late = asyncio.create_task(send(database, john, susan, "late"))
        async with database.reading() as other:
            while not await other.scalar(WAITING):
                await asyncio.sleep(0.005)
    await late
    assert await bodies(database, susan) == ["late", "meanwhile", "before"]
    assert await told(database, susan) == [1]
    assert await unread(database, susan) == 1
