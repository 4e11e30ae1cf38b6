"""Sending an archive in: what is taken, what is refused, and that no file is left behind."""

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
from quart.datastructures import FileStorage
from quart.wrappers import Response
from sqlalchemy import select

from microblog.domain import tasks
from microblog.models import Post, Task
from tests.cast import HTML, Browser, Cast
from tests.jobs.parcels import POST, archive
from tests.web.reading import body, flashes, leads_to

BOUND = 200_000


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {"MICROBLOG_ARCHIVES_IMPORT_BYTES": str(BOUND)}


@pytest.fixture
def waiting(environment: dict[str, str]) -> None:
    """Nobody does what was promised."""
    environment["MICROBLOG_JOBS_INSIDE"] = "false"


def files(cast: Cast) -> list[Path]:
    folder = cast.resources.settings.server.instance / "imports"
    return sorted(folder.iterdir()) if folder.exists() else []


async def emptied(cast: Cast) -> None:
    """The file goes a moment after the end is written down."""
    async with asyncio.timeout(10):
        while files(cast):
            await asyncio.sleep(0.01)


async def send(browser: Browser, *contents: bytes, **fields: str) -> Response:
    sent = {
        f"archive{n or ''}": FileStorage(io.BytesIO(each), "a.zip")
        for n, each in enumerate(contents)
    }
    return await browser.client.post("/import_posts", form=fields, files=sent, headers=HTML)


async def begun(cast: Cast) -> list[Task]:
    async with cast.resources.database.reading() as session:
        query = select(Task).where(Task.name == tasks.IMPORT_POSTS).order_by(Task.created_at)
        return list(await session.scalars(query))


async def ended(cast: Cast, state: str) -> Task:
    async with asyncio.timeout(20):
        while not (found := await begun(cast)) or found[-1].state != state:
            await asyncio.sleep(0.02)
    return found[-1]


async def test_posts_come_back(cast: Cast) -> None:
    page = await cast.susan.browser.text("/account")
    assert 'action="/import_posts" enctype="multipart/form-data"' in page
    token = await cast.susan.browser.token("/account")
    content = archive(POST, {**POST, "body": "x" * 2000})
    answer = await send(cast.susan.browser, content, csrf_token=token)
    assert leads_to(answer) == "/account"
    await ended(cast, tasks.DONE)
    async with cast.resources.database.reading() as session:
        posts = (await session.scalars(select(Post).order_by(Post.id))).all()
    assert [(post.user_id, post.body) for post in posts] == [
        (cast.susan.id, "old words"),
        (cast.susan.id, "x" * 2000),
    ]
    assert f"{posts[0].timestamp:%Y}" == "2020"
    await emptied(cast)
    profile = await cast.susan.browser.text("/user/susan")
    assert "Your posts are back." in profile
    assert "old words" in profile
    await send(cast.susan.browser, b"nonsense", csrf_token=token)
    task = await ended(cast, tasks.FAILED)
    assert task.reason == "This is no archive of this service."
    assert "This is no archive of this service." in await cast.susan.browser.text("/account")
    await emptied(cast)


@pytest.mark.usefixtures("waiting")
async def test_from_another_site_nothing_is_even_looked_at(cast: Cast) -> None:
    """T-22: while an import is under way a foreign form is refused, and brings about no flash."""
    token = await cast.susan.browser.token("/account")
    await send(cast.susan.browser, archive(POST), csrf_token=token)
    answer = await cast.susan.browser.client.post(
        "/import_posts", headers=HTML | {"Origin": "https://evil.example"}
    )
    assert answer.status_code == 400
    assert flashes(await cast.susan.browser.text("/account")) == []


@pytest.mark.usefixtures("waiting")
async def test_one_at_a_time(cast: Cast) -> None:
    token = await cast.susan.browser.token("/account")
    for _ in range(2):
        answer = await send(cast.susan.browser, archive(POST), csrf_token=token)
        assert leads_to(answer) == "/account"
    assert flashes(await cast.susan.browser.text("/account")) == [
        "An import task is currently in progress"
    ]
    (task,) = await begun(cast)
    (file,) = files(cast)
    assert file.name == f"{task.arguments['upload']}.zip"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    # Another person's does not wait for it.
    await send(
        cast.john.browser, archive(POST), csrf_token=await cast.john.browser.token("/account")
    )
    assert len(files(cast)) == len(await begun(cast)) == 2


@pytest.mark.usefixtures("waiting")
async def test_what_is_refused_at_the_door(cast: Cast) -> None:
    """T-64: nothing is promised, and nothing is left on the disk."""
    susan = cast.susan.browser
    token = await susan.token("/account")
    for sent in ((), (b"",)):
        answer = await send(susan, *sent, csrf_token=token)
        assert leads_to(answer) == "/account"
        assert flashes(await susan.text("/account")) == ["Please choose a file."]
    assert (await send(susan, archive(POST))).status_code == 400
    assert (await send(susan, archive(POST), csrf_token="forged")).status_code == 400
    assert (await send(susan, b"one", b"two", csrf_token=token)).status_code == 400
    assert leads_to(await send(cast.stranger, archive(POST))).startswith("/auth/login")
    plain = await susan.post("/import_posts", csrf_token=token, archive="../../etc/passwd")
    assert plain.status_code == 400
    assert await begun(cast) == []
    assert files(cast) == []


@pytest.mark.usefixtures("waiting")
async def test_the_token_in_a_header(cast: Cast) -> None:
    """The file counts all the same."""
    susan = cast.susan.browser
    headers = HTML | {"X-CSRFToken": await susan.token("/account")}
    files_sent = {"archive": FileStorage(io.BytesIO(archive(POST)), "a.zip")}
    answer = await susan.client.post("/import_posts", form={}, files=files_sent, headers=headers)
    assert leads_to(answer) == "/account"
    assert flashes(await susan.text("/account")) == []
    assert len(await begun(cast)) == len(files(cast)) == 1


@pytest.fixture
def large(waiting: None, environment: dict[str, str]) -> None:
    """So large that it is streamed; and one import in a day."""
    environment |= {
        "MICROBLOG_ARCHIVES_IMPORT_BYTES": "5000000",
        "MICROBLOG_LIMITS_SCALE": "1",
        "MICROBLOG_LIMITS_IMPORTS_PER_DAY": "1",
    }


def trickle(browser: Browser, token: str) -> Any:
    """A file that is on its way: what is sent so far, and the rest to come."""
    headers = HTML | {"X-CSRFToken": token, "Content-Type": "multipart/form-data; boundary=b"}
    return browser.client.request("/import_posts", method="POST", headers=headers)


FIRST = (
    b'--b\r\nContent-Disposition: form-data; name="archive"; filename="a.zip"\r\n'
    b"Content-Type: application/zip\r\n\r\n"
)


@pytest.mark.usefixtures("large")
async def test_one_person_holds_one_place(cast: Cast) -> None:
    """T-64: whoever sends slowly is in nobody's way but their own, and is told so at once."""
    susan, john = cast.susan.browser, cast.john.browser
    token = await susan.token("/account")
    async with trickle(susan, token) as arriving:
        await arriving.send(FIRST + b"x" * 100_000)
        async with asyncio.timeout(10):
            while not files(cast):
                await asyncio.sleep(0.01)
        for _ in range(10):
            async with asyncio.timeout(10), trickle(susan, token) as another:
                await another.receive()
            assert leads_to(await another.as_response()) == "/account"
        await send(susan, archive(POST), csrf_token=token)
        assert flashes(await susan.text("/account")) == ["An import task is currently in progress"]
        assert len(files(cast)) == 1
        answer = await send(john, archive(POST), csrf_token=await john.token("/account"))
        assert leads_to(answer) == "/account"
        (task,) = await begun(cast)
        assert task.user_id == cast.john.id
        await arriving.send(b"\r\n--b--\r\n")
        await arriving.send_complete()
        await arriving.receive()
    assert len(await begun(cast)) == 2


@pytest.mark.usefixtures("large")
async def test_refused_before_it_is_sent(cast: Cast) -> None:
    """T-64: while one is under way, or none is left for today, nobody waits for a large body."""
    susan = cast.susan.browser
    token = await susan.token("/account")
    assert leads_to(await send(susan, archive(POST), csrf_token=token)) == "/account"
    async with asyncio.timeout(10), trickle(susan, token) as second:
        await second.receive()
    assert leads_to(await second.as_response()) == "/account"
    (task,) = await begun(cast)
    async with cast.resources.database.begin() as session:
        await tasks.cancel(session, cast.susan.actor, task.id)
    async with asyncio.timeout(10), trickle(susan, token) as third:
        await third.receive()
    answer = await third.as_response()
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 3600
    assert len(await begun(cast)) == 1


@pytest.mark.usefixtures("waiting")
async def test_how_large_it_may_be(cast: Cast) -> None:
    """With a declared length or without one; other pages take no more than ever."""
    susan = cast.susan.browser
    token = await susan.token("/account")
    answer = await send(susan, b"x" * BOUND, csrf_token=token)
    assert leads_to(answer) == "/account"
    assert len(files(cast)) == 1
    answer = await send(susan, b"x" * (BOUND + 20_000), csrf_token=token)
    assert answer.status_code == 413
    assert len(files(cast)) == 1
    elsewhere = await susan.client.post(
        "/",
        form={"csrf_token": token, "post": "with a file"},
        files={"archive": FileStorage(io.BytesIO(b"x" * 100_000), "a.zip")},
        headers=HTML,
    )
    assert elsewhere.status_code == 413


@pytest.mark.usefixtures("waiting")
async def test_a_full_disk(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """T-71: 507, readable, and pages go on."""
    token = await cast.susan.browser.token("/account")

    def no_room(name: str) -> Any:
        del name
        return Path("/dev/full").open("w+b", buffering=0)

    # The device that is always full, in place of a disk that is.
    monkeypatch.setattr(cast.resources.uploads, "begin", no_room)
    answer = await send(cast.susan.browser, archive(POST), csrf_token=token)
    assert answer.status_code == 507
    assert "no room left" in await body(answer)
    assert (await cast.susan.browser.get("/index")).status_code == 200
    monkeypatch.undo()
    assert (await send(cast.susan.browser, archive(POST), csrf_token=token)).status_code == 302
    assert len(files(cast)) == 1
