"""Pages while many people log in at once: what hashing passwords costs those who only read.

The same few readers ask for one page after the other, first while nobody logs in, then while all
do. Both stretches come in turns, so that what the machine does meanwhile falls on both alike.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks import client, data, forms
from benchmarks.client import Line

BURSTS = 3
READERS = 4
_PATH = "/auth/login"
_WARM_SECONDS = 0.2
_PATIENCE_SECONDS = 60
_COOKIE = re.compile(rb"\r\nset-cookie: *([^;\r]+)", re.IGNORECASE)
_WELCOME = re.compile(rb"\r\nset-cookie: *microblog_login=[^;\r]", re.IGNORECASE)


@dataclass
class Crowd:
    """Seconds of each page when idle and during the logins; of each login, and of each burst."""

    idle: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)
    logins: list[float] = field(default_factory=list)
    bursts: list[float] = field(default_factory=list)


class Readers:
    """Connections that ask for one page after the other, and when each was asked and answered."""

    def __init__(self, pages: Sequence[bytes], *, pause: float = 0.0) -> None:
        """Take what to ask for, and how many seconds to look at an answer."""
        self._pages = pages
        self._pause = pause
        self._answers: list[tuple[float, float]] = []
        self._reading = True

    async def read(self, line: Line, first: int) -> None:
        turn = first
        while self._reading:
            asked = time.perf_counter()
            status, _ = await line.ask(self._pages[turn % len(self._pages)])
            self._answers.append((asked, time.perf_counter()))
            if status != 200:
                raise RuntimeError(f"a page was refused: {status}")
            turn += 1
            if self._pause:
                await asyncio.sleep(self._pause)

    def stop(self) -> None:
        """Ask no more; what is under way is still waited for."""
        self._reading = False

    def between(self, began: float, ended: float) -> list[float]:
        """Seconds of every answer that was waited for in this time, even if only for a part."""
        return [
            answered - asked
            for asked, answered in self._answers
            if answered > began and asked < ended
        ]


@dataclass(frozen=True)
class _Visitor:
    """Somebody who has the page with the form before them, and a connection to send it on."""

    line: Line
    request: bytes

    @classmethod
    async def arrived(cls, port: int, name: str) -> "_Visitor":
        line = await Line.opened(port)
        start, page = await line.answer(client.head("GET", _PATH))
        cookie = b"; ".join(_COOKIE.findall(start)).decode()
        fields = {"username": name, "password": data.PASSWORD, "submit": "1"}
        given = {"csrf_token": forms.token(page), **fields}
        return cls(line, forms.filled(_PATH, cookie, given))

    async def log_in(self) -> float:
        """Seconds until the site let them in."""
        began = time.perf_counter()
        start, _ = await self.line.answer(self.request)
        if not _WELCOME.search(start):
            raise RuntimeError(f"not logged in: {start.splitlines()[0]!r}")
        return time.perf_counter() - began


async def crowd(port: int, cookie: str, names: Sequence[str], *, idle_seconds: float) -> Crowd:
    """Let all these people log in at once, again and again, while others read."""
    home = client.head("GET", "/", f"Cookie: {cookie}")
    found = Crowd()
    for _ in range(BURSTS):
        await _burst(port, (home, client.head("GET", _PATH)), names, idle_seconds, found)
    return found


async def _burst(
    port: int, pages: Sequence[bytes], names: Sequence[str], idle_seconds: float, found: Crowd
) -> None:
    # New connections each time: a server ends one after so many requests.
    lines = [await Line.opened(port) for _ in range(READERS)]
    visitors = [await _Visitor.arrived(port, name) for name in names]
    readers = Readers(pages)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            for first, line in enumerate(lines):
                group.create_task(readers.read(line, first))
            await asyncio.sleep(_WARM_SECONDS)
            quiet = time.perf_counter()
            await asyncio.sleep(idle_seconds)
            began = time.perf_counter()
            found.logins += await asyncio.gather(*(visitor.log_in() for visitor in visitors))
            ended = time.perf_counter()
            readers.stop()
    finally:
        for line in (*lines, *(visitor.line for visitor in visitors)):
            line.close()
    found.bursts.append(ended - began)
    found.during += readers.between(began, ended)
    found.idle += readers.between(quiet, began)
