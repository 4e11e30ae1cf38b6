"""What a socket costs that only waits: memory of the server, and the pages of the others.

    python -m benchmarks.idle [--sockets 1000 5000 10000] [--rounds 5] [--database-url URL]

For each number of sockets it opens them all, reads pages beside them, and closes them again; the
largest number is then opened and closed round after round, which must end where it began. Each
server is a process of its own with one worker; the client is another, whose own lag is printed.
It ends with status 1 where a figure is beyond its goal. Without a URL it works on SQLite.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import client, data, stores
from benchmarks.client import Line
from benchmarks.data import Size
from benchmarks.logins import Readers
from benchmarks.report import percentile
from benchmarks.servers import serving
from benchmarks.sockets import Arrivals, Listening, open_all, servers_on
from microblog.serving.process import fast_loop

GOAL_KIB = 30.0
GOAL_RATIO = 1.5
# Everybody follows a hundred; of ten thousand sockets each listener has ten.
SIZE = Size(people=300, posts=400, sockets=1_000, some=10, many=20, logins=1, follows=100)
_READERS = 4
_LOOKING_SECONDS = 0.05
_PAGES_SECONDS = 8.0
# Until what was just opened or closed has settled; sockets leave one by one.
_SETTLE_SECONDS = 1.5
_PATIENCE_SECONDS = 60
_FLAT = 1.1
_LAG_SECONDS = 0.01


@dataclass
class Round:
    """Bytes of the server before, with all sockets open, and after; and how long opening took."""

    sockets: int
    before: int
    during: int
    after: int
    opening: float

    @property
    def each(self) -> float:
        """KiB for each socket."""
        return (self.during - self.before) / self.sockets / 1024


@dataclass
class Beside:
    """Seconds of each page while the sockets are open; the client's own lag; its server's work."""

    pages: list[float]
    lag: list[float]
    busy: float


class Site:
    """One running server, and logins for those who listen."""

    def __init__(self, port: int, cookies: dict[str, str]) -> None:
        self.port = port
        self._reader = cookies[data.READER]
        self._cookies = [cookies[name] for name in data.listeners(SIZE)]
        (self._process,) = servers_on(port)

    @property
    def memory(self) -> int:
        return int(self._process.memory_info().rss)

    async def open(self, number: int) -> list[Listening]:
        """So many sockets, of all listeners in turn."""
        cookies = [self._cookies[turn % len(self._cookies)] for turn in range(number)]
        return await open_all(self.port, cookies, Arrivals(number))

    async def read_pages(self, seconds: float) -> Beside:
        """A few people read, with a moment between two pages."""
        home = client.head("GET", "/", f"Cookie: {self._reader}")
        readers = Readers([home], pause=_LOOKING_SECONDS)
        lines = [await Line.opened(self.port) for _ in range(_READERS)]
        lag: list[float] = []
        try:
            async with asyncio.TaskGroup() as group:
                for first, line in enumerate(lines):
                    group.create_task(readers.read(line, first))
                watch = group.create_task(_watch(lag))
                began, used = time.perf_counter(), sum(self._process.cpu_times()[:2])
                await asyncio.sleep(seconds)
                ended, work = time.perf_counter(), sum(self._process.cpu_times()[:2]) - used
                readers.stop()
                watch.cancel()
        finally:
            for line in lines:
                line.close()
        return Beside(readers.between(began, ended), lag, work / (ended - began))


async def _watch(lag: list[float]) -> None:
    while True:
        due = time.perf_counter() + _LAG_SECONDS
        await asyncio.sleep(_LAG_SECONDS)
        lag.append(max(0.0, time.perf_counter() - due))


async def one_round(site: Site, number: int, pages_seconds: float = 0.0) -> tuple[Round, Beside]:
    """Open, read pages for so long, close."""
    before, began = site.memory, time.perf_counter()
    listening = await site.open(number)
    opening = time.perf_counter() - began
    await asyncio.sleep(_SETTLE_SECONDS)
    during = site.memory
    beside = Beside([], [], 0.0)
    if pages_seconds:
        beside = await site.read_pages(pages_seconds)
        during = max(during, site.memory)
    for each in listening:
        each.transport.abort()
    await asyncio.sleep(_SETTLE_SECONDS)
    return Round(number, before, during, site.memory, opening), beside


async def measure(
    url: str, folder: str, numbers: list[int], rounds: int, seconds: float = _PAGES_SECONDS
) -> bool:
    """Print all figures; whether those with the most sockets are within their goals."""
    names = [data.READER, *data.listeners(SIZE)]
    cookies = await data.cookies(url, folder, names)
    fine = True
    print(f"{'sockets':>8} {'KiB each':>9} {'opened in':>10} {'page p50':>9} {'p99 ms':>8}", end="")
    print(f" {'ratio p99':>10} {'client lag p99':>15} {'server busy':>12}")
    for number in numbers:
        # A new process each: memory that was used once is not given back.
        async with serving("site", data.environment(url, folder)) as port:
            site = Site(port, cookies)
            await site.read_pages(1.0)
            empty = await site.read_pages(seconds)
            found, beside = await one_round(site, number, seconds)
            ratio = percentile(beside.pages, 99) / percentile(empty.pages, 99)
            print(f"{0:8,} {'':9} {'':10} {_figures(empty)}")
            print(f"{number:8,} {found.each:9.1f} {found.opening:8.1f} s {_figures(beside, ratio)}")
            fine = found.each <= GOAL_KIB and ratio <= GOAL_RATIO
    async with serving("site", data.environment(url, folder)) as port:
        site = Site(port, cookies)
        await site.read_pages(1.0)
        tops = []
        for turn in range(rounds):
            found, _ = await one_round(site, numbers[-1])
            tops.append(found.during)
            print(
                f"round {turn + 1}: {_mib(found.before)} before, {_mib(found.during)} with ", end=""
            )
            print(f"{numbers[-1]:,} sockets, {_mib(found.after)} after, {found.opening:.1f} s")
    return fine and (len(tops) < 2 or max(tops[1:]) <= _FLAT * tops[0])


def _figures(beside: Beside, ratio: float = 1.0) -> str:
    middle, last = median(beside.pages) * 1000, percentile(beside.pages, 99) * 1000
    lag = percentile(beside.lag, 99) * 1000
    return f"{middle:9.1f} {last:8.1f} {ratio:10.2f} {lag:12.1f} ms {beside.busy:12.0%}"


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idle", description=__doc__)
    parser.add_argument("--sockets", type=int, nargs="+", default=[1_000, 5_000, 10_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--database-url", default="")
    given = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        url = given.database_url or stack.enter_context(stores.sqlite(Path(scratch), SIZE))
        with asyncio.Runner(loop_factory=fast_loop) as runner:
            good = runner.run(measure(url, scratch, given.sockets, given.rounds))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
