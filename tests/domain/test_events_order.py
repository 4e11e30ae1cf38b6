"""Numbers are given in the order in which events become visible: a tail never looks back."""

import asyncio

import pytest
from sqlalchemy import func, select

from microblog.database import Database
from microblog.domain import events
from microblog.models import Event, User
from microblog.settings import Settings


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    # On a busy machine SQLite's writers may wait long for each other; that is not what this is about.
    waits = {"MICROBLOG_DATABASE_POOL_TIMEOUT": "60", "MICROBLOG_DATABASE_BUSY_TIMEOUT": "60"}
    return environment | waits


def note(session, subject_id: int) -> None:
    events.record(session, events.PING, actor_id=0, subject_id=subject_id)


async def test_an_event_is_a_row_only_at_the_commit(database: Database) -> None:
    async with database.begin() as session:
        note(session, 1)
        await session.flush()
        assert await session.scalar(select(func.count()).select_from(Event)) == 0
    async with database.reading() as session:
        assert [e.subject_id for e in await events.after(session, 0, limit=9)] == [1]


async def test_what_is_rolled_back_never_happened(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.begin() as session:
            note(session, 1)
            raise ZeroDivisionError
    async with database.reading() as session:
        assert await events.newest(session) == 0


async def test_a_tail_sees_every_event_of_many_writers(
    database: Database, settings: Settings
) -> None:
    """Eight writers in two processes' databases, and one that takes its time between write and commit."""
    other = Database(settings.database_url, settings.database)
    done = asyncio.Event()
    seen: list[int] = []

    async def write(where: Database, writer: int) -> None:
        for number in range(20):
            async with where.begin() as session:
                note(session, writer * 100 + number)
                session.add(_somebody(writer * 100 + number))
                await session.flush()
                await asyncio.sleep(0.001 * (writer % 3))

    async def tail() -> None:
        position = 0
        while not (done.is_set() and len(seen) >= 160):
            async with database.reading() as session:
                batch = await events.after(session, position, limit=7)
            for event in batch:
                assert event.id > position
                position = event.id
                seen.append(event.subject_id)
            await asyncio.sleep(0)

    reading = asyncio.create_task(tail())
    await asyncio.gather(*(write((database, other)[n % 2], n) for n in range(8)))
    done.set()
    async with asyncio.timeout(10):
        await reading
    await other.close()
    assert sorted(seen) == [writer * 100 + number for writer in range(8) for number in range(20)]


def _somebody(number: int) -> User:
    return User(username=f"u{number}", email=f"u{number}@example.com")


# SQLite has one writer: there no transaction can be open while another one commits.
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@on_postgresql
async def test_an_open_transaction_hides_nothing(database: Database) -> None:
    """One has written and stays open while later ones commit: its event comes after theirs."""
    writing = database.writing()
    writing.session.add(_somebody(1))
    note(writing.session, 1)
    await writing.session.flush()
    for number in (2, 3, 4):
        async with database.begin() as session:
            session.add(_somebody(number))
            note(session, number)
    async with database.reading() as session:
        first = await events.after(session, 0, limit=9)
    await writing.commit()
    await writing.close()
    async with database.reading() as session:
        later = await events.after(session, first[-1].id, limit=9)
    assert [e.subject_id for e in first] == [2, 3, 4]
    assert [e.subject_id for e in later] == [1]


@on_postgresql
async def test_between_number_and_commit_nobody_overtakes_an_open_transaction(
    database: Database,
) -> None:
    """The narrowest place: an event is written, its number given, the commit not yet done."""
    slow = database.writing()
    note(slow.session, 1)
    await events.write(slow.session)

    async def quick() -> None:
        async with database.begin() as session:
            note(session, 2)

    waiting = asyncio.create_task(quick())
    for _ in range(20):
        async with database.reading() as session:
            assert await events.newest(session) == 0
    assert not waiting.done()
    await slow.commit()
    await slow.close()
    async with asyncio.timeout(5):
        await waiting
    async with database.reading() as session:
        assert [e.subject_id for e in await events.after(session, 0, limit=9)] == [1, 2]
