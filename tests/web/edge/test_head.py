"""What the head of a request must be like."""

import asyncio

import pytest

from microblog.web.edge import rules
from microblog.web.edge.refused import Refused
from tests.web.edge.speaking import (
    PATIENCE,
    Server,
    StartServer,
    assert_refused,
    head,
    read_answer,
)


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


@pytest.mark.parametrize(
    "fields",
    [
        ("Authorization: Basic \xff",),
        ("Authorization: Bearer ü",),
        ("Authorization: Basic YTpi", "Authorization: Bearer x"),
    ],
)
async def test_ill_formed_credentials(server: Server, fields: tuple[str, ...]) -> None:
    assert_refused(await server.get("/", *fields), 400)


async def test_upgrade_to_http2_in_the_clear(server: Server) -> None:
    fields = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "Content-Length: 2")
    assert_refused(await server.send(head("POST /form", *fields) + b"hi"), 400)
