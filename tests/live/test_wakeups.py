"""What other processes commit is heard quickly; what cannot be heard is found all the same."""

import asyncio
import time
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from microblog.database import Database
from microblog.domain import events, posts
from microblog.domain.posts import PostView
from microblog.models import utc_now
from tests.live.hearing import Town

QUICKLY = 1.0
LISTENERS = text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
)
# SQLite has no connection to listen on, and one writer: nobody commits beside an open transaction.
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    # The safety net hangs low enough for a test to wait, and too low to be taken for the bell.
    return environment | {"MICROBLOG_LIVE_POLL_SECONDS": "3"}


async def test_another_process_is_heard_quickly(town: Town, elsewhere: Database) -> None:
    david = await (await town.listen("david", "explore")).live()
    await town.post("john", database=elsewhere)  # its connection is open from now on
    await david.hear(1)
    took = []
    for number in range(5):
        began = time.monotonic()
        await david.hear_post(await town.post("john", str(number), database=elsewhere), QUICKLY)
        took.append(time.monotonic() - began)
    assert sorted(took)[2] < 0.5


async def test_our_own_process_is_heard_without_the_bus(town: Town) -> None:
    await town.hub.listening.stop()
    david = await (await town.listen("david", "explore")).live()
    await david.hear_post(await town.post("john"), QUICKLY)


async def test_without_the_bus_the_poll_finds_it(town: Town, elsewhere: Database) -> None:
    await town.hub.listening.stop()
    david = await (await town.listen("david", "explore")).live()
    ids = [await town.post("john", str(n), database=elsewhere) for n in range(3)]
    await david.hear_post(ids[-1], 10)
    assert david.posts == ids


@on_postgresql
async def test_a_lost_listener_costs_delay_not_events(town: Town, elsewhere: Database) -> None:
    david = await (await town.listen("david", "explore")).live()
    ids = [await town.post("john", "before", database=elsewhere)]
    await david.hear_post(ids[0])
    for number in range(3):
        (pid,) = await listeners(elsewhere)
        async with elsewhere.reading() as session:
            await session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        ids.append(await town.post("john", str(number), database=elsewhere))
        await david.hear_post(ids[-1], 8)
        async with asyncio.timeout(8):
            while await listeners(elsewhere) in ([], [pid]):
                await asyncio.sleep(0.02)
    # It listens again: no need for the safety net.
    ids.append(await town.post("john", "after", database=elsewhere))
    await david.hear_post(ids[-1], QUICKLY)
    assert david.posts == ids


async def listeners(database: Database) -> list[int]:
    async with database.reading() as session:
        return list(await session.scalars(LISTENERS))


@on_postgresql
async def test_a_commit_that_stays_open_is_seen_when_it_ends(
    town: Town, elsewhere: Database
) -> None:
    """Through the hub: one writes first and commits last; all are heard, in ascending order."""
    david = await (await town.listen("david", "explore")).live()
    slow = elsewhere.writing()
    await slow.session.execute(
        text("INSERT INTO post (user_id, body, timestamp) VALUES (:user, 'slow', now())"),
        {"user": town.people["mary"].id},
    )
    post_id = await slow.session.scalar(text("SELECT max(id) FROM post"))
    events.record(
        slow.session,
        events.POST_CREATED,
        actor_id=town.people["mary"].id,
        subject_id=post_id,
    )
    quick = [
        await town.post("john", str(n), database=(town.database, elsewhere)[n % 2])
        for n in range(4)
    ]
    await david.hear_post(quick[-1])
    await slow.commit()
    await slow.close()
    await david.hear_post(post_id)
    assert david.posts == [*quick, post_id]
    assert david.seqs == sorted(set(david.seqs))


async def test_clocks_that_jump_lose_nothing(
    town: Town, elsewhere: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-77: order is by number, not by time; for who is there, and for who comes back."""
    david = await (await town.listen("david", "explore")).live()
    since, ids = town.hub.position, []
    for days in (0, 2, -400, 30_000, 0):
        moment = utc_now() + timedelta(days=days)
        for module in (events, posts):
            monkeypatch.setattr(module, "utc_now", lambda moment=moment: moment)
        ids.append(await town.post("john", str(days), database=elsewhere))
        await david.hear_post(ids[-1])
    mary = await (await town.listen("mary", "explore", since=since)).live()
    assert david.posts == mary.posts == ids
    assert mary.seqs == sorted(set(mary.seqs))


async def test_the_hub_survives_a_database_that_is_away(
    town: Town, elsewhere: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    david = await (await town.listen("david", "explore")).live()
    after, failures = events.after, []

    async def away(*arguments, **named):
        if len(failures) < 2:
            failures.append(1)
            raise (OperationalError("SELECT", {}, Exception("gone")), RuntimeError("odd"))[
                len(failures) - 1
            ]
        return await after(*arguments, **named)

    monkeypatch.setattr(events, "after", away)
    ids = [await town.post("john", str(n), database=elsewhere) for n in range(3)]
    await david.hear_post(ids[-1])
    assert david.posts == ids
    assert len(failures) == 2


async def test_one_event_that_cannot_be_told_keeps_no_other(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    david = await (await town.listen("david", "explore")).live()
    render = town.hub._teller.render

    def picky(post: PostView, language: str, foreign: bool) -> str:
        if post.body == "bad":
            raise ValueError(post.body)
        return render(post, language, foreign)

    monkeypatch.setattr(town.hub._teller, "render", picky)
    ids = [await town.post("john", body) for body in ("good", "bad", "good again")]
    await david.hear_post(ids[-1], QUICKLY)
    assert david.posts == [ids[0], ids[2]]
    # Whoever waits for the hub to get there is not left waiting either.
    bad = await town.post("john", "bad")
    assert bad
    await town.settle()


async def test_a_ping_goes_round(town: Town) -> None:
    async with asyncio.timeout(5):
        assert await town.resources.roundtrip.ping(every=0) == ""


async def test_a_service_that_dies_comes_back(town: Town, elsewhere: Database) -> None:
    """The hub and the bus, killed inside: nothing is lost, nothing comes twice, all is well again."""
    david = await (await town.listen("david", "explore")).live()
    ids = [await town.post("john", "before", database=elsewhere)]
    await david.hear_post(ids[0])
    for service in (town.hub.following, town.hub.listening):
        service._task.cancel()
        ids.append(await town.post("john", service.name, database=elsewhere))
        await david.hear_post(ids[-1])
        async with asyncio.timeout(5):
            while service.health != "ok" or await town.resources.roundtrip.ping(every=0):
                await asyncio.sleep(0.01)
    assert david.posts == ids
