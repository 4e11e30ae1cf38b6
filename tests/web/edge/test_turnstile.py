"""A crowd whose requests never wait: the loop still gets its turns between them."""

import asyncio

from microblog.web.edge import Crowd, Edge
from microblog.web.edge.turnstile import Turnstile
from tests.web.edge.bare import bare_scope

PATIENCE = 10.0
CROWD = 100
# Between two turns of the loop; what one line lets through in each.
MOST = 4


class Turns:
    """Counts what happens in each turn of the loop."""

    def __init__(self) -> None:
        self.counts = [0]
        self._ticking = asyncio.create_task(self._tick())

    def note(self) -> None:
        self.counts[-1] += 1

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.counts.append(0)

    async def end(self) -> None:
        self._ticking.cancel()
        await asyncio.gather(self._ticking, return_exceptions=True)


async def test_pages_that_never_wait_come_a_few_in_a_turn() -> None:
    turns, statuses = Turns(), []

    async def page(scope, receive, send) -> None:
        turns.note()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def send(message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    edge = Edge(page, max_body=1000, crowd=Crowd(16, CROWD, PATIENCE))
    scope = bare_scope("http", method="GET", headers=[(b"host", b"site.example")])
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(edge(dict(scope), receive, send) for _ in range(CROWD)))
    await turns.end()
    assert statuses == [200] * CROWD
    assert max(turns.counts) == MOST
    assert edge.crowd.reading.waiting == 0


async def test_first_come_first_served_and_who_is_cut_is_passed_over() -> None:
    turnstile, passed = Turnstile(2), []

    async def go(number: int) -> None:
        await turnstile.pass_through()
        passed.append(number)

    tasks = [asyncio.create_task(go(number)) for number in range(7)]
    while len(turnstile) < 5:
        await asyncio.sleep(0)
    tasks[3].cancel()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*tasks, return_exceptions=True)
    assert passed == [0, 1, 2, 4, 5, 6]
    assert tasks[3].cancelled()
    assert len(turnstile) == 0


async def test_a_later_crowd_finds_it_free_again() -> None:
    turnstile = Turnstile(2)
    for _ in range(3):
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(turnstile.pass_through() for _ in range(5)))
        while len(turnstile):
            await asyncio.sleep(0)
