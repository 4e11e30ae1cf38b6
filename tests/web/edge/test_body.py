"""How long and how slow a body may be."""

import asyncio
import time

import pytest

from microblog.web.edge import answers, bodies
from tests.web.edge.speaking import (
    LIMIT,
    PATIENCE,
    UPLOAD_LIMIT,
    Server,
    assert_refused,
    head,
    read_answer,
)


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


async def test_a_large_body_that_trickles(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """T-64: however small the pauses, a place is not held for long."""
    monkeypatch.setattr(bodies, "WHILE_SECONDS", 0.1)
    reader, writer = await server.open()
    writer.write(head("POST /upload", "Content-Length: 100000"))
    answering = asyncio.create_task(read_answer(reader))
    while not answering.done():
        writer.write(b"x")
        await asyncio.wait({answering}, timeout=0.01)
    assert_refused(answering.result(), 408)


async def test_an_answer_that_does_not_wait_for_a_large_body(server: Server) -> None:
    """It arrives even where all of a not too large one is sent first."""
    answer = await server.post(
        "/upload/unread", "application/octet-stream", b"x" * (UPLOAD_LIMIT - 1)
    )
    assert (answer.status, answer.body) == (200, b"no, thanks")
