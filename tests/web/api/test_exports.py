"""Exports for programs: promised, watched, called off, fetched; all of it one's own."""

import asyncio
import io
import json
import re
import zipfile
from typing import Any

import pytest
from quart import Quart
from quart.wrappers import Response
from sqlalchemy import select, update

from microblog.domain import tasks
from microblog.models import Archive, Task, utc_now
from tests.cast import Cast
from tests.test_statements import counted
from tests.web.api.programs import Program, login_token, personal_token
from tests.web.auth import records
from tests.web.main.test_exports import boxes, note, over, waiting  # noqa: F401 (a fixture)

NEVER = "b7f1a7f4-3f0b-4c80-bf5e-0d9a64f3a1a5"


async def fetch(program: Program, path: str, method: str = "GET") -> Response:
    """A file is no JSON."""
    token = {"Authorization": f"Bearer {program.token}"}
    return await program.client.open(path, method=method, headers=token)


async def task_of(cast: Cast, task_id: str) -> Task:
    async with cast.resources.database.reading() as session:
        found = await session.get(Task, task_id)
    assert found is not None
    return found


async def test_from_the_promise_to_the_file(cast: Cast, app: Quart, susan: Program) -> None:
    """JOB-14, T-38: 202 and where to look; then the file, for its owner, kept by nobody."""
    await cast.publish(cast.susan, "a post ☃")
    await cast.write(cast.john, cast.susan, "strictly between us")
    promised = await susan.post("/api/exports", headers={"Accept-Language": "es,en;q=0.5"})
    path = promised.headers["location"]
    assert promised.status == 202
    assert promised.json["_links"] == {"self": path, "archive": None}
    assert path == f"/api/exports/{promised.json['id']}"
    assert promised.json["state"] == "waiting"
    task = await over(cast, promised.json["id"])
    assert task.state == tasks.DONE
    state = (await susan.get(path)).json
    assert (state["state"], state["progress"], state["reason"]) == ("done", 100, None)
    assert state["finished_at"] >= state["created_at"] == promised.json["created_at"]
    assert state["_links"]["archive"] == f"{path}/archive"
    assert (await susan.get("/api/exports")).json["items"] == [state]
    content = await the_file(susan, state["_links"]["archive"])
    with zipfile.ZipFile(io.BytesIO(content)) as whole:
        (post,) = json.loads(whole.read("posts.json"))["posts"]
        assert post["body"] == "a post ☃"
        assert any(b"strictly between us" in whole.read(name) for name in whole.namelist())
    await not_for_everybody(cast, app, path)
    async with cast.resources.database.begin() as session:
        await session.execute(update(Archive).values(expires_at=utc_now()))
    assert (await susan.get(f"{path}/archive")).status == 404
    assert (await susan.get(path)).json["_links"]["archive"] is None


async def the_file(program: Program, path: str) -> bytes:
    file = await fetch(program, path)
    assert (file.status_code, file.headers["Content-Type"]) == (200, "application/zip")
    assert re.search(r"microblog-susan-\d{4}-\d\d-\d\d\.zip", file.headers["Content-Disposition"])
    assert file.headers.getlist("Cache-Control") == ["no-store"]
    assert "ETag" not in file.headers
    assert "RateLimit" in file.headers
    content: bytes = await file.get_data(as_text=False)
    assert int(file.headers["Content-Length"]) == len(content)
    assert (await fetch(program, path, "HEAD")).status_code == 200
    described = program.described["paths"]["/api/exports/{export}/archive"]["get"]["responses"]
    assert list(described["200"]["content"]) == ["application/zip"]
    assert "304" not in described
    return content


async def not_for_everybody(cast: Cast, app: Quart, path: str) -> None:
    """What holds private messages wants a token that may read them."""
    for scopes, status in (
        (("read",), 403),
        (("messages",), 403),
        (("read", "write"), 403),
        (("read", "messages"), 200),
    ):
        program = Program(app, await personal_token(cast, cast.susan, *scopes))
        assert (await fetch(program, f"{path}/archive")).status_code == status, scopes
    john, anybody = Program(app, await login_token(cast, cast.john)), Program(app)
    for method, where in (("GET", path), ("DELETE", path), ("GET", f"{path}/archive")):
        foreign = await john.call(method, where)
        absent = await john.call(method, re.sub(r"[0-9a-f-]{36}", NEVER, where))
        assert (foreign.status, foreign.json) == (absent.status, absent.json)
        assert foreign.status == 404
        assert (await anybody.call(method, where)).status == 401
    assert (await john.get("/api/exports")).json["items"] == []


@pytest.mark.usefixtures("waiting")
async def test_one_at_a_time(cast: Cast, app: Quart, susan: Program) -> None:
    """JOB-06: 409 with the address of the first, until that is over or called off."""
    promised = await susan.post("/api/exports")
    path, task_id = promised.headers["location"], promised.json["id"]
    second = await susan.post("/api/exports")
    assert (second.status, second.headers["location"]) == (409, path)
    assert second.json["detail"] == "An export task is currently in progress"
    described = susan.described["paths"]["/api/exports"]["post"]["responses"]
    assert all("Location" in described[status]["headers"] for status in ("202", "409"))
    # It is the page's, too.
    assert boxes(await cast.susan.browser.text("/index")) == ["Exporting posts... 0%"]
    await note(cast, task_id, 57)
    assert (await susan.get(path)).json["progress"] == 57
    assert (await susan.get(f"{path}/archive")).status == 404
    reader = Program(app, await personal_token(cast, cast.susan, "read", "messages"))
    assert (await reader.delete(path)).status == 403
    assert (await reader.post("/api/exports")).status == 403
    assert (await reader.get(path)).json["state"] == "waiting"
    assert (await susan.delete(path)).status == 204
    ended = (await susan.get(path)).json
    assert (ended["state"], ended["reason"]) == ("cancelled", "You have called it off.")
    assert ended["finished_at"] is not None
    assert boxes(await cast.susan.browser.text("/index")) == []
    # Over is over.
    assert (await susan.delete(path)).status == 204
    assert (await susan.get(path)).json == ended
    again = await susan.post("/api/exports")
    assert again.status == 202
    assert (await susan.get("/api/exports")).json["items"] == [again.json, ended]


@pytest.mark.usefixtures("waiting")
async def test_what_the_list_costs(cast: Cast, susan: Program) -> None:
    """The same for one export and for several."""
    costs = []
    cast.resources.memory.is_on = False
    for number in range(1, 7):
        await susan.delete((await susan.post("/api/exports")).headers["location"])
        if number in (1, 6):
            await susan.get("/api/exports")
            await asyncio.gather(*cast.resources._noting.values())
            with counted(cast) as statements:
                assert len((await susan.get("/api/exports")).json["items"]) == number
            costs.append([s for s in statements if "rate" not in s])
    assert len(costs[0]) == len(costs[1]) <= 6, costs


@pytest.mark.usefixtures("waiting")
async def test_what_is_no_export(cast: Cast, susan: Program) -> None:
    """L10: other work of one's own has no address here, and stays as it is."""
    async with cast.resources.database.begin() as session:
        number = await tasks.launch(session, cast.susan.actor, tasks.IMPORT_POSTS, upload="x")
    for name in (number, NEVER, NEVER.upper(), "1", "..%2f1", f"{NEVER}0"):
        for method in ("GET", "DELETE"):
            assert (await susan.call(method, f"/api/exports/{name}")).status == 404, name
        assert (await susan.get(f"/api/exports/{name}/archive")).status == 404
    assert (await task_of(cast, number)).state == tasks.WAITING
    assert (await susan.get("/api/exports")).json["items"] == []


@pytest.mark.usefixtures("waiting")
async def test_fifty_at_once(cast: Cast, susan: Program) -> None:
    """JOB-06: one is promised; all others hear where it is. With one key, all are the same."""
    answers = await asyncio.gather(*(susan.post("/api/exports") for _ in range(50)))
    assert sorted(answer.status for answer in answers) == [202] + [409] * 49
    (path,) = {answer.headers["location"] for answer in answers}
    await susan.delete(path)
    key = {"Idempotency-Key": "once"}
    again = [await susan.post("/api/exports", headers=key) for _ in range(3)]
    assert [answer.status for answer in again] == [202] * 3
    assert len({json.dumps(answer.json) for answer in again}) == 1
    async with cast.resources.database.reading() as session:
        found = await session.scalars(select(Task.state).where(Task.name == tasks.EXPORT_POSTS))
        assert sorted(found) == ["cancelled", "waiting"]


@pytest.mark.usefixtures("waiting")
async def test_as_many_as_one_may_have_in_a_day(
    cast: Cast, susan: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-18, T-38: what was refused was none of them."""
    limits = cast.resources.settings.limits
    monkeypatch.setitem(limits.__dict__, "scale", 1.0)
    monkeypatch.setitem(limits.__dict__, "exports_per_day", 2)
    for _ in range(2):
        path = (await susan.post("/api/exports")).headers["location"]
        assert (await susan.post("/api/exports")).status == 409
        assert (await susan.delete(path)).status == 204
    refused = await susan.post("/api/exports")
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 60
    states: list[Any] = (await susan.get("/api/exports")).json["items"]
    assert [state["state"] for state in states] == ["cancelled"] * 2


@pytest.mark.usefixtures("waiting", "confirmation_required")
async def test_until_the_address_is_confirmed(cast: Cast, app: Quart) -> None:
    """As on the page: nothing is promised."""
    await records.change(cast, cast.susan, confirmed_at=None)
    susan = Program(app, await login_token(cast, cast.susan))
    assert (await susan.post("/api/exports")).status == 403
    assert (await susan.get("/api/exports")).json["items"] == []


@pytest.mark.usefixtures("waiting")
async def test_the_language_of_its_letter(cast: Cast, susan: Program) -> None:
    """The person's own before the program's; the program itself is told in English."""
    wish = {"Accept-Language": "es"}
    for own, expected in ((None, "es"), ("en", "en")):
        await records.change(cast, cast.susan, language=own)
        promised = await susan.post("/api/exports", headers=wish)
        task = await task_of(cast, promised.json["id"])
        assert task.arguments["language"] == expected
        assert (await susan.delete(promised.headers["location"])).status == 204
