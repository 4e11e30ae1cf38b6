"""One of two processes is killed under load, again and again: who notices, and for how long."""

import asyncio
import os
import random
import signal
import time
from contextlib import suppress

import psutil

from benchmarks import client, town
from benchmarks.lag import Lag, spread
from benchmarks.scenarios import Verdict
from benchmarks.town import POSTERS, Town
from benchmarks.visitors import Answer, Load, Visitor, steady
from tests.processes.serving import Server
from tests.processes.writing import written

GOAL_SECONDS = 2.0
_READERS = 8
_PAUSE_SECONDS = 0.02
# One that dies sooner after its start is taken for a broken one, which is started with a pause.
_CALM_SECONDS = 1.2, 1.8
_PATIENCE_SECONDS = 30


def scenario(kills: int) -> Verdict:
    with town.on_sqlite() as site:
        return town.run(_measure(site, kills), seconds=60 + kills * 20)


async def _measure(site: Town, kills: int) -> Verdict:
    excused: list[Answer] = []
    noticed: list[Answer] = []
    took: list[float] = []
    chance = random.Random(1)
    async with (
        site.served(workers=2) as server,
        steady(
            town.port(server), site.cookies, POSTERS, readers=_READERS, pause=_PAUSE_SECONDS
        ) as load,
        Lag() as lag,
    ):
        await load.reach(len(POSTERS))
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(*_CALM_SECONDS))
            before = len(load.answers)
            lines, seconds = await _kill_one(server, load)
            took.append(seconds)
            for answer in load.answers[before:]:
                if answer.failed:
                    (excused if answer.port in lines else noticed).append(answer)
        before_the_end = len(load.answers)
        await asyncio.sleep(_CALM_SECONDS[0])
        noticed += [answer for answer in load.answers[before_the_end:] if answer.failed]
    found = await written(site.environment)
    lost = sum(not found[text] for text in load.acknowledged)
    doubled = sum(found[text] > 1 for text in load.sent)
    print(f"  {kills} kills of one of 2 processes, {len(load.answers):,} requests meanwhile")
    print(f"  failed: {len(excused)} on the killed process's connections, {len(noticed)} others")
    print(f"  until another one answered: {spread(took)} (goal {GOAL_SECONDS:.0f} s)")
    print(f"  acknowledged {len(load.acknowledged):,}, lost {lost}, doubled {doubled}")
    print(f"  {lag}")
    sound = not (noticed or lost or doubled) and len(load.acknowledged) > 0
    return Verdict(sound, max(took) <= GOAL_SECONDS)


async def _kill_one(server: Server, load: Load) -> tuple[set[int], float]:
    """The clients' ports of its connections, and the seconds until its successor answers."""
    before = town.workers(server)
    victim = psutil.Process(random.choice(sorted(before)))
    # It stands still while it is looked at, so that it takes nobody in afterwards.
    victim.suspend()
    lines = _clients(victim)
    os.kill(victim.pid, signal.SIGKILL)
    began = time.perf_counter()
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not await _answers(server, load, before):
            await asyncio.sleep(0.01)
    return lines, time.perf_counter() - began


async def _answers(server: Server, load: Load, before: set[int]) -> bool:
    """Ask once, on a new connection: is it one of the new processes that answers?"""
    visitor = Visitor(town.port(server), load.answers)
    answer = await visitor.ask(client.head("GET", "/livez"))
    new = town.workers(server) - before
    found = any(answer.port in _clients(psutil.Process(pid)) for pid in new)
    visitor.close()
    return found


def _clients(process: psutil.Process) -> set[int]:
    with suppress(psutil.NoSuchProcess):
        return {line.raddr.port for line in process.net_connections("tcp") if line.raddr}
    return set()
