"""What stands beside every answer: what may be kept, for whom, and for which other sites."""

import asyncio
import gzip
from typing import Any

import pytest
from quart import Quart

from tests.cast import Cast
from tests.web.api.programs import Program, login_token, lower

FRIEND, STRANGER = "https://friend.example", "https://stranger.example"


async def test_an_answer_that_is_known_already(cast: Cast, susan: Program, app: Quart) -> None:
    path = f"/api/users/{cast.susan.id}"
    first = await susan.get(path)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Authorization"
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = await susan.get(path, headers={"If-None-Match": known})
        assert (again.status, again.json, again.headers["etag"]) == (304, None, tag)
        assert again.headers["vary"] == "Authorization"
        assert "ratelimit" in again.headers
    assert (await susan.get(path, headers={"If-None-Match": '"other"'})).status == 200
    # John's view of her is another answer, without her address.
    john = Program(app, await login_token(cast, cast.john))
    assert (await john.get(path, headers={"If-None-Match": tag})).status == 200
    await susan.put(path, json={"about_me": "new"})
    changed = await susan.get(path, headers={"If-None-Match": tag})
    assert changed.status == 200
    assert changed.headers["etag"] != tag


async def test_what_is_not_kept(cast: Cast, susan: Program, anybody: Program) -> None:
    path = f"/api/users/{cast.susan.id}"
    for answer in (
        await susan.put(path, json={}),
        await anybody.get(path),
        await susan.get("/api/nowhere"),
    ):
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


async def test_no_cookie_goes_either_way(cast: Cast) -> None:
    """T-20, T-21: the login of a browser opens nothing, and nothing is set."""
    client = cast.susan.browser.client
    for path in ("/api/users", "/api/openapi.json", "/api/nowhere"):
        response = await client.get(path)
        assert "set-cookie" not in lower(response.headers)
        assert "Cookie" not in lower(response.headers).get("vary", "")
    assert (await client.get("/api/users")).status_code == 401
    response = await client.put(f"/api/users/{cast.susan.id}", json={"about_me": "forged"})
    assert response.status_code == 401


async def test_head_and_options(cast: Cast, susan: Program, anybody: Program) -> None:
    path = f"/api/users/{cast.susan.id}"
    head, get = await susan.call("HEAD", path), await susan.get(path)
    assert (head.status, head.headers["etag"]) == (200, get.headers["etag"])
    assert (await anybody.call("HEAD", path)).status == 401
    options = await anybody.call("OPTIONS", path)
    assert options.status == 200
    assert set(options.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "PUT"}
    assert not [name for name in options.headers if name.startswith("access-control")]


async def test_what_has_no_body_says_nothing_about_one(
    app: Quart, cast: Cast, susan: Program
) -> None:
    """RFC 9110, 8.6; as the server gets it, since the tests' client adds such words."""
    path = f"/api/users/{cast.susan.id}"
    tag = (await susan.get(path)).headers["etag"]
    token = ("authorization", f"Bearer {susan.token}")
    for method, where, extra in (
        ("GET", path, ("if-none-match", tag)),
        ("OPTIONS", path, ()),
        ("DELETE", "/api/tokens", ()),
    ):
        start, body = await spoken(app, method, where, [token, extra] if extra else [token])
        assert start["status"] == {"GET": 304, "OPTIONS": 200, "DELETE": 204}[method]
        assert body == b""
        names = {name.lower() for name, _ in start["headers"]}
        assert b"content-type" not in names
        assert method == "OPTIONS" or b"content-length" not in names


async def test_what_is_packed(cast: Cast, susan: Program, app: Quart) -> None:
    """The two long texts that are the same for everybody, in both forms, each with its own tag."""
    client, packed = app.test_client(), {"Accept-Encoding": "br, gzip;q=0.5"}
    for path in ("/api/openapi.json", "/api/docs"):
        plain = await client.get(path, headers={"Accept-Encoding": "gzip;q=0, br"})
        small = await client.get(path, headers=packed)
        text = await plain.get_data(as_text=False)
        body = await small.get_data(as_text=False)
        assert "Content-Encoding" not in plain.headers
        assert small.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(body) == text
        assert len(body) < len(text) / 4
        tags = [answer.headers["ETag"] for answer in (plain, small)]
        assert len(set(tags)) == 2
        for answer in (plain, small):
            assert "Accept-Encoding" in answer.headers["Vary"].split(", ")
        for tag, status in zip(tags, (200, 304), strict=True):
            again = await client.get(path, headers={**packed, "If-None-Match": tag})
            assert (again.status_code, again.headers["ETag"]) == (status, tags[1])
            assert "Accept-Encoding" in again.headers["Vary"].split(", ")
        assert (await client.get(path, headers=packed)).headers["ETag"] == tags[1]
    await cast.publish(cast.susan, "hello " * 80)
    values = {"user_id": str(cast.susan.id), "post_id": "1"}
    read = 0
    for path, methods in susan.described["paths"].items():
        if "get" in methods and not {"{message_id}", "{export}"} & set(path.split("/")):
            where = path.format(**values) + ("?q=hello" if path.endswith("search") else "")
            answer = await susan.get(where, headers={"Accept-Encoding": "gzip"})
            assert (answer.status, "content-encoding" in answer.headers) == (200, False), path
            assert "Accept-Encoding" not in answer.headers.get("vary", "")
            read += 1
    assert read >= 10


async def spoken(
    app: Quart, method: str, path: str, headers: list[tuple[str, str]]
) -> tuple[dict[str, Any], bytes]:
    """What the application itself says to a server."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")] + [(a.encode(), b.encode()) for a, b in headers],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
        "extensions": {},
    }
    answered = asyncio.Event()
    parts = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if parts:
            return parts.pop()
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    await app(scope, receive, send)  # type: ignore[arg-type]
    return sent[0], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.fixture
def with_a_friend(environment: dict[str, str]) -> None:
    environment["MICROBLOG_API_CORS_ORIGINS"] = f"{FRIEND},http://localhost:3000"


async def test_other_sites_by_default(cast: Cast, susan: Program) -> None:
    """T-32."""
    answer = await susan.get("/api/users", headers={"Origin": FRIEND})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert "Origin" not in answer.headers["vary"]
    await refused_before_it_is_read(cast, susan, named=False)


@pytest.mark.usefixtures("with_a_friend")
async def test_a_site_that_the_operator_has_named(cast: Cast, app: Quart) -> None:
    """T-32: that one, without cookies; others are told nothing, pages neither."""
    susan = Program(app, await login_token(cast, cast.susan))
    asked = {
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    path = f"/api/users/{cast.susan.id}"
    preflight = await Program(app).call("OPTIONS", path, headers={"Origin": FRIEND, **asked})
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-origin"] == FRIEND
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    assert "Authorization" in preflight.headers["access-control-allow-headers"]
    for call in (
        susan.get(path, headers={"Origin": FRIEND}),
        susan.get("/api/users?page=x", headers={"Origin": FRIEND}),
    ):
        answer = await call
        assert answer.headers["access-control-allow-origin"] == FRIEND
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"ETag", "Link", "Location", "RateLimit", "Retry-After"} <= set(exposed)
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.headers["vary"]
    for origin in (STRANGER, "null", f"{FRIEND}.evil", "http://friend.example"):
        answer = await susan.get(path, headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers
        assert "Origin" in answer.headers["vary"]
    page = await cast.susan.browser.get("/index", Origin=FRIEND)
    assert "access-control-allow-origin" not in lower(page.headers)
    await refused_before_it_is_read(cast, susan, named=True)


async def refused_before_it_is_read(cast: Cast, susan: Program, *, named: bool) -> None:
    """Bad bytes, sizes, methods: the edge has no application to ask, and says the same beside."""
    path = f"/api/users/{cast.susan.id}"
    for origin, friendly in ((FRIEND, named), (STRANGER, False), ("", False)):
        headers = {"Origin": origin} if origin else {}
        for answer in (
            await susan.get(f"{path}?q=%ff", headers=headers),
            await susan.put(path, json={"about_me": "x" * 70_000}, headers=headers),
            await susan.call("TRACE", path, headers=headers),
        ):
            assert answer.status in (400, 405, 413)
            allowed = answer.headers.get("access-control-allow-origin")
            assert allowed == (FRIEND if friendly else None)
            assert ("access-control-expose-headers" in answer.headers) is friendly
            assert answer.headers.get("vary") == ("Origin" if named else None)
            # It counts for no allowance.
            assert "ratelimit" not in answer.headers
    page = await cast.stranger.client.get("/index?q=%ff", headers={"Origin": FRIEND})
    assert {"vary", "access-control-allow-origin"}.isdisjoint(lower(page.headers))
