"""Compression bombs, messages without an end and floods of pings: what the others notice."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from benchmarks import data, town
from benchmarks.lag import Lag, spread
from benchmarks.report import percentile
from benchmarks.scenarios import Verdict
from benchmarks.sockets import Journeys, journeys
from benchmarks.town import Town

GOAL_GROWTH_MB, GOAL_SECONDS = 50, 1.0
_READERS = 200
_PAUSE_SECONDS = 0.1
_LOOK_SECONDS = 0.02


def scenario(quick: bool) -> Verdict:
    each, mib, seconds = (5, 8, 2.0) if quick else (50, 200, 30.0)
    with town.on_sqlite() as site:
        return town.run(_measure(site, each, mib, seconds), seconds=180 + 4 * seconds)


async def _measure(site: Town, each: int, mib: int, seconds: float) -> Verdict:
    async with site.served() as server, Lag() as lag:
        process, port = psutil.Process(server.process.pid), town.port(server)
        plain = await _deliver(site, port, seconds / 2)
        before = process.memory_info().rss
        sizes = [before]
        watching = asyncio.create_task(_watch(process, sizes))
        async with _attackers(port, seconds, each, mib, site.cookies[data.KEEN]) as attackers:
            beside = await _deliver(site, port, seconds / 2)
        watching.cancel()
        counts = ", ".join(attackers)
        after = process.memory_info().rss
    grown, stayed = ((size - before) / 1e6 for size in (max(sizes), after))
    print(
        f"  {each} bombs of {mib} MiB, {each} endless messages, {max(1, each // 5)} floods, ",
        end="",
    )
    print(f"again and again for {seconds:g} s")
    print(f"  they: {counts}")
    print(
        f"  memory {before / 1e6:.1f} MB, + {grown:.1f} MB at most (goal {GOAL_GROWTH_MB} MB), ",
        end="",
    )
    print(f"+ {stayed:.1f} MB afterwards")
    print(f"  to each of {_READERS} readers before: {spread(plain.each)}")
    print(
        f"  to each of {_READERS} readers during: {spread(beside.each)} (goal {GOAL_SECONDS:g} s)"
    )
    print(f"  {lag}")
    attacked = any("thrown out" in count for count in attackers)
    sound = attacked and grown <= GOAL_GROWTH_MB
    return Verdict(sound, percentile(beside.each, 99) <= GOAL_SECONDS)


async def _deliver(site: Town, port: int, seconds: float) -> Journeys:
    """Posts on their way, for some such time."""
    listeners, author = site.listeners[:_READERS], site.cookies[data.AUTHOR]
    posts = max(3, int(seconds / _PAUSE_SECONDS))
    return await journeys(port, author, listeners, posts=posts, pause=_PAUSE_SECONDS)


async def _watch(process: psutil.Process, sizes: list[int]) -> None:
    while True:
        sizes.append(process.memory_info().rss)
        await asyncio.sleep(_LOOK_SECONDS)


@asynccontextmanager
async def _attackers(
    port: int, seconds: float, each: int, mib: int, cookie: str
) -> AsyncIterator[list[str]]:
    """At work from the beginning on; what they have done is known at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.live.attackers", str(port), str(seconds)),
        *(str(each), str(mib), cookie),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
    )
    counts: list[str] = []
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        yield counts
        said, _ = await process.communicate()
        counts += said.decode().splitlines()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
