"""How a refusal looks, on both kinds of connection."""

import asyncio
from typing import Any

import pytest

from tests.web.edge.speaking import (
    PATIENCE,
    Server,
    StartServer,
    assert_refused,
    handshake,
    head,
)


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
