"""Corners that a real server shows too rarely."""

import asyncio
from typing import Any

import pytest

from microblog.web.edge import Edge, answers, plain_refusal
from tests.web.edge.bare import END, PIECE, bare_scope, run_edge, unreachable
from tests.web.edge.speaking import (
    LIMIT,
    PATIENCE,
    UPLOAD_LIMIT,
)


async def test_a_server_that_cannot_answer_a_handshake() -> None:
    sent = await run_edge(unreachable, bare_scope("websocket", headers=[]))
    assert [message["type"] for message in sent] == ["websocket.close"]


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
