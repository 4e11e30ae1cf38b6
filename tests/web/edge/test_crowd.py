"""More requests than one process can do: who is worked on, who waits, who is told to come again."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from microblog.web.edge import Crowd, Edge, step_aside
from microblog.web.edge.line import Line, seldom
from microblog.web.edge.refused import Refused
from tests.web.edge.bare import bare_scope

PATIENCE = 10.0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0)


class Client:
    """One request to a site whose pages are ready when the test says so."""

    def __init__(self, site: "Site", path: str, method: str = "GET", body: bytes = b"") -> None:
        self.path, self.method = path, method
        self.ready = asyncio.Event()
        self.sent: list[Any] = []
        self.said: asyncio.Queue[Any] = asyncio.Queue()
        self.say("http.request", body=body, more_body=False)
        length = [(b"content-length", str(len(body)).encode())] if body else []
        raw, fields = path.encode(), [(b"host", b"site.example"), *length]
        scope = bare_scope("http", method=method, path=path, raw_path=raw, headers=fields)
        site.clients[path] = self
        self.task = asyncio.create_task(site.edge(scope, self.said.get, self._send))

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    def say(self, kind: str, **more: Any) -> None:
        self.said.put_nowait({"type": kind, **more})

    @property
    def status(self) -> int | None:
        return self.sent[0]["status"] if self.sent else None

    @property
    def fields(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    async def finish(self) -> int | None:
        self.ready.set()
        await asyncio.wait_for(self.task, PATIENCE)
        return self.status


class Site:
    """The edge, and behind it an application that does what it is told."""

    def __init__(self, places: int = 2, most: int = 3, patience: float = 600) -> None:
        self.crowd = Crowd(places, most, patience)
        limits = dict.fromkeys(("/large", "/large1", "/large2"), 2 * 1024 * 1024)
        self.edge = Edge(self._app, max_body=1024, crowd=self.crowd, body_limits=limits)
        self.clients: dict[str, Client] = {}
        self.begun: list[str] = []
        self.bodies: list[bytes] = []

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        client = self.clients[scope["path"]]
        self.begun.append(client.path)
        self.bodies.append((await receive())["body"])
        if "aside" in client.path:
            step_aside(scope)
        if "broken" in client.path:
            raise LookupError
        await client.ready.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if "slow-reader" in client.path:
            await asyncio.Event().wait()
        await send({"type": "http.response.body", "body": b"done"})

    def asks(self, path: str, method: str = "GET", body: bytes = b"") -> Client:
        return Client(self, path, method, body)

    async def full(self, line: str = "", method: str = "GET") -> list[Client]:
        """Every place taken, and nobody waiting."""
        clients = [self.asks(f"/{line}{n}", method) for n in (1, 2)]
        await until(lambda: len(self.begun) >= 2)
        return clients


async def test_beyond_the_line_newcomers_are_told_at_once() -> None:
    """T-57: two worked on, three in line in their order, the next refused though nothing moves."""
    site = Site()
    first, second = await site.full()
    waiting = [site.asks(f"/waits{n}") for n in range(3)]
    await until(lambda: site.crowd.reading.waiting == 3)
    refused = site.asks("/refused")
    await asyncio.wait_for(refused.task, PATIENCE)
    assert refused.status == 503
    assert int(refused.fields[b"retry-after"]) > 0
    assert b"connection" not in refused.fields
    assert b"content-security-policy" in refused.fields
    assert site.begun == ["/1", "/2"]
    assert await first.finish() == 200
    await until(lambda: len(site.begun) == 3)
    assert await second.finish() == 200
    assert [await client.finish() for client in waiting] == [200, 200, 200]
    assert site.begun[2:] == [f"/waits{n}" for n in range(3)]
    # All places are there again.
    await site.full("again")


async def test_what_must_always_be_answered_is() -> None:
    """T-57, T-68: probes and static files never wait; nor do changes and readers for each other."""
    site = Site(most=0)
    readers = await site.full()
    for path in ("/livez", "/readyz", "/static/css/site.css"):
        assert await site.asks(path).finish() == 200
    writer = site.asks("/change", "POST")
    assert await writer.finish() == 200
    assert await site.asks("/refused").finish() == 503
    for reader in readers:
        await reader.finish()
    writers = await site.full("w", "POST")
    assert await site.asks("/refused", "POST").finish() == 503
    assert await site.asks("/reader").finish() == 200
    # Large files that come slowly keep nobody from changing anything.
    files = [site.asks(f"/large{n}", "POST", b"x") for n in (1, 2)]
    await until(lambda: site.begun[-2:] == ["/large1", "/large2"])
    refused = site.asks("/large", "POST", b"x")
    assert await refused.finish() == 503
    assert refused.fields[b"connection"] == b"close"
    for writer in writers:
        await writer.finish()
    assert await asyncio.gather(*(site.asks(f"/c{n}", "PUT").finish() for n in (1, 2))) == [200] * 2
    for file in files:
        assert await file.finish() == 200


async def test_a_place_is_held_no_longer_than_it_takes_work() -> None:
    """T-58, T-68: not over a slow reader, a wait for something outside, a failure, a cut line."""
    site = Site(places=1, most=1)
    reads_slowly = site.asks("/slow-reader")
    reads_slowly.ready.set()
    await until(lambda: bool(reads_slowly.sent))
    aside = site.asks("/aside")
    await until(lambda: "/aside" in site.begun)
    with pytest.raises(LookupError):
        await site.asks("/broken").task
    cut = site.asks("/cut")
    await until(lambda: "/cut" in site.begun)
    cut.task.cancel()
    assert await site.asks("/next").finish() == 200
    # No more stand aside than might stand in line: the next one keeps its place.
    keeps = site.asks("/keeps-aside")
    await until(lambda: "/keeps-aside" in site.begun)
    site.asks("/waits")
    await until(lambda: site.crowd.reading.waiting == 1)
    assert await aside.finish() == 200
    assert await keeps.finish() == 200
    await until(lambda: "/waits" in site.begun)
    reads_slowly.task.cancel()


async def test_who_leaves_the_line_is_forgotten() -> None:
    """T-57: nothing is done for a client that has gone; what others have sent is still there."""
    site = Site(places=1)
    first = site.asks("/1", "POST")
    await until(lambda: site.begun == ["/1"])
    gone, stays, cut = (site.asks(f"/{name}", "POST", b"text") for name in ("gone", "stays", "cut"))
    await until(lambda: site.crowd.changing.waiting == 3)
    gone.say("http.disconnect")
    await asyncio.wait_for(gone.task, PATIENCE)
    assert gone.sent == []
    cut.task.cancel()
    await until(lambda: site.crowd.changing.waiting == 1)
    await first.finish()
    assert await stays.finish() == 200
    assert site.begun == ["/1", "/stays"]
    assert site.bodies == [b"", b"text"]
    assert await site.asks("/next", "POST").finish() == 200


async def test_nobody_waits_for_ever() -> None:
    """T-57: who has had no turn in time is told so, and is not served when nobody waits any more."""
    site = Site(patience=0.05)
    first, second = await site.full()
    waits = site.asks("/waits")
    await asyncio.wait_for(waits.task, PATIENCE)
    assert waits.status == 503
    await first.finish()
    await second.finish()
    assert site.begun == ["/1", "/2"]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def nothing() -> Any:
    await asyncio.Event().wait()


async def test_the_line_is_as_long_as_can_be_served_in_time() -> None:
    """T-57: of a hundred who might wait, only as many as will be served within half the patience."""
    clock = Clock()
    line = Line(2, 100, 10.0, clock=clock)

    async def crowd_after(seconds: float) -> list[asyncio.Task[Any]]:
        """So long takes each request; then all places are taken, and a hundred come at once."""
        for _ in range(100):
            place, _receive = await line.turn(nothing)
            clock.now += seconds
            place.give_back()
        held.extend([(await line.turn(nothing))[0] for _ in range(2)])
        return [asyncio.create_task(line.turn(nothing)) for _ in range(100)]

    held: list[Any] = []
    # Two seconds each, two at once: one turn in a second.
    waiting = await crowd_after(2)
    await until(lambda: sum(task.done() for task in waiting) == 95)
    for task in waiting:
        if task.done():
            assert isinstance(task.exception(), Refused)
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for place in held:
        place.give_back()
    held.clear()
    # Quicker work makes room for more.
    waiting = await crowd_after(0.5)
    await until(lambda: sum(task.done() for task in waiting) == 81)
    # A standstill is no reason to wait.
    clock.now += 6
    with pytest.raises(Refused):
        await line.turn(nothing)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert line.waiting == 0


async def test_a_turn_that_comes_when_its_request_is_cut_goes_to_the_next() -> None:
    line = Line(1, 5, 600)
    place, _receive = await line.turn(nothing)
    cut, following = (asyncio.create_task(line.turn(nothing)) for _ in range(2))
    await until(lambda: line.waiting == 2)
    place.give_back()
    place.give_back()
    cut.cancel()
    turn, _receive = await asyncio.wait_for(following, PATIENCE)
    with pytest.raises(asyncio.CancelledError):
        await cut
    turn.give_back()
    await asyncio.wait_for(line.turn(nothing), PATIENCE)


async def test_a_crowd_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    seldom._said.clear()
    site = Site(most=0)
    await site.full()
    for number in range(5):
        assert await site.asks(f"/refused{number}").finish() == 503
    told = [record for record in caplog.records if "come again" in record.getMessage()]
    assert len(told) == 1


class Handshake:
    """Somebody who wants to open a websocket; the application answers when the test says so."""

    def __init__(self, edge: Edge, waiting: dict[str, "Handshake"], name: str) -> None:
        self.said: asyncio.Queue[Any] = asyncio.Queue()
        self.sent: list[Any] = []
        self.has_begun = False
        self.ready, self.over = asyncio.Event(), asyncio.Event()
        waiting[name] = self
        self.said.put_nowait({"type": "websocket.connect"})
        self.scope = bare_scope(
            "websocket", path=name, raw_path=name.encode(), extensions=ANSWERS_TO_HANDSHAKES
        )
        self.task = asyncio.create_task(edge(self.scope, self.said.get, self._send))

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    async def serve(self, receive: Any, send: Any) -> None:
        self.has_begun = True
        assert (await receive())["type"] == "websocket.connect"
        await self.ready.wait()
        await send({"type": "websocket.accept", "headers": []})
        await self.over.wait()


ANSWERS_TO_HANDSHAKES: dict[str, Any] = {"websocket.http.response": {}}


async def test_handshakes_stand_in_a_line_of_their_own() -> None:
    """Refused at once beyond it; who leaves leaves the line; an open socket has no place."""
    known: dict[str, Handshake] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await known[scope["path"]].serve(receive, send)

    crowd = Crowd(places=1, most=1, patience=600)
    edge = Edge(app, max_body=1024, crowd=crowd)
    first = Handshake(edge, known, "/first")
    await until(lambda: first.has_begun)
    line = [Handshake(edge, known, f"/{number}") for number in range(4)]
    await until(lambda: crowd.shaking.waiting == 4)
    refused = Handshake(edge, known, "/refused")
    await asyncio.wait_for(refused.task, PATIENCE)
    start = refused.sent[0]
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 503)
    assert int(dict(start["headers"])[b"retry-after"]) > 0
    assert crowd.refused["shaking"] == 1
    line[0].said.put_nowait({"type": "websocket.disconnect"})
    await asyncio.wait_for(line[0].task, PATIENCE)
    assert (line[0].has_begun, line[0].sent) == (False, [])
    # The first one is let in, and stays; then it is the next one's turn.
    first.ready.set()
    await until(lambda: line[1].has_begun)
    assert not first.task.done()
    assert not line[2].has_begun
    for one in (first, *line[1:]):
        one.ready.set()
        one.over.set()
        await asyncio.wait_for(one.task, PATIENCE)
    assert [one.sent[0]["type"] for one in line[1:]] == ["websocket.accept"] * 3
