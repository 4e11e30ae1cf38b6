"""Pages and background work: neither needs the other, and both come back with the database."""

import asyncio

import pytest

from microblog.domain import letters, tasks
from tests import servers
from tests.cast import Cast
from tests.web.reading import body, heading


@pytest.fixture
def nobody_at_work(environment: dict[str, str]) -> None:
    environment["MICROBLOG_JOBS_INSIDE"] = "false"


@pytest.fixture
def slow_exports(environment: dict[str, str]) -> None:
    environment["MICROBLOG_ARCHIVES_PAUSE"] = "60"


@pytest.fixture
def with_metrics(environment: dict[str, str]) -> None:
    environment["MICROBLOG_SERVER_METRICS"] = "true"


async def export(cast: Cast) -> str:
    async with cast.resources.database.begin() as session:
        return await tasks.launch(session, cast.susan.actor, tasks.EXPORT_POSTS, language="en")


@pytest.mark.usefixtures("nobody_at_work", "with_metrics")
async def test_pages_without_a_worker(cast: Cast) -> None:
    """JOB-21: the box says 0 %, and what is promised waits; the operator sees it in the figures."""
    await export(cast)
    await cast.stranger.submit("/auth/reset_password_request", email="john@example.com")
    for path in ("/", "/user/susan", "/account"):
        assert 'progress">0</span>%' in await cast.susan.browser.text(path)
        assert 'progress">0</span>%' not in await cast.john.browser.text(path)
    figures = await body(await cast.stranger.get("/metrics"))
    assert "# TYPE microblog_tasks gauge\n" in figures
    for name in (tasks.EXPORT_POSTS, tasks.SEND_LETTER, tasks.SWEEP):
        assert f'microblog_tasks{{name="{name}",state="waiting"}} 1\n' in figures


# A SQLite file does not go away while it is open.
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("slow_exports")
async def test_the_database_goes_while_a_task_runs(cast: Cast) -> None:
    """JOB-22: a readable page, no stack of ours; the runner takes up its work when it is back."""
    await cast.publish(cast.susan, "a post")
    task_id = await export(cast)
    await until_running(cast)
    token = await cast.susan.browser.token("/")
    url = cast.resources.database.url.set(drivername="postgresql")
    allow = f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS'
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{url.database}'"
    await servers.execute(url.set(database="postgres"), f"{allow} false", end)
    for response in (
        await cast.susan.browser.get("/user/susan"),
        await cast.susan.browser.post("/export_posts", csrf_token=token),
    ):
        assert response.status_code == 503
        assert heading(await body(response)) == "Busy"
    await servers.execute(url.set(database="postgres"), f"{allow} true")
    assert f'id="{task_id}-progress"' in await cast.susan.browser.text("/user/susan")
    async with cast.resources.database.begin() as session:
        await letters.promise(
            session,
            letters.PASSWORD_CHANGED,
            recipient="john@example.com",
            language="en",
            username="john",
        )
    folder = cast.resources.settings.server.instance / "mail"
    async with asyncio.timeout(10):
        while not list(folder.glob("*.eml")):
            await asyncio.sleep(0.05)


async def until_running(cast: Cast) -> None:
    async with asyncio.timeout(10):
        while True:
            async with cast.resources.database.reading() as session:
                counted = await tasks.counts(session)
            if (tasks.EXPORT_POSTS, tasks.RUNNING, 1) in counted:
                return
            await asyncio.sleep(0.02)
