"""A small town on either database, and the real command that serves it, in as many processes."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import psutil

from benchmarks import data, stores
from benchmarks.data import Size
from microblog.serving.process import fast_loop
from tests import mortal
from tests.processes.serving import Server

SIZE = Size(people=30, posts=400, sockets=200, some=10, many=20, logins=1)
# Who posts; the listeners read.
POSTERS = (data.AUTHOR, data.READER, data.QUIET, data.KEEN)
# What a process is called that serves, as opposed to one that waits for its turn.
_SERVING = "microblog-serve"
_PATIENCE_SECONDS = 60

Result = TypeVar("Result")


@dataclass(frozen=True)
class Town:
    """``cookies`` are the logins of everybody, by name."""

    url: str
    folder: Path
    cookies: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        # A line for each request would be measured too.
        return data.environment(self.url, str(self.folder)) | {"MICROBLOG_LOGS_ACCESS": "false"}

    @property
    def listeners(self) -> list[str]:
        """The logins of those who read."""
        return [self.cookies[name] for name in data.listeners(SIZE)]

    @asynccontextmanager
    async def served(self, workers: int = 1) -> AsyncIterator[Server]:
        server = await asyncio.to_thread(Server, self.environment, self.folder, workers)
        try:
            yield server
            await asyncio.to_thread(server.stop)
        finally:
            await asyncio.to_thread(server.kill)


@contextmanager
def on_sqlite() -> Iterator[Town]:
    with apart(SIZE) as (url, folder):
        yield _town(url, folder)


@contextmanager
def apart(size: Size) -> Iterator[tuple[str, str]]:
    """The URL of a SQLite database of this size, and a folder for a server on it."""
    kept = Path(os.environ.get("BENCH_DATA", "build/bench")).resolve()
    kept.mkdir(parents=True, exist_ok=True)
    with stores.sqlite(kept, size) as url, tempfile.TemporaryDirectory(prefix="mb") as folder:
        yield url, folder


@contextmanager
def on_postgresql() -> Iterator[tuple[Town, mortal.Postgres]]:
    """It also gives the server, which may be killed."""
    with mortal.postgresql() as server, tempfile.TemporaryDirectory(prefix="mb") as folder:
        url = server.url.render_as_string(hide_password=False)
        data.fill(url, folder, SIZE)
        yield _town(url, folder), server


def _town(url: str, folder: str) -> Town:
    names = [*POSTERS, *data.listeners(SIZE)]
    return Town(url, Path(folder), asyncio.run(data.cookies(url, folder, names)))


def run(work: Coroutine[None, None, Result], *, seconds: float) -> Result:
    """On the fastest loop there is; what takes longer than this has failed."""
    with asyncio.Runner(loop_factory=fast_loop) as runner:
        return runner.run(asyncio.wait_for(work, seconds))


def port(server: Server) -> int:
    return int(urlsplit(server.url).port or 0)


def workers(server: Server) -> set[int]:
    """The processes that serve, by their numbers."""
    found = set()
    for process in psutil.Process(server.process.pid).children():
        try:
            if process.name() == _SERVING:
                found.add(process.pid)
        except psutil.NoSuchProcess:
            continue
    return found


async def all_workers(server: Server, number: int) -> set[int]:
    """The same, once there are so many of them: the first serves before the last has begun."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while len(pids := workers(server)) < number:
            await asyncio.sleep(0.02)
    return pids
