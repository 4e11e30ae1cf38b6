"""The gate: who has passed it knows of all that was committed, or is told that nobody does."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from microblog.adapters import lookout
from microblog.adapters.lookout import (
    Blind,
    Fact,
    Lookout,
    PostgreSQLLookout,
    SQLiteLookout,
    postgresql,
)
from microblog.database import Database
from microblog.domain import events
from microblog.live import gate as gate_module
from microblog.live import topics
from microblog.live.gate import Gate
from microblog.live.kept import Found, Kept
from tests import servers
from tests.conftest import asyncpg_url
from tests.mortal import Postgres

ANN = 7


class StandIn:
    """A lookout whose looks end when the test says so."""

    is_immediate = False

    def __init__(self) -> None:
        self.log: list[Fact] = []
        self.looks: list[asyncio.Future[None]] = []

    async def look(self, position: int, most: int) -> Sequence[Fact]:
        seen = [fact for fact in self.log if fact.id > position]
        look = asyncio.get_running_loop().create_future()
        self.looks.append(look)
        await look
        return seen[::-1][:most]

    async def close(self) -> None:
        """Nothing is open."""


def post(number: int) -> Fact:
    return Fact(number, events.POST_CREATED, ANN, number)


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def keep_everything(kept: Kept) -> None:
    """One value for each topic of Ann's."""
    for topic in (topics.POSTS, topics.person(ANN), topics.reading(ANN), topics.author(ANN)):
        await kept.get(topic, lambda topic=topic: found(topic))


async def found(topic: int) -> Found[int]:
    return Found(topic, frozenset({topic}))


def keeps(kept: Kept) -> set[int]:
    """The topics of what is still right."""
    names = (topics.POSTS, topics.person(ANN), topics.reading(ANN), topics.author(ANN))
    return {name for name in names if kept._find(name) is not None}


async def test_who_comes_during_a_look_waits_for_the_next() -> None:
    """What was committed after a look was sent is in the next one, which all of them share."""
    kept, eyes = Kept(), StandIn()
    gate = Gate(eyes, kept)
    first = asyncio.create_task(gate.pass_through())
    await turns()
    eyes.log.append(post(1))
    later = [asyncio.create_task(gate.pass_through()) for _ in range(3)]
    await turns()
    assert len(eyes.looks) == 1
    eyes.looks[0].set_result(None)
    await turns()
    assert first.done()
    assert (kept.position, len(eyes.looks)) == (0, 2)
    assert not any(task.done() for task in later)
    eyes.looks[1].set_result(None)
    assert await asyncio.gather(*later) == [True] * 3
    assert kept.position == 1
    await gate.close()


async def test_a_look_that_fails_is_told_and_the_next_one_is_made() -> None:
    kept, eyes = Kept(), StandIn()
    gate = Gate(eyes, kept)
    for error in (Blind(), RuntimeError("unheard of")):
        passing = asyncio.create_task(gate.pass_through())
        await turns()
        eyes.looks[-1].set_exception(error)
        assert await passing is False
    passing = asyncio.create_task(gate.pass_through())
    await turns()
    eyes.looks[-1].set_result(None)
    assert await passing
    passing = [asyncio.create_task(gate.pass_through())]
    await turns()
    passing.append(asyncio.create_task(gate.pass_through()))
    await turns()
    await gate.close()
    assert await asyncio.gather(*passing) == [False, False]


async def test_a_look_that_is_over_at_once_is_no_last_one() -> None:
    """Whoever sees without waiting, or fails so, is asked again each time."""

    class Quick(StandIn):
        async def look(self, position: int, most: int) -> Sequence[Fact]:
            if not self.log:
                raise Blind
            return [fact for fact in self.log if fact.id > position][::-1]

    kept, eyes = Kept(), Quick()
    gate = Gate(eyes, kept)
    async with asyncio.timeout(20):
        assert [await gate.pass_through() for _ in range(2)] == [False, False]
        eyes.log.append(post(1))
        assert [await gate.pass_through() for _ in range(2)] == [True, True]
    assert kept.position == 1
    await gate.close()


async def test_who_leaves_at_the_gate_leaves_alone() -> None:
    kept, eyes = Kept(), StandIn()
    gate = Gate(eyes, kept)
    passing = [asyncio.create_task(gate.pass_through()) for _ in range(2)]
    await turns()
    passing[0].cancel()
    await turns()
    while not passing[1].done():
        eyes.looks[-1].set_result(None)
        await turns()
    assert await passing[1]
    await gate.close()


async def test_who_asks_alone_does_not_wait_and_a_crowd_shares(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for lately, looks in ((3600.0, 1), (0.0, 1 if sys.version_info < (3, 12) else 2)):
        monkeypatch.setattr(gate_module, "_LATELY_SECONDS", lately)
        eyes = StandIn()
        gate = Gate(eyes, Kept())
        alone = asyncio.create_task(gate.pass_through())
        await turns()
        eyes.looks[0].set_result(None)
        assert await alone
        crowd = [asyncio.create_task(gate.pass_through()) for _ in range(3)]
        async with asyncio.timeout(20):
            while not all(passing.done() for passing in crowd):
                await turns()
                if not eyes.looks[-1].done():
                    eyes.looks[-1].set_result(None)
        assert len(eyes.looks) == 1 + looks
        await gate.close()


@pytest.mark.parametrize(("oldest", "newest"), [(1, 501), (2, 3), (30, 30)])
async def test_of_a_log_with_a_hole_nothing_is_believed(oldest: int, newest: int) -> None:
    """Too many to look through, or the first ones are swept away already, by whatever clock."""
    kept, eyes = Kept(), StandIn()
    gate = Gate(eyes, kept)
    await keep_everything(kept)
    eyes.log = [Fact(n, events.PING, 0, 0) for n in range(oldest, newest + 1)]
    passing = asyncio.create_task(gate.pass_through())
    await turns()
    eyes.looks[0].set_result(None)
    assert await passing
    assert (kept.position, keeps(kept)) == (newest, set())
    await gate.close()


@pytest.mark.parametrize(
    ("kind", "actor_id", "subject_id", "left"),
    [
        (events.POST_CREATED, ANN, 1, {topics.person(ANN), topics.reading(ANN)}),
        (events.POST_DELETED, 8, 1, {topics.person(ANN), topics.reading(ANN), topics.author(ANN)}),
        (events.FOLLOWED, ANN, 8, {topics.POSTS, topics.person(ANN), topics.author(ANN)}),
        (events.SESSION_ENDED, ANN, 1, {topics.POSTS, topics.reading(ANN), topics.author(ANN)}),
        (events.MESSAGE_CREATED, 8, ANN, {topics.POSTS, topics.reading(ANN), topics.author(ANN)}),
        (events.ACCOUNT_CHANGED, ANN, ANN, set()),
        (events.ACCOUNT_CHANGED, events.ANYBODY, 0, set()),
        ("of a later version", 8, 8, set()),
    ],
)
async def test_what_an_event_touches(
    database: Database, kind: str, actor_id: int, subject_id: int, left: set[int]
) -> None:
    """Committed by another connection, it is known behind the gate; an idle log says nothing."""
    kept = Kept()
    gate = Gate(lookout.build(database.url), kept)
    await keep_everything(kept)
    assert await gate.pass_through()
    assert len(keeps(kept)) == 4
    async with database.begin() as session:
        events.record(session, events.PING, actor_id=0, subject_id=0)
    assert await gate.pass_through()
    assert len(keeps(kept)) == 4
    async with database.begin() as session:
        events.record(session, kind, actor_id=actor_id, subject_id=subject_id)
    assert await gate.pass_through()
    assert keeps(kept) == left
    await gate.close()


async def test_a_file_that_cannot_be_read_is_not_believed(tmp_path: Path, sqlite_url: str) -> None:
    path = tmp_path / "later" / "microblog.db"
    eyes = SQLiteLookout(str(path))
    with pytest.raises(Blind):
        await eyes.look(0, 10)
    path.parent.mkdir()
    Path(make_url(sqlite_url).database or "").rename(path)
    assert await eyes.look(0, 10) == []
    await eyes.close()


@pytest.fixture
def eyes(restless_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lookout]:
    monkeypatch.setattr(postgresql, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(postgresql, "_FIRST_PAUSE", 0.0)
    monkeypatch.setattr(postgresql, "_LONGEST_PAUSE", 0.0)
    table = "event (id int, kind text, actor_id int, subject_id int)"
    asyncio.run(servers.execute(restless_server.url, f"CREATE TABLE {table}"))
    yield PostgreSQLLookout(make_url(asyncpg_url(restless_server.url)))
    asyncio.run(servers.execute(restless_server.url, "DROP TABLE event"))


async def test_a_server_that_goes_and_comes_back(
    eyes: PostgreSQLLookout, restless_server: Postgres
) -> None:
    """Cut off, frozen: nobody sees anything, and sees again as soon as it is there."""
    assert await eyes.look(0, 10) == []
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    cut += " WHERE application_name = 'microblog lookout'"
    await servers.execute(restless_server.url, cut)
    with pytest.raises(Blind):
        await eyes.look(0, 10)
    await servers.execute(restless_server.url, "INSERT INTO event VALUES (1, 'ping', 0, 0)")
    assert await eyes.look(0, 10) == [Fact(1, "ping", 0, 0)]
    restless_server.freeze()
    try:
        with pytest.raises(Blind):
            await eyes.look(0, 10)
    finally:
        restless_server.thaw()
    assert await eyes.look(0, 10) == [Fact(1, "ping", 0, 0)]
    await eyes.close()
