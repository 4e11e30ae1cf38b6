"""The websocket as programs meet it: a real server, a real client."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from sqlalchemy.engine import URL
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests import servers
from tests.processes.serving import Member, Server, close_code, people

# One server for the whole file, per database.
pytestmark = pytest.mark.xdist_group("protocol")
HEARTBEAT = 1.0
LIMIT = 4
SOON = 5
HANDSHAKE = (
    "GET /live HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Cookie: {}\r\n\r\n"
)

New = Callable[[], AbstractAsyncContextManager[Member]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("protocol") / "microblog.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    template: URL = request.getfixturevalue("migrated_postgresql")
    name, server = f"microblog_test_{uuid4().hex[:12]}", template.set(database="postgres")
    asyncio.run(servers.execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template.database}"'))
    yield template.set(database=name).render_as_string(hide_password=False)
    asyncio.run(servers.execute(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture(scope="module")
def server(shared_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("server")
    environment = {
        "DATABASE_URL": shared_url,
        "SECRET_KEY": "a secret that only tests know, long enough",
        "MICROBLOG_SERVER_INSTANCE": str(folder / "instance"),
        "MICROBLOG_LIVE_HEARTBEAT": str(HEARTBEAT),
        "MICROBLOG_LIVE_CONNECTIONS_PER_USER": str(LIMIT),
        "MICROBLOG_LIMITS_LOGIN_PER_ADDRESS": "1000",
    }
    server = Server(environment, folder, workers=1)
    yield server
    server.kill()
    assert "Traceback" not in server.log, server.log


@pytest.fixture
async def new(server: Server, password_hash: str) -> New:
    """Makes people, each with an account of their own, logged in."""

    @asynccontextmanager
    async def arrive() -> AsyncIterator[Member]:
        name = f"u{uuid4().hex[:10]}"
        await people(server.environment, password_hash, name)
        async with Member.logged_in(server, name) as member:
            yield member

    return arrive


async def frame(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(SOON):
        found = json.loads(await socket.recv())
    assert isinstance(found, dict)
    return found


async def post_frame(socket: ClientConnection) -> dict[str, Any]:
    while (found := await frame(socket))["type"] in ("hello", "heartbeat"):
        pass
    return found


async def refused(connecting: Any) -> int:
    with pytest.raises(InvalidStatus) as error:
        async with connecting:
            pass
    return int(error.value.response.status_code)


async def ended(socket: ClientConnection) -> int:
    async with asyncio.timeout(SOON):
        return await close_code(socket)


async def test_without_a_login_401(new: New) -> None:
    async with new() as susan:
        for cookie in ("", "microblog_login=forged", susan.cookie[:-2]):
            assert await refused(susan.socket(additional_headers={"Cookie": cookie})) == 401


async def test_a_foreign_origin_403(new: New, server: Server) -> None:
    port = server.url.rpartition(":")[2]
    foreign = [
        "http://evil.example",
        "null",
        "http://127.0.0.1",
        f"http://127.0.0.1:{port}0",
        f"http://127.0.0.1:{port}.evil.example",
        f"http://127.0.0.2:{port}",
        f"http://x127.0.0.1:{port}",
        f"http://u@127.0.0.1:{port}",
        f"ftp://127.0.0.1:{port}",
        f"127.0.0.1:{port}",
    ]
    async with new() as susan:
        for origin in foreign:
            assert await refused(susan.socket(origin=origin)) == 403, origin
        async with susan.socket(origin=server.url) as socket:
            assert (await frame(socket))["type"] == "hello"


@pytest.mark.parametrize("since", ["", "x", "-1", "1.5", "1e3", "%20", "٣", "9" * 30, "1%00"])
async def test_a_since_that_is_no_number_400(new: New, since: str) -> None:
    async with new() as susan:
        assert await refused(susan.socket(f"?since={since}")) == 400


async def test_hello_comes_first(new: New) -> None:
    async with new() as susan, susan.socket() as socket:
        hello = await frame(socket)
        assert set(hello) == {"type", "seq", "heartbeat", "user"}
        assert (hello["type"], hello["user"], hello["heartbeat"]) == (
            "hello",
            susan.name,
            HEARTBEAT,
        )
        assert isinstance(hello["seq"], int)


async def test_nothing_is_compressed(new: New) -> None:
    async with new() as susan, susan.socket() as socket:
        assert socket.protocol.extensions == []
        assert socket.response is not None
        assert "Sec-WebSocket-Extensions" not in socket.response.headers


async def test_the_shape_of_a_post(new: New) -> None:
    async with new() as susan, susan.socket() as socket:
        body = "see https://example.com/ <b> & more\nsecond line"
        await susan.publish(body)
        created = await post_frame(socket)
        page = (await susan.client.get("/explore")).text
    assert set(created) == {"type", "seq", "channels", "post", "html"}
    assert created["type"] == "post.created"
    assert created["channels"] == ["home"]
    post = created["post"]
    assert {"id", "body", "html", "language", "timestamp", "author", "_links"} <= set(post)
    assert post["body"] == body
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", post["timestamp"])
    assert post["author"]["username"] == susan.name
    assert {"id", "username", "display_name", "_links"} <= set(post["author"])
    assert {"self", "avatar"} <= set(post["author"]["_links"])
    assert {"self", "page"} <= set(post["_links"])
    assert 'href="https://example.com/"' in post["html"]
    assert "<b>" not in post["html"]
    assert "@example.com" not in json.dumps(created)
    assert f'id="post-{post["id"]}"' in created["html"]
    assert created["html"].strip() in page


async def test_edit_and_deletion(new: New) -> None:
    async with new() as susan, susan.socket() as socket:
        await susan.publish("first")
        post_id = (await post_frame(socket))["post"]["id"]
        assert (await susan.send(f"/post/{post_id}/edit", post="second")).is_redirect
        updated = await post_frame(socket)
        assert set(updated) == {"type", "seq", "channels", "post", "html"}
        assert (updated["type"], updated["post"]["body"]) == ("post.updated", "second")
        assert updated["html"].strip() in (await susan.client.get("/explore")).text
        assert (await susan.send(f"/post/{post_id}/delete")).is_redirect
        deleted = await post_frame(socket)
        assert set(deleted) == {"type", "seq", "channels", "post_id"}
        assert (deleted["type"], deleted["post_id"]) == ("post.deleted", post_id)
        assert deleted["channels"] == ["home"]


async def test_following_in_an_open_socket(new: New) -> None:
    async with new() as susan, new() as john, susan.socket() as socket:
        await john.publish("not yet")
        assert (await susan.send(f"/follow/{john.name}")).is_redirect
        await john.publish("heard")
        assert (await post_frame(socket))["post"]["body"] == "heard"
        assert (await susan.send(f"/unfollow/{john.name}")).is_redirect
        await john.publish("no longer")
        await susan.publish("own")
        assert (await post_frame(socket))["post"]["body"] == "own"


async def test_resuming(new: New) -> None:
    async with new() as susan:
        async with susan.socket("?channels=home") as socket:
            seq = (await frame(socket))["seq"]
        await susan.publish("one")
        await susan.publish("two")
        async with susan.socket(f"?channels=home&since={seq}") as socket:
            frames = [await post_frame(socket) for _ in range(2)]
        assert [f["post"]["body"] for f in frames] == ["one", "two"]
        assert seq < frames[0]["seq"] < frames[1]["seq"]
        async with susan.socket("?since=999999999") as socket:
            hello, gap = await frame(socket), await frame(socket)
        assert gap == {"type": "gap", "seq": hello["seq"]}


@pytest.mark.parametrize(
    "query",
    [
        "?channels=nonsense",
        "?channels=",
        "?channels=user:",
        "?channels=user:no-one",
        "?channels=home,what",
    ],
)
async def test_an_unknown_channel_1003(new: New, query: str) -> None:
    async with new() as susan, susan.socket(query) as socket:
        assert await ended(socket) == 1003


UNKNOWN: list[str | bytes] = [
    "",
    "hello",
    "[]",
    "null",
    "{}",
    '{"type":"publish"}',
    '{"type":"subscribe"}',
    '{"type":"subscribe","channels":"home"}',
    '{"type":"subscribe","channels":[1]}',
    '{"type":"subscribe","channels":["nonsense"]}',
    json.dumps({"type": "subscribe", "channels": ["home"] * 100}),
    "[" * 4000,
    b'{"type":"subscribe","channels":["home"]}',
]


@pytest.mark.parametrize("message", UNKNOWN, ids=range(len(UNKNOWN)))
async def test_an_unknown_message_1003(new: New, message: str | bytes) -> None:
    async with new() as susan, susan.socket() as socket:
        await socket.send(message)
        assert await ended(socket) == 1003


@pytest.mark.parametrize("message", ["x" * 4097, "é" * 2100, b"x" * 4097, "x" * 70_000])
async def test_over_4_kib_1009(new: New, message: str | bytes) -> None:
    async with new() as susan, susan.socket() as socket:
        await socket.send(message)
        assert await ended(socket) == 1009


async def test_too_many_messages_1008(new: New) -> None:
    """T-60: thirty in a minute."""
    async with new() as susan, susan.socket() as socket:
        for _ in range(31):
            await socket.send('{"type":"subscribe","channels":["home"]}')
        assert await ended(socket) == 1008


async def test_subscribing_replaces_the_channels(new: New) -> None:
    async with new() as susan, new() as john, susan.socket("?channels=explore") as socket:
        await john.publish("explored")
        while (await post_frame(socket))["post"]["body"] != "explored":
            pass
        wish = {"type": "subscribe", "channels": [f"user:{john.name}"]}
        await socket.send(json.dumps(wish))
        found: dict[str, Any] = {}
        async with asyncio.timeout(
            SOON
        ):  # there is no answer to a subscription: try until it holds
            while found.get("channels") != wish["channels"]:
                await john.publish("heard on his own channel")
                found = await post_frame(socket)
        await susan.publish("own, and not asked for")
        await john.publish("last")
        while (found := await post_frame(socket))["post"]["body"] != "last":
            assert found["post"]["author"]["username"] == john.name


async def test_the_newest_of_too_many_4429(new: New) -> None:
    async with new() as susan, new() as john, AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(susan.socket()) for _ in range(LIMIT)]
        for socket in sockets:
            assert (await frame(socket))["type"] == "hello"
        async with susan.socket() as newest:
            assert await ended(newest) == 4429
        async with john.socket() as other:
            assert (await frame(other))["type"] == "hello"
        await susan.publish("still here")
        for socket in sockets:
            assert (await post_frame(socket))["post"]["body"] == "still here"
        await sockets.pop().close()
        async with asyncio.timeout(SOON):  # the place is free as soon as the server has seen it
            while True:
                async with susan.socket() as next_one:
                    try:
                        assert json.loads(await next_one.recv())["type"] == "hello"
                        break
                    except ConnectionClosed:
                        continue


async def test_who_speaks_before_the_handshake_is_over_takes_no_place(new: New) -> None:
    """More of them than one person may have sockets: the honest one is still let in."""
    async with new() as susan:
        for _ in range(2 * LIMIT):
            address = urlsplit(susan.server.url)
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            head = HANDSHAKE.format(address.netloc, susan.cookie)
            writer.write(head.encode() + bytes((0x81, 0x82, 0, 0, 0, 0)) + b"{}")
            async with asyncio.timeout(SOON):
                assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
            writer.close()
        sockets = [susan.socket() for _ in range(LIMIT)]
        async with AsyncExitStack() as stack:
            for one in sockets:
                assert (await frame(await stack.enter_async_context(one)))["type"] == "hello"


async def test_who_vanishes_leaves_no_trace(new: New) -> None:
    """Nor a traceback in the log, which is looked at in the end."""
    async with new() as susan, AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(susan.socket()) for _ in range(LIMIT - 1)]
        async with susan.socket() as staying:
            for socket in (*sockets, staying):
                assert (await frame(socket))["type"] == "hello"
            for socket in sockets:
                socket.transport.abort()
            await susan.publish("still here")
            assert (await post_frame(staying))["post"]["body"] == "still here"


async def test_heartbeats_in_silence(new: New) -> None:
    async with new() as susan, susan.socket() as socket:
        seq = (await frame(socket))["seq"]
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(2):
            beat = await frame(socket)
            assert beat == {"type": "heartbeat", "seq": beat["seq"]}
            assert beat["seq"] >= seq
        assert 1.8 * HEARTBEAT < loop.time() - began < 4 * HEARTBEAT


async def test_logging_out_ends_that_login_s_sockets(new: New, server: Server) -> None:
    async with new() as susan, Member.logged_in(server, susan.name) as elsewhere:
        async with susan.socket() as first, susan.socket() as second, elsewhere.socket() as other:
            for socket in (first, second, other):
                await frame(socket)
            assert (await susan.send("/auth/logout")).is_redirect
            assert [await ended(first), await ended(second)] == [4401, 4401]
            await elsewhere.publish("still here")
            assert (await post_frame(other))["post"]["body"] == "still here"
        assert await refused(susan.socket()) == 401


@pytest.mark.parametrize("verb", [("disable",), ("delete", "--yes")])
async def test_an_operator_s_command_ends_everything(
    new: New, server: Server, verb: tuple[str, ...]
) -> None:
    async with new() as susan, susan.socket() as socket:
        await frame(socket)
        await asyncio.to_thread(server.command, "user", verb[0], susan.name, *verb[1:])
        assert await ended(socket) == 4401
        assert await refused(susan.socket()) == 401


async def test_no_page_of_a_browser_can_read_it_without_upgrading(new: New) -> None:
    async with new() as susan:
        assert 400 <= (await susan.client.get("/live")).status_code < 500
