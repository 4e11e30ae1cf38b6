"""Rolling restarts under load: nobody is refused, and every reader has every post once."""

import asyncio
import signal
import time

from benchmarks import town
from benchmarks.feeds import reading
from benchmarks.lag import Lag, spread
from benchmarks.scenarios import Verdict
from benchmarks.town import POSTERS, Town
from benchmarks.visitors import steady
from tests.processes.serving import Server

_RESTART_SECONDS = 60
_WORKERS = 2
# Some six posts a second, each to all sockets, and the pages beside them.
_PAUSE_SECONDS = 0.3


def scenario(restarts: int) -> Verdict:
    sockets = 1_000 if restarts > 1 else 20
    with town.on_sqlite() as site:
        return town.run(_measure(site, restarts, sockets), seconds=120 + restarts * 60)


async def _measure(site: Town, restarts: int, sockets: int) -> Verdict:
    took = []
    async with (
        site.served(_WORKERS) as server,
        steady(
            town.port(server), site.cookies, POSTERS[:2], readers=4, pause=_PAUSE_SECONDS
        ) as load,
        reading(town.port(server), site.listeners, sockets, load.sent) as feed,
        Lag() as lag,
    ):
        feed.delays.clear()
        begun = len(load.sent)
        for _ in range(restarts):
            took.append(await _restart(server))
        said = len(load.acknowledged)
        await load.reach(said + 2)
        load.stop()
        await asyncio.sleep(2 * _PAUSE_SECONDS)
        texts = load.news(begun)
        await feed.all_seen(texts, seconds=30)
        lost, doubled, gaps = feed.faults(texts)
    failed = sum(answer.failed for answer in load.answers)
    print(f"  {restarts} restarts of {_WORKERS} processes, {sockets:,} sockets")
    print(f"  a restart: {spread(took)}")
    print(f"  failed: {failed} of {len(load.answers):,} requests")
    print(f"  posts {len(texts):,}: lost {lost}, doubled {doubled}, gaps {gaps}, over all readers")
    print(f"  sockets closed by {dict(feed.ends)}; tries that failed {dict(feed.refusals)}")
    print(f"  from the sending of a post to each reader: {spread(feed.delays)}")
    print(f"  {lag}")
    return Verdict(bool(texts) and not (failed or lost or doubled or gaps or feed.refusals))


async def _restart(server: Server) -> float:
    """Seconds until only new processes serve."""
    before, began = town.workers(server), time.perf_counter()
    server.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(_RESTART_SECONDS):
        while len(now := town.workers(server)) != _WORKERS or now & before:
            await asyncio.sleep(0.05)
    return time.perf_counter() - began
