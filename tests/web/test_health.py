"""Whether all is well, for machines that ask."""

import asyncio

import pytest
from sqlalchemy import func, select, text

from microblog import migrations
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


async def test_asking_often_writes_seldom(cast: Cast) -> None:
    for _ in range(5):
        assert (await cast.stranger.get("/readyz")).status_code == 200
    async with cast.resources.database.reading() as session:
        pings = await session.scalar(select(func.count()).where(Event.kind == "ping"))
    assert pings == 1


async def test_a_database_of_another_version_is_not_ready(cast: Cast) -> None:
    for revision, told in (("0123456789ab", "at 0123456789ab"), ("", "at None")):
        async with cast.resources.database.begin() as session:
            await session.execute(text("DELETE FROM alembic_version"))
            if revision:
                await session.execute(
                    text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision}
                )
        response = await cast.stranger.get("/readyz")
        assert response.status_code == 503
        checks = (await response.get_json())["checks"]
        assert checks["migrations"] == f"{told}, newest is {migrations.newest()}"
        assert checks["database"] == "ok"


async def readiness(cast: Cast) -> tuple[int, dict[str, str]]:
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


async def test_figures_are_nobodys_business(cast: Cast) -> None:
    assert (await cast.stranger.get("/metrics")).status_code == 404


@pytest.mark.usefixtures("with_metrics")
async def test_figures_where_the_operator_wants_them(cast: Cast) -> None:
    response = await cast.stranger.get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain; version=0.0.4")
    assert "microblog_sockets 0\n" in await response.get_data(as_text=True)
