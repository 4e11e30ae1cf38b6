"""What honest clients send passes, and every answer carries the headers."""

import asyncio

from tests.web.edge.speaking import (
    LIMIT,
    PATIENCE,
    Server,
    StartServer,
    head,
    read_answer,
)


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
