"""How long until a service that was just started answers its first page, on little and much data.

    python -m benchmarks.coldstart [--rounds 5] [--posts 10000 1000000] [--only sqlite|postgresql]

The page is the home page of somebody with a login, so that everything behind it has been loaded.
Each start is the real command in a process of its own; small and large take turns. The seconds of
the processor stand beside those of the clock: on a busy machine only the former can be trusted.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import psutil

from benchmarks import client, data, stores
from benchmarks.data import Size
from microblog.serving.process import fast_loop

GOAL_SECONDS = 1.5
# The machine's own unrest: two starts of the very same data differ by as much.
NO_SLOWER = 1.15
_ROOT = Path(__file__).parents[1]
_PATIENCE_SECONDS = 60
# The operator's own settings; and that no compiled modules are kept, as no service would be told.
_NOT_OURS = ("MICROBLOG_", "DATABASE_", "PYTHONDONTWRITEBYTECODE")
_SMALL = Size(people=30, posts=400, sockets=8, some=10, many=20, logins=1)


@dataclass(frozen=True)
class Site:
    """What is started: the settings of the service, and whose home page is asked for."""

    environment: Mapping[str, str]
    cookie: str

    @classmethod
    async def on(cls, url: str, folder: str, reader: str = data.READER) -> "Site":
        cookies = await data.cookies(url, folder, [reader])
        return cls(data.environment(url, folder), cookies[reader])


@dataclass
class Starts:
    """Seconds until the first page was there, of the clock and of the processor."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The middle one, by the clock."""
        return median(self.wall)

    @property
    def busy(self) -> float:
        """The middle one, by the processor."""
        return median(self.processor)

    def against(self, other: "Starts") -> float:
        """How many times as long as the other, by the processor."""
        return self.busy / other.busy


async def measure(sites: Mapping[str, Site], *, rounds: int = 5) -> dict[str, Starts]:
    """Start each of these in turn, round after round; the first round is for the file cache."""
    found = {name: Starts() for name in sites}
    for turn in range(rounds + 1):
        for name, site in sites.items():
            wall, processor = await start(site)
            if turn:
                found[name].wall.append(wall)
                found[name].processor.append(processor)
    return found


async def start(site: Site) -> tuple[float, float]:
    """One start and its end: seconds of the clock, and of the processor."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_OURS)}
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "microblog", "serve", "--port", "0"),
        cwd=_ROOT,
        env={**environment, **site.environment},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(_PATIENCE_SECONDS):
            line = await process.stdout.readline()
            if not line:
                raise RuntimeError("the service did not start")
            port = urlsplit(line.split()[-1].decode()).port or 0
            request = client.head("GET", "/", f"Cookie: {site.cookie}")
            status, page = await client.fetch(port, request)
        wall = time.perf_counter() - began
        used = psutil.Process(process.pid).cpu_times()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
    if status != 200 or b"data-post-id=" not in page:
        raise RuntimeError(
            f"the first page was {status}, with {page.count(b'data-post-id=')} posts"
        )
    return wall, used.user + used.system


def lines(found: Mapping[str, Starts]) -> list[str]:
    """A line for each amount of data."""
    told = [f"{'start to first page':36} {'clock s':>8} {'slowest':>8} {'processor s':>12}   goal"]
    for name, starts in found.items():
        figures = f"{starts.seconds:8.2f} {max(starts.wall):8.2f} {starts.busy:12.2f}"
        told.append(f"{name:36} {figures}   <={GOAL_SECONDS}")
    return told


async def _print(stores_by_name: Mapping[str, tuple[str, str]], rounds: int) -> bool:
    sites = {name: await Site.on(*where) for name, where in stores_by_name.items()}
    found = await measure(sites, rounds=rounds)
    print(*lines(found), sep="\n")
    return all(starts.seconds <= GOAL_SECONDS for starts in found.values())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coldstart", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--posts", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one database")
    given = parser.parse_args()
    folder = Path(os.environ.get("BENCH_DATA", "build/bench")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    where: dict[str, tuple[str, str]] = {}
    with ExitStack() as stack:
        for posts in given.posts:
            size = _SMALL if posts <= _SMALL.posts else Size(posts=posts)
            if given.only != "postgresql":
                url = stack.enter_context(stores.sqlite(folder, size))
                where[f"SQLite: {posts:,} posts"] = url, str(folder)
            if given.only != "sqlite":
                url = stack.enter_context(stores.postgresql(folder, size, keep=True))
                where[f"PostgreSQL: {posts:,} posts"] = url, str(folder)
        with asyncio.Runner(loop_factory=fast_loop) as runner:
            good = runner.run(_print(where, given.rounds))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
