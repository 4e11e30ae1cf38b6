"""Exports on pages: the button, the boxes, the way to the archive; and that all of it is one's own."""

import asyncio
import io
import json
import re
import zipfile
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import func, insert, select, update

from microblog.domain import tasks
from microblog.models import Archive, Post, Task, utc_now
from tests.cast import HTML, Cast, Person
from tests.web.reading import body, flashes, leads_to

BUTTON = "Export your posts"


@pytest.fixture
def waiting(environment: dict[str, str]) -> None:
    """Nobody does what was promised."""
    environment["MICROBLOG_JOBS_INSIDE"] = "false"


def boxes(page: str) -> list[str]:
    """The words of the boxes, from the top."""
    found = re.findall(
        r'<div class="alert [\w-]+ task".*?<p class="task-words".*?>(.*?)</p>', page, re.S
    )
    return [" ".join(re.sub(r"<[^>]+>", "", words).split()) for words in found]


async def export(person: Person) -> str:
    """Press the button; the id of the task."""
    answer = await person.browser.submit(f"/user/{person.username}", to="/export_posts", submit="1")
    assert leads_to(answer) == f"/user/{person.username}"
    (task,) = await in_progress(person)
    return task.id


async def in_progress(person: Person) -> list[Task]:
    resources = person.browser.client.app.extensions["microblog"]
    async with resources.database.reading() as session:
        query = select(Task).where(Task.user_id == person.id, Task.state.in_(tasks.ACTIVE))
        return list(await session.scalars(query))


async def over(cast: Cast, task_id: str, seconds: float = 20) -> Task:
    async with asyncio.timeout(seconds):
        while True:
            async with cast.resources.database.reading() as session:
                task = await session.get(Task, task_id)
            if task is not None and task.state not in tasks.ACTIVE:
                return task
            await asyncio.sleep(0.02)


async def count(cast: Cast, model: Any, *conditions: Any) -> int:
    async with cast.resources.database.reading() as session:
        query = select(func.count()).select_from(model).where(*conditions)
        return await session.scalar(query) or 0


async def note(cast: Cast, task_id: str, progress: int) -> None:
    async with cast.resources.database.begin() as session:
        await session.execute(update(Task).where(Task.id == task_id).values(progress=progress))


@pytest.mark.usefixtures("waiting")
async def test_the_button_and_the_box(cast: Cast) -> None:
    """JOB-01 to JOB-04, JOB-06, JOB-21: without a worker the box shows 0% and pages work."""
    susan = cast.susan
    assert BUTTON in await susan.browser.text("/user/susan")
    assert BUTTON not in await susan.browser.text("/user/john")
    task_id = await export(susan)
    (task,) = await in_progress(susan)
    assert (task.name, task.progress) == ("export_posts", 0)
    for path in ("/index", "/explore", "/user/susan", "/user/john", "/account", "/edit_profile"):
        page = await susan.browser.text(path)
        assert boxes(page) == ["Exporting posts... 0%"], path
        assert f'<span id="{task_id}-progress">0</span>%' in page
        assert "alert-success" in page
    missing = await susan.browser.get("/nowhere")
    assert boxes(await body(missing)) == ["Exporting posts... 0%"]
    page = await susan.browser.text("/user/susan")
    assert BUTTON not in page
    assert flashes(page) == []
    answer = await susan.browser.submit("/index", to="/export_posts", submit="1")
    assert leads_to(answer) == "/user/susan"
    assert flashes(await susan.browser.text("/user/susan")) == [
        "An export task is currently in progress"
    ]
    assert len(await in_progress(susan)) == 1
    await note(cast, task_id, 57)
    assert boxes(await susan.browser.text("/index")) == ["Exporting posts... 57%"]
    assert boxes(await cast.john.browser.text("/user/susan")) == []
    assert boxes(await body(await cast.stranger.get("/auth/login"))) == []
    assert leads_to(await cast.stranger.post("/export_posts")).startswith("/auth/login")


@pytest.mark.usefixtures("waiting")
async def test_the_box_speaks_the_language_of_the_page(cast: Cast) -> None:
    """JOB-02, latent fault 8: translated where it is shown, not where it was begun."""
    await export(cast.susan)
    page = await body(await cast.susan.browser.get("/index", **{"Accept-Language": "es"}))
    assert '<html lang="es"' in page
    assert len(boxes(page)) == 1


async def test_from_the_button_to_the_file(cast: Cast, environment: dict[str, str]) -> None:
    """JOB-14, T-38: done; on the account page; a zip of one's own that nobody keeps a copy of."""
    for number in range(3):
        await cast.publish(cast.susan, f"post {number} ☃")
    answer = await cast.susan.browser.submit("/user/susan", to="/export_posts", submit="1")
    assert answer.status_code == 302
    async with cast.resources.database.reading() as session:
        task_id = await session.scalar(select(Task.id).where(Task.name == tasks.EXPORT_POSTS))
    assert (await over(cast, task_id or "")).state == tasks.DONE
    # What was begun is shown once more, even if it was over before the page came.
    assert boxes(await cast.susan.browser.text("/user/susan")) == [
        "Your archive is ready. Download"
    ]
    page = await cast.susan.browser.text("/user/susan")
    assert boxes(page) == []
    assert BUTTON in page
    account = await cast.susan.browser.text("/account")
    assert "Export: done" in account
    (address,) = re.findall(r'href="(/account/archives/[0-9a-f]{48})"', account)
    file = await cast.susan.browser.get(address)
    assert file.status_code == 200
    assert file.headers["Content-Type"] == "application/zip"
    assert re.fullmatch(
        r"attachment; filename=\"?microblog-susan-\d{4}-\d\d-\d\d\.zip\"?",
        file.headers["Content-Disposition"],
    )
    assert file.headers.getlist("Cache-Control") == ["no-store"]
    assert "ETag" not in file.headers
    content = await file.get_data(as_text=False)
    assert int(file.headers["Content-Length"]) == len(content)
    with zipfile.ZipFile(io.BytesIO(content)) as whole:
        posts = json.loads(whole.read("posts.json"))["posts"]
    assert [post["body"] for post in posts] == [f"post {number} ☃" for number in range(3)]
    head = await cast.susan.browser.client.head(address, headers=HTML)
    assert head.status_code == 200
    await refused_to_others(cast, address)
    await refused_when_gone(cast, address)


async def refused_to_others(cast: Cast, address: str) -> None:
    """L10: another user gets what there is for an archive that never was; a stranger the login."""
    for path in (address, f"{address}.zip"):
        foreign = await cast.john.browser.get(path)
        never = await cast.john.browser.get(re.sub(r"[0-9a-f]{48}", "0" * 48, path))
        assert foreign.status_code == never.status_code == 404
        assert len(await body(foreign)) == len(await body(never))
        assert leads_to(await cast.stranger.get(path)).startswith("/auth/login")
        script = await cast.stranger.get(path, Accept="application/json")
        assert script.status_code == 401
    assert "/account/archives/" not in await cast.john.browser.text("/account")


async def refused_when_gone(cast: Cast, address: str) -> None:
    name = address.rpartition("/")[2]
    path = cast.resources.archives.path(name)
    aside = path.rename(path.with_name("aside"))
    assert (await cast.susan.browser.get(address)).status_code == 404
    aside.rename(path)
    assert (await cast.susan.browser.get(address)).status_code == 200
    async with cast.resources.database.begin() as session:
        await session.execute(update(Archive).values(expires_at=utc_now()))
    assert (await cast.susan.browser.get(address)).status_code == 404
    assert "/account/archives/" not in await cast.susan.browser.text("/account")


def tricks() -> list[str]:
    """Ways up and about, in every disguise."""
    plain = ["..", "../..", "../secret_key", "../../../../etc/passwd", "./x", "a/../../secret_key"]
    plain += ["/etc/passwd", "//etc/passwd", "C:\\x", "..\\..\\secret_key", "secret_key", ".", "*"]
    plain += [
        "",
        " ",
        "~",
        "$HOME",
        "%",
        "x.part",
        "x.zip",
        "'",
        '"',
        "' OR 1=1 --",
        "%00",
        "{name}",
    ]
    found = list(plain)
    for trick in plain:
        once = quote(trick, safe="")
        found += [once, quote(once, safe=""), once.lower().replace("%2f", "%252f")]
    found += [f"{'0' * 47}{letter}" for letter in "/.;?#&"]
    found += ["%c0%ae%c0%ae%c0%af", "%e0%80%ae", "..%c0%af", "%uff0e", "․․", "．．／", "a" * 5000]
    return found


@pytest.mark.usefixtures("waiting")
async def test_no_trick_leads_anywhere(cast: Cast) -> None:
    """T-52: a hundred encodings."""
    key = "a secret that only tests know, long enough"
    (cast.resources.settings.server.instance / "secret_key").write_text(key)
    found = tricks()
    assert len(found) >= 100
    for trick in found:
        answer = await cast.susan.browser.get(f"/account/archives/{trick}")
        assert answer.status_code in (400, 404, 405, 414), (trick, answer.status_code)
        content = await body(answer)
        assert key not in content
        assert "root:" not in content


async def test_fifty_clicks_at_once(cast: Cast) -> None:
    """JOB-05, T-64: one job, one letter, one archive."""
    await cast.publish(cast.susan, "a post")
    token = await cast.susan.browser.token("/index")
    posts = (cast.susan.browser.post("/export_posts", csrf_token=token) for _ in range(50))
    # Jobs are quick: what comes when the first is over begins another one, which is as it should be.
    answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {302}
    for task in await in_progress(cast.susan):
        await over(cast, task.id)
    begun = await count(cast, Task, Task.name == tasks.EXPORT_POSTS)
    assert await count(cast, Task, Task.state != tasks.DONE, Task.name != tasks.SWEEP) == 0
    assert begun == await count(cast, Task, Task.name == tasks.SEND_LETTER)
    assert min(begun, 3) == await count(cast, Archive)


@pytest.mark.usefixtures("waiting")
async def test_fifty_clicks_while_one_waits(cast: Cast) -> None:
    """JOB-05."""
    token = await cast.susan.browser.token("/index")
    posts = (cast.susan.browser.post("/export_posts", csrf_token=token) for _ in range(50))
    await asyncio.gather(*posts)
    assert await count(cast, Task, Task.name == tasks.EXPORT_POSTS) == 1


@pytest.mark.usefixtures("waiting")
async def test_called_off(cast: Cast) -> None:
    """By its owner and nobody else; back to where one was, and never away from here."""
    task_id = await export(cast.susan)
    address = f"/tasks/{task_id}/cancel"
    assert (await cast.john.browser.submit("/index", to=address)).status_code == 404
    assert (await cast.susan.browser.submit("/index", to="/tasks/x/cancel")).status_code == 404
    assert len(await in_progress(cast.susan)) == 1
    page = await cast.susan.browser.text("/explore?page=1")
    assert f'action="{address}"' in page
    assert '<input type="hidden" name="next" value="/explore?page=1">' in page
    answer = await cast.susan.browser.submit("/explore", to=address, next="/explore?page=1")
    assert leads_to(answer) == "/explore?page=1"
    assert await in_progress(cast.susan) == []
    assert flashes(await cast.susan.browser.text("/index")) == ["It has been called off."]
    assert "Export: called off" in await cast.susan.browser.text("/account")
    away = await cast.susan.browser.submit("/index", to=address, next="https://evil.example/")
    assert leads_to(away) == "/user/susan"
    # For a script, without a word for the next page.
    token = await cast.susan.browser.token("/index")
    await cast.susan.browser.text("/index")
    script = await cast.susan.browser.client.post(
        address, headers={"Accept": "application/json", "X-CSRFToken": token}
    )
    assert (script.status_code, await body(script)) == (204, "")
    assert flashes(await cast.susan.browser.text("/index")) == []


@pytest.mark.usefixtures("waiting")
async def test_the_boxes_alone(cast: Cast) -> None:
    """What open pages ask for: one's own, that go on, and the one that is named."""
    task_id = await export(cast.susan)
    address = f"/tasks?with={task_id}"
    assert boxes(await cast.susan.browser.text("/tasks")) == ["Exporting posts... 0%"]
    async with cast.resources.database.begin() as session:
        reason = "There is no <b>room</b> left."
        await tasks.end(session, task_id, tasks.FAILED, reason)
    assert boxes(await cast.susan.browser.text("/tasks")) == []
    page = await cast.susan.browser.text(address)
    assert boxes(page) == ["The export has failed. There is no &lt;b&gt;room&lt;/b&gt; left."]
    assert "<html" not in page
    assert boxes(await cast.john.browser.text(address)) == []
    assert (await cast.stranger.get(address, Accept="*/*")).status_code == 401
    account = await cast.susan.browser.text("/account")
    assert "Export: failed" in account
    assert "no &lt;b&gt;room" in account


@pytest.fixture
def few(waiting: None, environment: dict[str, str]) -> None:
    environment |= {"MICROBLOG_LIMITS_SCALE": "1", "MICROBLOG_LIMITS_EXPORTS_PER_DAY": "3"}


@pytest.mark.usefixtures("few")
async def test_only_so_many_a_day(cast: Cast) -> None:
    """T-64: what was refused as a second one does not count; the rest says when to come again."""
    susan = cast.susan
    token = await susan.browser.token("/index")
    for _ in range(3):
        assert (await susan.browser.post("/export_posts", csrf_token=token)).status_code == 302
        assert (await susan.browser.post("/export_posts", csrf_token=token)).status_code == 302
        (task,) = await in_progress(susan)
        answer = await susan.browser.post(f"/tasks/{task.id}/cancel", csrf_token=token)
        assert answer.status_code == 302
    answer = await susan.browser.post("/export_posts", csrf_token=token)
    assert answer.status_code == 429
    assert 3600 < int(answer.headers["Retry-After"]) <= 8 * 3600 + 2
    assert await in_progress(susan) == []


async def test_pages_answer_meanwhile(cast: Cast) -> None:
    """JOB-25: one process exports 5,000 posts and serves pages, hers and other people's."""
    rows = [
        {"user_id": cast.susan.id, "body": f"post {n}", "timestamp": utc_now()} for n in range(5000)
    ]
    async with cast.resources.database.begin() as session:
        await session.execute(insert(Post), rows)
    task_id = await export(cast.susan)
    answered = 0
    while await in_progress(cast.susan):
        for person, path in ((cast.susan, "/user/susan"), (cast.john, "/explore")):
            await person.browser.text(path)
            answered += bool(await in_progress(cast.susan))
        if not answered % 10:
            await cast.publish(cast.john, "meanwhile")
    assert answered >= 10
    assert (await over(cast, task_id)).state == tasks.DONE
    assert await count(cast, Archive, Archive.posts == 5000) == 1
