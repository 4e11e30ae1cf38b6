"""Errors: always a problem, whatever the status, whoever says it."""

import errno
import json
from typing import Any

import pytest
import werkzeug.exceptions
from quart import Quart

from microblog.web import problems
from tests.cast import HTML, Cast
from tests.web.api.programs import Program, lower
from tests.web.api.test_answers import spoken

SECRET = "a secret that must not be shown"


async def test_every_status_is_a_problem(cast: Cast, susan: Program) -> None:
    """ERR-04, ERR-05: with `error` and `message`, also for browsers; `Program` looks at each."""
    path = f"/api/users/{cast.susan.id}"
    calls: list[tuple[int, str, str, dict[str, Any]]] = [
        (400, "GET", "/api/users?page=x", {}),
        (403, "PUT", f"/api/users/{cast.john.id}", {"json": {}}),
        (404, "GET", "/api/nowhere", {}),
        (404, "GET", "/api", {}),
        (404, "GET", "/api/", {}),
        (404, "POST", "/api/users/1/2/3", {}),
        (405, "DELETE", "/api/users", {}),
        (405, "PATCH", path, {"json": {}}),
        (415, "PUT", path, {"form": {"about_me": "x"}}),
        (413, "PUT", path, {"json": {"about_me": "x" * 70_000}}),
        (414, "GET", f"/api/{'x' * 3000}", {}),
        (415, "PUT", path, {"json": {}, "headers": {"Content-Encoding": "gzip"}}),
        (431, "GET", path, {"headers": {f"X-{n}": "x" for n in range(101)}}),
        (400, "GET", f"{path}?q=%00", {}),
        (400, "GET", f"{path}?q=%ff", {}),
        (400, "PUT", path, {"data": b"\xff", "headers": {"Content-Type": "application/json"}}),
        (400, "PUT", path, {"json": eval("[" * 40 + "]" * 40)}),
    ]
    for status, method, where, options in calls:
        for accept in ("application/json", "*/*", HTML["Accept"], ""):
            headers = {**options.get("headers", {}), "Accept": accept}
            answer = await susan.call(method, where, **{**options, "headers": headers})
            assert answer.status == status, (method, where)
            kind = problems.of_status(status)
            assert (answer.json["type"], answer.json["title"]) == (kind.type, kind.title)
    assert "GET" in (await susan.delete("/api/users")).headers["allow"]


async def test_the_language_is_always_english(cast: Cast, susan: Program) -> None:
    """Programs look at kinds; what varies with a header would have to say so."""
    for headers in ({"Accept-Language": "es"}, {"Cookie": "language=es"}):
        answer = await susan.get("/api/nowhere", headers=headers)
        assert answer.json["detail"] == "File Not Found"
        answer = await susan.post("/api/users", headers=headers, json={})
        assert answer.json["message"].startswith("must include")


async def test_a_failure(app: Quart, susan: Program, caplog: pytest.LogCaptureFixture) -> None:
    """ERR-03, T-56: no trace, a number to quote; the next request works."""

    async def fail() -> None:
        raise LookupError(SECRET)

    app.before_request(fail)
    answer = await susan.get("/api/users")
    app.before_request_funcs[None].remove(fail)
    assert answer.status == 500
    assert answer.json["type"] == "/api/docs#internal"
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert SECRET not in str(answer)
    assert SECRET in caplog.text
    assert answer.json["request_id"] in caplog.text
    assert (await susan.get("/api/users")).status == 200


async def test_there_is_no_other_kind(app: Quart, susan: Program) -> None:
    """ERR-05: whatever is raised; `Program` looks whether its type is one that is described."""
    raised: list[Exception] = [kind() for kind in werkzeug.exceptions.default_exceptions.values()]
    raised += [OSError(errno.ENOSPC, "no room"), OSError(errno.EIO, "broken"), RuntimeError()]

    async def fail() -> None:
        raise raised[0]

    app.before_request(fail)
    statuses = []
    while raised:
        statuses.append((await susan.get("/api/nowhere")).status)
        raised.pop(0)
    app.before_request_funcs[None].remove(fail)
    assert {400, 408, 418, 500, 501, 503} <= set(statuses)
    assert 507 not in statuses


async def test_no_room_left(app: Quart, cast: Cast, susan: Program) -> None:
    """For programs as temporary as a full database; pages are told 507."""

    async def fail() -> None:
        raise OSError(errno.ENOSPC, "no room")

    app.before_request(fail)
    answer = await susan.get("/api/users")
    assert (answer.status, answer.json["type"]) == (503, "/api/docs#busy")
    assert "disk" in answer.json["detail"]
    assert int(answer.headers["retry-after"]) >= 1
    assert (await cast.stranger.client.get("/explore")).status_code == 507
    app.before_request_funcs[None].remove(fail)


async def test_what_is_no_path(susan: Program, cast: Cast) -> None:
    """`OPTIONS *`: no page asks so."""
    for method, target in (("OPTIONS", "*"), ("GET", "x"), ("GET", "http://other.example/api")):
        start, body = await spoken(susan.client.app, method, target, [])
        assert start["status"] == 400
        told = json.loads(body)
        susan.fits(told, {"$ref": "#/components/schemas/Problem"})
        assert told["type"] == "/api/docs#bad-request"


@pytest.fixture
def with_a_name(environment: dict[str, str]) -> None:
    environment["BASE_URL"] = "https://good.example"


@pytest.mark.usefixtures("with_a_name")
async def test_another_host(app: Quart) -> None:
    response = await app.test_client().get("/api/users", headers={"Host": "evil.example"})
    assert response.status_code == 421
    assert json.loads(await response.get_data())["type"] == "/api/docs#wrong-host"


async def test_pages_keep_theirs(cast: Cast) -> None:
    """ERR-01, ERR-02: outside of the API it depends on what is asked for."""
    response = await cast.stranger.client.get("/apiary")
    assert lower(response.headers)["content-type"] == "application/problem+json"
    assert json.loads(await response.get_data())["type"] == "about:blank"
    page = await cast.stranger.get("/apiary")
    assert lower(page.headers)["content-type"].startswith("text/html")
