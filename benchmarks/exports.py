"""Pages and memory while one person exports all that they ever said.

A few people read, with a moment between two pages, first for some seconds while nothing else goes
on, then until the letter about the archive is out. The export runs in the process that serves them.
"""

import asyncio
import json
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
from sqlalchemy import insert, select

from benchmarks import client, data, forms
from benchmarks.client import Line
from benchmarks.logins import Readers
from microblog.database import Database
from microblog.models import Post, User
from microblog.settings import NO_FILE, load

READERS = 8
_LOOKING_SECONDS = 0.1
_PATIENCE_SECONDS = 120
_SAMPLE_SECONDS = 0.02
_LONG_AGO = datetime(2015, 1, 1, tzinfo=UTC)
_WORDS = "what was said on that day, and to whom, and why it mattered then more than it does now "


@dataclass
class Exporting:
    """Seconds of each page before and during; of the whole export; and bytes of growth."""

    posts: int
    before: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)
    seconds: float = 0.0
    grown: int = 0


async def exporting(
    port: int, url: str, folder: str, reader: str, author: str, *, posts: int, idle_seconds: float
) -> Exporting:
    """Give the author so many posts, and have them exported while the others read."""
    await _write(url, folder, posts)
    found = Exporting(posts)
    pages = [client.head("GET", path, f"Cookie: {reader}") for path in ("/", "/explore")]
    readers = Readers(pages, pause=_LOOKING_SECONDS)
    lines = [await Line.opened(port) for _ in range(READERS)]
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            for first, line in enumerate(lines):
                group.create_task(readers.read(line, first))
            # What is loaded with the first export is no growth: the reader has little to say.
            await _export(port, reader)
            quiet = time.perf_counter()
            await asyncio.sleep(idle_seconds)
            began = time.perf_counter()
            found.grown = await _watched(port, _export(port, author))
            ended = time.perf_counter()
            readers.stop()
    finally:
        for line in lines:
            line.close()
    found.seconds = ended - began
    found.before += readers.between(quiet, began)
    found.during += readers.between(began, ended)
    return found


async def _write(url: str, folder: str, posts: int) -> None:
    """Long ago, so that nobody's page shows them."""
    settings = load(NO_FILE, data.environment(url, folder))
    database = Database(settings.database_url, settings.database)
    try:
        async with database.begin() as session:
            user_id = await session.scalar(select(User.id).where(User.username == data.AUTHOR))
            for first in range(0, posts, 5000):
                rows = [
                    {
                        "user_id": user_id,
                        "body": f"{number}: {_WORDS[number % 40 :]}",
                        "timestamp": _LONG_AGO + timedelta(minutes=number),
                    }
                    for number in range(first, min(first + 5000, posts))
                ]
                await session.execute(insert(Post), rows)
    finally:
        await database.close()


async def _export(port: int, cookie: str) -> None:
    """Press the button; return when the letter is out."""
    line = await Line.opened(port)
    try:
        _, page = await line.ask(client.head("GET", "/account", f"Cookie: {cookie}"))
        fields = {"csrf_token": forms.token(page), "submit": "1"}
        status, _ = await line.ask(forms.filled("/export_posts", cookie, fields))
        if status != 302:
            raise RuntimeError(f"the export was refused: {status}")
        asking = client.head("GET", "/notifications", f"Cookie: {cookie}")
        while (state := await _state(line, asking)) != "done":
            if state == "failed":
                raise RuntimeError("the export failed")
            await asyncio.sleep(_LOOKING_SECONDS)
    finally:
        line.close()


async def _state(line: Line, asking: bytes) -> str:
    _, words = await line.ask(asking)
    found = [word["data"] for word in json.loads(words) if word["name"] == "task_progress"]
    return str(found[-1]["state"]) if found else ""


async def _watched(port: int, work: Coroutine[Any, Any, None]) -> int:
    """Do it, and return by how many bytes the server's process has grown at most meanwhile."""
    server = _server(port)
    sizes = [server.memory_info().rss]
    working = asyncio.ensure_future(work)
    while not working.done():
        await asyncio.wait({working}, timeout=_SAMPLE_SECONDS)
        sizes.append(server.memory_info().rss)
    await working
    return max(sizes) - sizes[0]


def _server(port: int) -> psutil.Process:
    for child in psutil.Process().children(recursive=True):
        if any(c.laddr.port == port for c in child.net_connections() if c.status == "LISTEN"):
            return child
    raise RuntimeError(f"nobody listens on port {port}")
