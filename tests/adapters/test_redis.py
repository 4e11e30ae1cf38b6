"""Redis beside the database: it rings and counts while it is there, and is not missed while not."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from microblog import resources
from microblog.adapters.bus import Bell, RedisBus, Wake
from microblog.adapters.bus.redis import CHANNEL
from microblog.adapters.redis import build, connection
from microblog.adapters.redis.connection import Connection
from microblog.adapters.tally import DatabaseTally, RedisTally, Tally
from microblog.database import Database
from microblog.domain import events
from microblog.domain.errors import TooManyRequests
from microblog.domain.limits import Allowance, Claim
from microblog.keeping import Beat
from microblog.models import Rate
from microblog.settings import Redis as RedisSettings
from microblog.settings import Settings
from tests.servers import RedisServer

SECONDS = 10
TEN = Allowance("guesses", 10, 600.0)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class OwnBus:
    """Stands in for the database's bus: it is seen whether it runs."""

    trouble = ""

    def __init__(self) -> None:
        self.runs = False

    async def run(self, wake: Wake, _beat: Beat) -> None:
        self.runs = True
        try:
            wake()
            await asyncio.Event().wait()
        finally:
            self.runs = False

    def tell(self) -> None:
        raise AssertionError("nobody asked")

    async def close(self) -> None:
        pass


@asynccontextmanager
async def process(url: str) -> AsyncIterator[tuple[RedisBus, Bell, OwnBus]]:
    """One process's bus, running."""
    link, own = Connection(url), OwnBus()
    bus = RedisBus(link, own)
    bell = Bell(bus)
    running = asyncio.create_task(bell.run(lambda: None))
    try:
        yield bus, bell, own
    finally:
        running.cancel()
        await asyncio.wait({running})
        await bus.close()
        await link.close()


@pytest.fixture
async def link(redis_server: RedisServer) -> AsyncIterator[Connection]:
    """A connection that knows that Redis is there, as long as the test lasts."""
    link = Connection(redis_server.url)
    listening = asyncio.create_task(keep_listening(link))
    await until(lambda: not link.trouble)
    yield link
    listening.cancel()
    await asyncio.wait({listening})
    await link.close()


async def keep_listening(link: Connection) -> None:
    while True:
        with suppress(connection.RedisDown):
            await link.listen("test", lambda: None, lambda: None)
        await asyncio.sleep(0.05)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


async def rings(bell: Bell, ring_it: Callable[[], None]) -> None:
    ring = bell.next_ring
    ring_it()
    async with asyncio.timeout(SECONDS):
        await ring.wait()


@contextmanager
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    caplog.set_level(logging.INFO)
    told: list[str] = []
    yield told
    told += [r.levelname for r in caplog.records if r.name == connection.log.name]


# The bus


async def test_processes_ring_each_other(redis_server: RedisServer) -> None:
    async with process(redis_server.url) as (bus, bell, own):
        async with process(redis_server.url) as (other, others_bell, _):
            await until(lambda: not bus.trouble and not other.trouble)
            await rings(others_bell, bus.tell)
            await rings(bell, other.tell)
            assert not own.runs
            # Many commits at once are told as one, or few.
            async with asyncio.timeout(SECONDS):
                for _ in range(50):
                    bus.tell()
                await bus._telling


async def test_it_goes_and_comes_back(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """T-76: the database's own bus meanwhile; one line in the log for a loss, one for its end."""
    with lines(caplog) as told:
        async with process(redis_server.url) as (bus, bell, own):
            await until(lambda: not bus.trouble)
            ring = bell.next_ring
            redis_server.stop()
            await until(lambda: own.runs)
            assert ring.is_set()  # for what may have been missed
            assert bus.trouble == "without redis: ConnectionError"
            bus.tell()  # harms nobody
            await asyncio.sleep(1.2)  # some tries fail
            redis_server.start()
            await until(lambda: not bus.trouble)
            assert not own.runs
            await rings(bell, bus.tell)
    assert told == ["WARNING", "INFO"]


async def test_it_was_never_there(redis_server: RedisServer) -> None:
    redis_server.stop()
    async with process(redis_server.url) as (bus, bell, own):
        await until(lambda: own.runs)
        assert bus.trouble == "without redis: ConnectionError"
        redis_server.start()
        await until(lambda: not bus.trouble)
        await rings(bell, bus.tell)


async def test_it_is_frozen(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """T-76: a subscription on which nobody would ever say anything again."""
    monkeypatch.setattr(connection, "SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(connection, "_LOOK_SECONDS", 0.1)
    async with process(redis_server.url) as (bus, bell, own):
        await until(lambda: not bus.trouble)
        redis_server.freeze()
        await until(lambda: own.runs)
        redis_server.thaw()
        await until(lambda: not bus.trouble)
        await rings(bell, bus.tell)


async def test_a_subscription_is_cut(redis_server: RedisServer) -> None:
    async with process(redis_server.url) as (bus, bell, _):
        await until(lambda: not bus.trouble)
        async with Redis.from_url(redis_server.url) as operator:
            ring = bell.next_ring
            await operator.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            async with asyncio.timeout(SECONDS):
                await ring.wait()
        await until(lambda: not bus.trouble)
        await rings(bell, bus.tell)


async def test_one_who_may_not_subscribe_is_told_once(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It answers, and refuses: that is no reason to fill the log either."""
    async with Redis.from_url(redis_server.url) as operator:
        await operator.execute_command("ACL", "SETUSER", "default", "resetchannels", "-subscribe")
    with lines(caplog) as told:
        async with process(redis_server.url) as (bus, _, own):
            await until(lambda: own.runs)
            await asyncio.sleep(1.2)
            assert bus.trouble.startswith("without redis: ")
    assert told == ["WARNING"]


@pytest.fixture
def with_redis(environment: dict[str, str], redis_server: RedisServer) -> None:
    environment["REDIS_URL"] = redis_server.url


@on_sqlite
@pytest.mark.usefixtures("with_redis")
async def test_who_only_works_tells_it_too(settings: Settings, redis_server: RedisServer) -> None:
    """A worker hears nothing itself, but what it has done is news in open pages."""
    built = resources.build(settings, lambda *_: "")
    await built.open(listening=False)
    async with Redis.from_url(redis_server.url) as operator, operator.pubsub() as listening:
        await listening.subscribe(CHANNEL)
        assert (await listening.get_message(timeout=SECONDS))["type"] == "subscribe"
        async with built.database.begin() as session:
            events.record(session, events.PING, actor_id=0, subject_id=0)
        assert (await listening.get_message(timeout=SECONDS))["type"] == "message"
    await built.close()


def test_nobody_without_redis_pays_for_its_client() -> None:
    assert build(RedisSettings()) is None
    program = "import sys, microblog.cli, asgi; sys.exit('redis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# Counting


@pytest.fixture(params=["database", "redis"])
def tally(request: pytest.FixtureRequest, database: Database) -> Tally:
    """Both, for what both have to say in the same way."""
    own = DatabaseTally(database)
    return own if request.param == "database" else RedisTally(request.getfixturevalue("link"), own)


async def spent(tally: Tally, *claims: Claim) -> float:
    """0, or the seconds to wait."""
    try:
        await tally.spend(claims)
    except TooManyRequests as refusal:
        return refusal.exactly
    return 0


def guess(key: str = "susan", amount: int = 1) -> Claim:
    return Claim(TEN, key, amount)


@on_sqlite
async def test_so_many_and_no_more(tally: Tally) -> None:
    """T-01: also where fifty try at once."""
    waits = await asyncio.gather(*(spent(tally, guess()) for _ in range(50)))
    assert sorted(waits)[:11] == [0] * 10 + [pytest.approx(60, abs=5)]
    assert await spent(tally, guess("john")) == 0
    assert await spent(tally, Claim(Allowance("posts", 10, 600.0), "susan")) == 0


@on_sqlite
async def test_all_claims_or_none(tally: Tally, database: Database) -> None:
    """T-01."""
    assert await tally.spend([guess("address", 9), guess()]) == [
        pytest.approx(540, abs=5),
        pytest.approx(60, abs=5),
    ]
    assert await spent(tally, guess(), guess("address", 2)) == pytest.approx(60, abs=5)
    with pytest.raises(TooManyRequests) as refusal:
        await tally.spend([guess(), guess("address", 2)])
    # The one that is used up, and when all of it is there again.
    exceeded = refusal.value.exceeded
    assert exceeded is not None
    assert (exceeded.name, exceeded.times, exceeded.seconds) == (TEN.name, 10, 600.0)
    assert exceeded.full_in == pytest.approx(540, abs=5)
    # That was refused as a whole.
    assert await spent(tally, guess(amount=9)) == 0
    assert await spent(tally, guess()) > 0
    async with database.begin() as session:
        await tally.give_back(session, [guess(amount=3), guess("nobody")])
    assert [await spent(tally, guess(amount=n)) > 0 for n in (4, 3, 1)] == [True, False, True]
    async with database.begin() as session:
        await tally.give_back(session, [guess(amount=1000)])
    assert await spent(tally, guess(amount=1000)) == 0


@on_sqlite
async def test_one_comes_back_after_each_interval(tally: Tally) -> None:
    quick = Claim(Allowance("quick", 2, 1.0), "susan")
    assert await tally.spend([quick]) == [pytest.approx(0.5, abs=0.1)]
    while not (wait := await spent(tally, quick)):
        pass
    assert 0 < wait <= 0.5
    await asyncio.sleep(wait)
    assert await spent(tally, quick) == 0


@on_sqlite
async def test_what_lapses_leaves_nothing(
    link: Connection, database: Database, redis_server: RedisServer
) -> None:
    tally = RedisTally(link, DatabaseTally(database))
    await tally.spend([Claim(Allowance("quick", 20, 1.0), "susan"), guess("x" * 5000)])
    async with Redis.from_url(redis_server.url, decode_responses=True) as operator:
        async with asyncio.timeout(SECONDS):
            while len(keys := await operator.keys()) > 1:
                await asyncio.sleep(0.01)
        assert len(keys[0]) < 250
        assert 0 < await operator.ttl(keys[0]) <= 61


async def counted(database: Database) -> int:
    async with database.reading() as session:
        return len(list(await session.scalars(select(Rate.key))))


async def test_the_database_counts_while_it_is_away(
    link: Connection, database: Database, redis_server: RedisServer
) -> None:
    """T-57: nobody is let through uncounted, nobody waits for it, and it counts again by itself."""
    tally = RedisTally(link, DatabaseTally(database))
    assert await spent(tally, guess(amount=10)) == 0
    assert await counted(database) == 0
    redis_server.stop()
    assert await spent(tally, guess(amount=10)) == 0
    assert await spent(tally, guess()) > 0
    assert await counted(database) == 1
    redis_server.start()
    await until(lambda: not link.trouble)
    assert await spent(tally, guess("john")) == 0
    assert await counted(database) == 1


@on_sqlite
async def test_nobody_waits_for_one_that_is_frozen(
    link: Connection,
    database: Database,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who had already asked is counted in the database; whoever comes later does not ask it."""
    tally = RedisTally(link, DatabaseTally(database))
    await spent(tally, guess())
    redis_server.freeze()
    assert await asyncio.gather(*(spent(tally, guess(str(n))) for n in range(20))) == [0] * 20
    assert link.trouble == "TimeoutError"

    async def ask(*_: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(link, "_scripts", dict.fromkeys(link._scripts, ask))
    assert await spent(tally, guess("late")) == 0
    assert await counted(database) == 21
