"""The edge in front of a small application, on a real server, spoken to byte by byte."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, Response, request, websocket

from microblog.web.edge import Edge, answers, bodies, contents, plain_refusal, rules
from microblog.web.edge.refused import Refused

LIMIT = 64 * 1024
UPLOAD_LIMIT = 2 * 1024 * 1024
PATIENCE = 10.0


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def small_app() -> Quart:
    app = Quart(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = None
    app.extensions.update(calls=[], begun=asyncio.Event(), ended=asyncio.Event())

    @app.get("/")
    @app.get("/livez")
    @app.get("/user/<name>")
    async def page(name: str = "") -> str:
        app.extensions["calls"].append(request.path)
        return f"page {name}"

    @app.get("/own")
    async def own() -> Response:
        return Response("own", headers={"X-Frame-Options": "SAMEORIGIN", "Cache-Control": "public"})

    @app.post("/form")
    async def form() -> dict[str, int]:
        app.extensions["calls"].append(request.path)
        return {"fields": len(await request.form), "files": len(await request.files)}

    @app.post("/json")
    async def json_body() -> dict[str, Any]:
        return {"got": await request.get_json()}

    @app.post("/upload")
    async def upload() -> dict[str, int]:
        app.extensions["calls"].append(request.path)
        return {"bytes": len(await request.get_data())}

    @app.post("/slow")
    async def slow() -> str:
        app.extensions["begun"].set()
        try:
            await asyncio.Event().wait()
        finally:
            app.extensions["ended"].set()
        return ""

    @app.websocket("/live")
    async def live() -> None:
        await websocket.send("hello")

    return app


class Server:
    def __init__(self, port: int, app: Quart) -> None:
        self.port = port
        self.app = app
        self.writers: list[asyncio.StreamWriter] = []

    @property
    def calls(self) -> list[str]:
        calls: list[str] = self.app.extensions["calls"]
        return calls

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        return reader, writer

    async def send(self, *pieces: bytes) -> Answer:
        reader, writer = await self.open()
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await read_answer(reader)

    async def get(self, target: str, *fields: str, method: str = "GET") -> Answer:
        return await self.send(head(f"{method} {target}", *fields))

    async def post(self, path: str, content_type: str, body: bytes) -> Answer:
        fields = (f"Content-Type: {content_type}", f"Content-Length: {len(body)}")
        return await self.send(head(f"POST {path}", *fields) + body)

    async def close(self) -> None:
        for writer in self.writers:
            writer.close()
        await asyncio.gather(*(w.wait_closed() for w in self.writers), return_exceptions=True)


def head(line: str, *fields: str, host: str | None = "site.example", version: str = "1.1") -> bytes:
    hosts = [] if host is None else [f"Host: {host}"]
    lines = [f"{line} HTTP/{version}", *hosts, *fields]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    async with asyncio.timeout(PATIENCE):
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in lines[1:] if line)
        fields = {name.lower(): value for name, value in pairs}
        status = int(lines[0].split(" ")[1])
        body = await reader.readexactly(int(fields.get("content-length", 0)))
    return Answer(status, fields, body)


StartServer = Callable[..., Awaitable[Server]]


@pytest_asyncio.fixture
async def start() -> AsyncIterator[StartServer]:
    stops: list[Callable[[], Awaitable[None]]] = []

    async def begin(**settings: Any) -> Server:
        app = small_app()
        limits = {"/upload": UPLOAD_LIMIT}
        settings = {"max_body": LIMIT, "body_limits": limits, **settings}
        app.asgi_app = Edge(app.asgi_app, **settings)  # type: ignore[method-assign]
        server, stop = await _serve(app)
        stops.append(stop)
        return server

    yield begin
    for stop in stops:
        await stop()


async def _serve(app: Quart) -> tuple[Server, Callable[[], Awaitable[None]]]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = Config()
    config.bind = [f"fd://{listening.fileno()}"]
    config.graceful_timeout = 0.2
    config.errorlog = None
    closing = asyncio.Event()
    server = Server(listening.getsockname()[1], app)
    serving = asyncio.create_task(serve(app, config, shutdown_trigger=closing.wait))
    # The server makes a socket of its own from the number, and closes that.
    listening.detach()

    async def stop() -> None:
        await server.close()
        closing.set()
        await asyncio.wait_for(serving, PATIENCE)

    return server, stop


@pytest_asyncio.fixture
async def server(start: StartServer) -> Server:
    return await start()


def assert_refused(answer: Answer, status: int) -> None:
    assert answer.status == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["connection"] == "close"
    assert str(status).encode() in answer.body


# What passes


async def test_an_honest_request_passes_with_security_headers(server: Server) -> None:
    answer = await server.get("/user/s%C3%BCsan?q=%F0%9F%98%80+a")
    assert answer.status == 200
    assert answer.body == "page süsan".encode()
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in answer.headers


async def test_answers_of_the_framework_carry_the_headers_too(server: Server) -> None:
    for path, status in (("/nowhere", 404), ("/form", 405)):
        answer = await server.get(path)
        assert answer.status == status
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_header_that_a_route_sets_itself_stays(server: Server) -> None:
    answer = await server.get("/own")
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert answer.headers["cache-control"] == "public"


async def test_hsts_only_for_a_site_on_https(start: StartServer) -> None:
    server = await start(base_url="https://site.example")
    answer = await server.get("/")
    assert answer.headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"


async def test_bodies_within_the_limit_arrive_whole(server: Server) -> None:
    form = await server.post("/form", "application/x-www-form-urlencoded", b"a=1&b=%C3%BC")
    assert (form.status, b'"fields":2' in form.body) == (200, True)
    whole = await server.post("/form", "application/octet-stream", b"x" * LIMIT)
    assert whole.status == 200


async def test_a_chunked_form_arrives_whole(server: Server) -> None:
    fields = ("Content-Type: application/x-www-form-urlencoded", "Transfer-Encoding: chunked")
    answer = await server.send(
        head("POST /form", *fields), b"4\r\na=1&\r\n", b"3\r\nb=2\r\n", b"0\r\n\r\n"
    )
    assert b'"fields":2' in answer.body


async def test_one_connection_serves_several_requests(server: Server) -> None:
    reader, writer = await server.open()
    body = b"a=1"
    post = head(
        "POST /form", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 3"
    )
    for request_bytes in (head("GET /"), post + body, head("GET /")):
        writer.write(request_bytes)
        assert (await read_answer(reader)).status == 200


async def test_a_client_that_leaves_ends_its_request(server: Server) -> None:
    _, writer = await server.open()
    writer.write(head("POST /slow", "Content-Length: 2") + b"hi")
    async with asyncio.timeout(PATIENCE):
        await server.app.extensions["begun"].wait()
        writer.close()
        await server.app.extensions["ended"].wait()


# The head


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "BREW", "PROPFIND"])
async def test_unknown_methods(server: Server, method: str) -> None:
    answer = await server.get("/", method=method)
    assert_refused(answer, 405)
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    "target",
    [
        "/user/%FF",
        "/user/%C0%AF",
        "/user/%ED%A0%80",
        "/user/a%00b",
        "/user/a%0Ab",
        "/?q=%FF",
        "/?q=%00",
        "/?%ED%BF%BF=1",
        "*",
        "user",
        "http://evil.example/",
        "http://evil.example:80/livez",
        "ftp://site.example/",
    ],
)
async def test_bad_targets(server: Server, target: str) -> None:
    assert_refused(await server.get(target), 400)
    assert server.calls == []


async def test_absolute_target_of_our_own_host_is_served(server: Server) -> None:
    answer = await server.get("http://site.example/user/s%C3%BCsan?x=1")
    assert (answer.status, answer.body) == (200, "page süsan".encode())


async def test_long_addresses(server: Server) -> None:
    assert (await server.get("/user/" + "a" * 2000)).status == 200
    assert_refused(await server.get("/user/" + "a" * 2048), 414)
    assert (await server.get("/?q=" + "a" * 8000)).status == 200
    assert_refused(await server.get("/?q=" + "a" * 8192), 414)


async def test_too_many_headers(server: Server) -> None:
    assert (await server.get("/", *(f"X-{n}: 1" for n in range(90)))).status == 200
    assert_refused(await server.get("/", *(f"X-{n}: 1" for n in range(101))), 431)


async def test_too_long_headers(start: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    # The server's own limit comes first by default, and it knows none of our headers.
    monkeypatch.setattr(rules, "MAX_HEADER_BYTES", 4096)
    server = await start()
    assert_refused(await server.get("/", "X-Long: " + "a" * 4096), 431)


@pytest.mark.parametrize(
    "host", ["", "a b", "site.example/x", "me@site.example", "a:b", "a:99999", "[::1", "a,b", "ü"]
)
async def test_ill_formed_hosts(server: Server, host: str) -> None:
    assert_refused(await server.send(head("GET /", host=host)), 400)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:5000", "[::1]:80", "a_b.example"])
async def test_any_well_formed_host_without_a_base_address(server: Server, host: str) -> None:
    assert (await server.send(head("GET /", host=host))).status == 200


async def test_no_host_and_two_hosts(server: Server) -> None:
    assert_refused(await server.send(head("GET /", host=None, version="1.0")), 400)
    probe = await server.send(head("GET /livez", host=None, version="1.0"))
    assert probe.status == 200
    assert (await server.get("/", "Host: other.example")).status == 400
    assert server.calls == ["/livez"]


async def test_only_the_host_of_the_base_address(start: StartServer) -> None:
    server = await start(base_url="https://site.example")
    for host in ("site.example", "SITE.example", "site.example:443"):
        assert (await server.send(head("GET /", host=host))).status == 200
    for host in (
        "evil.example",
        "site.example:80",
        "site.example.evil",
        "127.0.0.1",
        "x.site.example",
    ):
        assert_refused(await server.send(head("GET /", host=host)), 421)
    assert (await server.send(head("GET /livez", host="127.0.0.1:8000"))).status == 200


@pytest.mark.parametrize(
    ("base_url", "hosts"),
    [
        ("", set()),
        ("http://a.example", {b"a.example", b"a.example:80"}),
        ("https://a.example:443", {b"a.example", b"a.example:443"}),
        ("https://a.example:80", {b"a.example:80"}),
        ("http://[::1]:5000", {b"[::1]:5000"}),
        ("http://[::1]", {b"[::1]", b"[::1]:80"}),
    ],
)
def test_hosts_that_mean_the_base_address(base_url: str, hosts: set[bytes]) -> None:
    assert rules.allowed_hosts(base_url) == hosts


async def test_both_lengths_at_once(server: Server) -> None:
    smuggled = head("POST /form", "Content-Length: 4", "Transfer-Encoding: chunked")
    reader, writer = await server.open()
    writer.write(smuggled + b"0\r\n\r\n" + head("GET /"))
    assert_refused(await read_answer(reader), 400)
    async with asyncio.timeout(PATIENCE):
        assert await reader.read() == b""
    assert server.calls == []


@pytest.mark.parametrize(
    "fields", [("Content-Length: 3", "Content-Length: 4"), ("Content-Length: +3",)]
)
async def test_odd_lengths(server: Server, fields: tuple[str, ...]) -> None:
    # The server itself refuses some of these, without our headers.
    assert (await server.send(head("POST /form", *fields) + b"a=1")).status == 400
    assert server.calls == []


@pytest.mark.parametrize(
    "values", [[b"3", b"3"], [b"x"], [b"-1"], [b"9" * 19], [b""], ["³".encode()]]
)
def test_odd_lengths_that_another_server_lets_through(values: list[bytes]) -> None:
    with pytest.raises(Refused) as caught:
        rules.check_framing({b"content-length": values}, "1.1")
    assert caught.value.status == 400


@pytest.mark.parametrize("value", [b"gzip", b"gzip, chunked", b"identity"])
def test_odd_transfer_encodings(value: bytes) -> None:
    with pytest.raises(Refused):
        rules.check_framing({b"transfer-encoding": [value]}, "1.1")


async def test_content_encodings(server: Server) -> None:
    for encoding in ("gzip", "identity, br", "deflate"):
        answer = await server.get("/", f"Content-Encoding: {encoding}")
        assert_refused(answer, 415)
        assert answer.headers["accept-encoding"] == "identity"
    assert (await server.get("/", "Content-Encoding: identity")).status == 200


async def test_upgrade_to_http2_in_the_clear(server: Server) -> None:
    fields = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "Content-Length: 2")
    assert_refused(await server.send(head("POST /form", *fields) + b"hi"), 400)


# The body


async def test_a_declared_body_over_the_limit_is_refused_at_once(server: Server) -> None:
    reader, writer = await server.open()
    writer.write(head("POST /form", f"Content-Length: {LIMIT + 1}"))
    begun = time.perf_counter()
    assert_refused(await read_answer(reader), 413)
    assert time.perf_counter() - begun < 0.5
    assert server.calls == []


async def test_an_answer_reaches_a_client_that_sends_everything_first(server: Server) -> None:
    size = 3 * 1024 * 1024
    big = await server.post("/form", "application/octet-stream", b"x" * size)
    assert_refused(big, 413)


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data; boundary=b", "application/json", "text/plain"]
)
async def test_a_chunked_body_over_the_limit(server: Server, content_type: str) -> None:
    fields = (f"Content-Type: {content_type}", "Transfer-Encoding: chunked")
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    reader, writer = await server.open()
    writer.write(head("POST /form", *fields))
    for _ in range(5):
        writer.write(chunk)
    assert_refused(await read_answer(reader), 413)
    assert server.calls == []


async def test_an_endless_body_is_cut(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LINGER_SECONDS", 0.1)
    _, writer = await server.open()
    writer.write(head("POST /form", "Transfer-Encoding: chunked"))
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent = 0
    with pytest.raises(ConnectionError):
        async with asyncio.timeout(PATIENCE):
            while True:
                writer.write(chunk)
                await writer.drain()
                sent += len(chunk)
    assert sent < 64 * 1024 * 1024
    assert (await server.get("/")).status == 200


async def test_a_body_that_does_not_come(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)
    answer = await server.send(head("POST /form", "Content-Length: 10") + b"abc")
    assert_refused(answer, 408)
    assert server.calls == []


async def test_a_client_that_leaves_in_its_body_is_forgotten(server: Server) -> None:
    _, writer = await server.open()
    writer.write(head("POST /form", "Content-Length: 10") + b"abc")
    await writer.drain()
    writer.close()
    assert (await server.get("/")).status == 200
    assert server.calls == ["/"]


async def test_a_route_with_a_limit_of_its_own(server: Server) -> None:
    fits = await server.post("/upload", "application/octet-stream", b"x" * UPLOAD_LIMIT)
    assert b"2097152" in fits.body
    over = await server.send(head("POST /upload", f"Content-Length: {UPLOAD_LIMIT + 1}"))
    assert_refused(over, 413)


async def test_a_large_chunked_body_is_counted(server: Server) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    reader, writer = await server.open()
    writer.write(head("POST /upload", "Transfer-Encoding: chunked"))
    for _ in range(40):
        writer.write(chunk)
    assert_refused(await read_answer(reader), 413)


async def test_a_large_body_that_stalls(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PIECE_SECONDS", 0.05)
    answer = await server.send(head("POST /upload", "Content-Length: 100") + b"abc")
    assert_refused(answer, 408)


# Inside the body

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"a=\xff"),
        (FORM, b"a=%FF"),
        (FORM, b"a=%ED%A0%80"),
        (FORM, b"&".join([b"a=1"] * 1001)),
        ("application/json", b'"\xff"'),
        ("application/json; charset=utf-16", '{"a":"ü"}'.encode("utf-16")),
        ("application/json", b"[" * 33 + b"]" * 33),
        ("application/vnd.api+json", b"[" * 60_000),
        ("application/json", b'{"a":' * 33),
        ("multipart/form-data", b"--b--"),
        ("multipart/form-data; boundary=b", b"--b\r\n" * 1002),
    ],
)
async def test_bodies_that_cannot_be_read(server: Server, content_type: str, body: bytes) -> None:
    for path in ("/form", "/json"):
        assert_refused(await server.post(path, content_type, body), 400)
    assert server.calls == []


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 32 + b"]" * 32,
        b'"' + b"[" * 1000 + b'"',
        b'"' + rb"\"" * 100 + b"[" * 1000 + b'"',
        b'{"a":' * 31 + b'["]"]' + b"}" * 31,
        b"[" + b",".join([b"[]"] * 1000) + b"]",
    ],
)
async def test_json_that_only_looks_deep(server: Server, body: bytes) -> None:
    assert (await server.post("/json", "application/json", body)).status == 200


@pytest.mark.parametrize(
    "body", [b'"' * 65536, rb'"\"' * 20000, b'"' + b"\\" * 65535, b"]" * 65536]
)
def test_the_scan_for_depth_is_linear(body: bytes) -> None:
    begun = time.perf_counter()
    contents.is_shallow(b"[" * 33 + body)
    contents.is_shallow(b"[" * 30000 + body + b"]" * 30000)
    assert time.perf_counter() - begun < 0.5


def test_multipart_counts_what_the_boundary_separates() -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 1000 + b"--b--\r\n"
    contents.check('multipart/form-data; boundary="b"', body)


# How a refusal looks


async def test_refusals_are_json_under_the_api_and_for_scripts(server: Server) -> None:
    for target, accept in (("/api/posts?q=%00", "*/*"), ("/?q=%00", "application/json")):
        answer = await server.get(target, f"Accept: {accept}")
        assert_refused(answer, 400)
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await server.get("/?q=%00")).headers["content-type"].startswith("text/plain")


async def test_a_refused_head_request_has_no_body(server: Server) -> None:
    reader, writer = await server.open()
    writer.write(head("HEAD /?q=%00"))
    async with asyncio.timeout(PATIENCE):
        raw = await reader.read()
    assert raw.startswith(b"HTTP/1.1 400")
    assert raw.endswith(b"\r\n\r\n")


async def test_the_site_draws_its_refusals(start: StartServer) -> None:
    def drawn(scope: Any, status: int, detail: str) -> tuple[str, str]:
        return "text/html; charset=utf-8", f"<h1>{status} ü {scope['path']}</h1>"

    server = await start(refuse=drawn)
    answer = await server.get("/user/x?q=%00")
    assert answer.body.decode() == "<h1>400 ü /user/x</h1>"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_a_refusal_that_cannot_be_drawn_is_still_one(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(scope: Any, status: int, detail: str) -> tuple[str, str]:
        raise RuntimeError("no template")

    server = await start(refuse=broken)
    assert_refused(await server.get("/?q=%00"), 400)
    assert "could not be drawn" in caplog.text


# Websockets and the interface itself


def handshake(path: str = "/live", host: str = "site.example") -> bytes:
    return head(
        f"GET {path}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        host=host,
    )


async def test_websockets_pass(server: Server) -> None:
    assert (await server.send(handshake())).status == 101


async def test_websockets_obey_the_same_rules(start: StartServer) -> None:
    server = await start(base_url="http://site.example")
    assert_refused(await server.send(handshake(host="evil.example")), 421)
    assert_refused(await server.send(handshake("/live?q=%FF")), 400)
    assert_refused(await server.send(handshake("/live%00")), 400)
    unknown = await server.send(handshake("/nowhere"))
    assert unknown.status == 404
    assert "default-src 'none'" in unknown.headers["content-security-policy"]


def bare_scope(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "http_version": "1.1",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [(b"host", b"site.example")],
        **more,
    }


async def unreachable(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("must not be reached")


async def run_edge(app: Any, scope: dict[str, Any], *messages: dict[str, Any]) -> list[Any]:
    sent: list[Any] = []
    waiting = list(messages)

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await Edge(app, max_body=LIMIT)(scope, receive, send)
    return sent


async def test_a_server_that_cannot_answer_a_handshake() -> None:
    sent = await run_edge(unreachable, bare_scope("websocket", headers=[]))
    assert [message["type"] for message in sent] == ["websocket.close"]


PIECE = {"type": "http.request", "body": b"x" * LIMIT, "more_body": True}
END = {"type": "http.request", "body": b"", "more_body": False}


async def test_nobody_is_answered_who_left_in_the_middle() -> None:
    scope = bare_scope("http", method="POST")
    piece = {"type": "http.request", "body": b"a", "more_body": True}
    assert await run_edge(unreachable, scope, piece, {"type": "http.disconnect"}) == []


async def test_a_refused_body_is_thrown_away_before_the_answer_ends() -> None:
    told: list[str] = []
    waiting = [PIECE, PIECE, PIECE, END]

    async def receive() -> Any:
        told.append("read")
        return waiting.pop(0)

    async def send(message: Any) -> None:
        told.append("end" if not message.get("more_body", True) else "sent")

    await Edge(unreachable, max_body=LIMIT)(bare_scope("http", method="POST"), receive, send)
    assert told == ["read", "read", "sent", "sent", "read", "read", "end"]


async def test_a_server_with_a_full_queue_can_take_the_end_of_a_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answers, "LINGER_BYTES", 1)
    queue: asyncio.Queue[Any] = asyncio.Queue(3)
    for _ in range(3):
        queue.put_nowait(PIECE)

    async def send(message: Any) -> None:
        if not message.get("more_body", True):
            # As the server does: it reports the end of the connection before it returns.
            await queue.put(PIECE)
            await queue.put({"type": "http.disconnect"})

    declared = [(b"host", b"site.example"), (b"content-length", b"9999999")]
    scope = bare_scope("http", method="POST", headers=declared)
    async with asyncio.timeout(PATIENCE):
        await Edge(unreachable, max_body=LIMIT)(scope, queue.get, send)


async def test_what_the_application_says_about_a_cut_body_is_dropped() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"all well"})

    scope = bare_scope("http", method="POST", path="/upload", raw_path=b"/upload")
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    waiting = [PIECE] * 40 + [END]

    async def receive() -> Any:
        return waiting.pop(0)

    await Edge(app, max_body=LIMIT, body_limits={"/upload": UPLOAD_LIMIT})(scope, receive, send)
    assert [message["status"] for message in sent if "status" in message] == [413]
    assert not any(b"all well" in message.get("body", b"") for message in sent)


async def test_the_application_gets_one_message_and_then_what_follows() -> None:
    received: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        received.extend([await receive(), await receive()])

    await run_edge(
        app,
        bare_scope("http", method="POST"),
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "body": b"b", "more_body": False},
        {"type": "http.disconnect"},
    )
    assert received == [
        {"type": "http.request", "body": b"ab", "more_body": False},
        {"type": "http.disconnect"},
    ]


async def test_a_failure_that_escapes_the_framework_is_a_500_with_headers() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("lost")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    with pytest.raises(LookupError):
        await Edge(app, max_body=LIMIT)(bare_scope("http", method="GET"), receive, send)
    assert sent[0]["status"] == 500
    assert (b"x-frame-options", b"DENY") in sent[0]["headers"]
    assert b"lost" not in sent[1]["body"]


async def test_the_lifespan_is_none_of_its_business() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    await run_edge(app, {"type": "lifespan"})
    assert seen == ["lifespan"]


async def test_http2_has_no_connection_header() -> None:
    scope = bare_scope("http", method="GET", http_version="2", query_string=b"%00")
    sent = await run_edge(unreachable, scope, END, END)
    assert b"connection" not in dict(sent[0]["headers"])


def test_plain_refusals_name_the_status() -> None:
    assert plain_refusal(bare_scope("http"), 413, "No.")[1] == "413 Content Too Large: No.\n"
