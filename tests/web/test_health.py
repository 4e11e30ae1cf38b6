"""Whether all is well, for machines that ask."""

import asyncio
import math

import pytest
from sqlalchemy import func, select, text

from microblog import keeping, migrations
from microblog.domain import events
from microblog.live.roundtrip import UNHEARD
from microblog.models import Event
from tests.cast import Cast


@pytest.fixture
def with_metrics(environment: dict[str, str]) -> None:
    environment["MICROBLOG_SERVER_METRICS"] = "true"


async def test_the_process_lives(cast: Cast) -> None:
    for browser in (cast.stranger, cast.susan.browser):
        response = await browser.get("/livez")
        assert response.status_code == 200
        assert "Set-Cookie" not in response.headers


async def test_all_is_well(cast: Cast) -> None:
    response = await cast.stranger.get("/readyz")
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    told = await response.get_json()
    assert told["status"] == "ok"
    assert set(told["checks"]) == {"database", "migrations", "bus", "hub", "jobs"}
    assert all(check.startswith("ok") for check in told["checks"].values())
    assert migrations.newest() in told["checks"]["migrations"]


async def pings(cast: Cast) -> int:
    async with cast.resources.database.reading() as session:
        found = await session.scalar(select(func.count()).where(Event.kind == "ping"))
    return int(found or 0)


async def test_what_went_round_lately_needs_no_ping(cast: Cast) -> None:
    """The log is for what people did: a busy service writes none, a quiet one few."""
    roundtrip, hub, bell = cast.resources.roundtrip, cast.resources.hub, cast.resources.bell
    async with cast.resources.database.begin() as session:
        events.record_change(session, cast.susan.id)
    newest = await hub.newest()
    async with asyncio.timeout(10):
        await hub.pass_by(newest)
        while bell.rang_at == -math.inf:
            await asyncio.sleep(0.01)
    # What others write does not say that this process can: that it finds out first of all.
    assert await roundtrip.ping(every=10) == ""
    assert await pings(cast) == 1
    roundtrip._well_at -= 20
    assert await roundtrip.ping(every=10) == ""
    assert await pings(cast) == 1
    roundtrip._well_at -= 20
    assert await roundtrip.ping(every=10) == ""
    assert await pings(cast) == 2
    bell.rang_at = hub._tail.moved_at = -math.inf
    assert await roundtrip.ping(every=60) == ""
    assert await pings(cast) == 2


async def test_many_who_ask_at_once_are_one(cast: Cast) -> None:
    """Anybody may ask: that must not be a way to use up connections, or to fill the log."""
    asked = []
    reading = cast.resources.database.reading
    roundtrip, hub = cast.resources.roundtrip, cast.resources.hub
    hub._tail.moved_at = -math.inf

    def counted() -> object:
        asked.append(None)
        return reading()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cast.resources.database, "reading", counted)
        answers = await asyncio.gather(*(cast.stranger.get("/readyz") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    # The database, the migrations, where the log ends, and the hub when it was woken: once or twice.
    assert len(asked) < 10
    await asyncio.gather(*(roundtrip.ping(every=60) for _ in range(50)))
    assert await pings(cast) == 1


async def test_a_database_of_another_version_is_not_ready(cast: Cast) -> None:
    for revision, told in (("0123456789ab", "at 0123456789ab"), ("", "at None")):
        async with cast.resources.database.begin() as session:
            await session.execute(text("DELETE FROM alembic_version"))
            if revision:
                await session.execute(
                    text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision}
                )
        status, checks = await readiness(cast)
        assert status == 503
        assert checks["migrations"] == f"{told}, newest is {migrations.newest()}"
        assert checks["database"] == "ok"


async def readiness(cast: Cast) -> tuple[int, dict[str, str]]:
    """As of now, and not as of a moment ago."""
    cast.stranger.client.app.extensions.pop("microblog.readiness", None)
    response = await cast.stranger.get("/readyz")
    told = await response.get_json()
    assert told["status"] == ("ok" if response.status_code == 200 else "failing")
    return response.status_code, told["checks"]


@pytest.mark.parametrize("name", ["hub", "jobs"])
async def test_a_service_that_has_died_is_told(cast: Cast, name: str) -> None:
    """Cancelled inside: the truth is told until it runs again."""
    service = cast.resources.services[name]
    service._pause = 3600
    service._task.cancel()
    await asyncio.wait({service._task})
    status, checks = await readiness(cast)
    assert status == 503
    assert checks[name] == "not running: cancelled"
    assert checks["database"] == "ok"
    assert checks["bus"].startswith("ok") == (name != "hub")
    service.start()
    assert (await readiness(cast))[1] | {"migrations": "ok"} == dict.fromkeys(checks, "ok")


async def test_a_bus_that_does_not_ring_is_told(cast: Cast) -> None:
    """T-76: every event arrives all the same, so the service is ready, and not quite well."""
    await cast.resources.hub.listening.stop()
    status, checks = await readiness(cast)
    assert status == 200
    assert checks["bus"].startswith("ok, not ")
    assert checks["bus"].endswith(UNHEARD)


async def test_a_bus_that_hangs_is_told_and_begins_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It rings no more and says nothing: it is ended like any service that shows no life."""
    listening, bell = cast.resources.hub.listening, cast.resources.bell
    hanging = asyncio.Event()

    async def hang(wake: object, beat: object) -> None:
        hanging.set()
        await asyncio.sleep(3600)

    with monkeypatch.context() as patch:
        patch.setattr(bell._bus, "run", hang)
        listening._task.cancel()
        async with asyncio.timeout(10):
            await hanging.wait()
    for _ in range(keeping.LOOKS + 1):
        listening._look()
    async with asyncio.timeout(10):
        await cast.resources.bell.next_ring.wait()
    assert (await readiness(cast))[0] == 200


async def test_figures_are_nobodys_business(cast: Cast) -> None:
    assert (await cast.stranger.get("/metrics")).status_code == 404


@pytest.mark.usefixtures("with_metrics")
async def test_figures_where_the_operator_wants_them(cast: Cast) -> None:
    response = await cast.stranger.get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain; version=0.0.4")
    assert "microblog_sockets 0\n" in await response.get_data(as_text=True)
