"""Pages while many people want a translation, and the translation service says nothing at all.

A few people read, with a moment between two pages: while nothing else goes on, while a crowd waits
for a service that takes connections and never answers, and when the crowd is gone again; all that
several times, so that what the machine does meanwhile falls on both alike. Apart from that stands
what it costs that the whole crowd comes, and is sent away, in the same moment.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks import client, data, forms
from benchmarks.client import Line
from benchmarks.logins import Readers
from benchmarks.servers import serving

CROWD = 100
READERS = 4
_LOOKING_SECONDS = 0.02
_WARM_SECONDS = 0.5
_PATIENCE_SECONDS = 120
# By then all have been let in and do nothing but wait; the first is told after some five seconds.
_COMING_SECONDS = 1.5


@dataclass
class Translating:
    """Seconds of each page without them, while all wait, and while they come or go; and of each
    translation that did not come.
    """

    before: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)
    crowded: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)


async def translating(
    url: str, folder: str, cookie: str, *, idle_seconds: float, turns: int
) -> Translating:
    """Have the crowd ask for a post each, while others read."""
    found = Translating()
    async with _silence() as address:
        environ = data.environment(url, folder) | {
            "TRANSLATOR": "libretranslate",
            "TRANSLATOR_URL": address,
            "MICROBLOG_TRANSLATOR_BUDGET": "1000000000",
            # All come in the same moment: they are to wait in line, not to be sent away there.
            "MICROBLOG_SERVER_WAITING_SECONDS": "30",
        }
        for _ in range(turns):
            # In a new process: one that has met the silence asks nobody for a while.
            async with serving("site", environ) as port:
                await _turn(port, cookie, idle_seconds, found)
    return found


async def _turn(port: int, cookie: str, idle_seconds: float, found: Translating) -> None:
    pages = [client.head("GET", path, f"Cookie: {cookie}") for path in ("/", "/explore")]
    readers = Readers(pages, pause=_LOOKING_SECONDS)
    lines = [await Line.opened(port) for _ in range(READERS)]
    crowd = [await Line.opened(port) for _ in range(CROWD)]
    _, page = await lines[0].ask(pages[0])
    wishes = [_wish(cookie, forms.token(page), number) for number in range(1, CROWD + 1)]
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            for first, line in enumerate(lines):
                group.create_task(readers.read(line, first))
            await asyncio.sleep(_WARM_SECONDS)
            quiet = time.perf_counter()
            await asyncio.sleep(idle_seconds)
            began = time.perf_counter()
            asking = (_asked(line, wish) for line, wish in zip(crowd, wishes, strict=True))
            found.waited += await asyncio.gather(*asking)
            ended = time.perf_counter()
            await asyncio.sleep(_WARM_SECONDS)
            calm = time.perf_counter()
            await asyncio.sleep(idle_seconds)
            over = time.perf_counter()
            readers.stop()
    finally:
        for line in (*lines, *crowd):
            line.close()
    found.before += readers.between(quiet, began) + readers.between(calm, over)
    waiting, told = began + _COMING_SECONDS, began + min(found.waited)
    found.during += readers.between(waiting, told)
    found.crowded += readers.between(began, waiting) + readers.between(told, ended)


def _wish(cookie: str, token: str, number: int) -> bytes:
    fields = {"csrf_token": token, "post_id": str(number), "dest_language": "fi"}
    return forms.filled("/translate", cookie, fields)


async def _asked(line: Line, wish: bytes) -> float:
    """Seconds until the page said that there is no translation."""
    began = time.perf_counter()
    status, _ = await line.ask(wish)
    if status != 303:
        raise RuntimeError(f"not the answer of a page: {status}")
    return time.perf_counter() - began


@asynccontextmanager
async def _silence() -> AsyncIterator[str]:
    """A service that takes every connection and answers none; its address."""
    holding: set[asyncio.StreamWriter] = set()

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        holding.add(writer)

    server = await asyncio.start_server(hold, client.HOST, 0)
    try:
        yield f"http://{client.HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in holding:
            writer.transport.abort()
