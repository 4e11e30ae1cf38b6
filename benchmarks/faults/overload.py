"""Three times as many requests as one process can answer: who is served, who is told to go."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import cycle

import psutil

from benchmarks import client, town
from benchmarks.lag import spread
from benchmarks.openly import Crowd, send
from benchmarks.report import percentile
from benchmarks.scenarios import Verdict
from benchmarks.town import Town
from benchmarks.visitors import Answer, Visitor

GOAL_ADMITTED, GOAL_REFUSED, GOAL_RECOVERY = 1.0, 0.1, 5.0
# As many as are worked on at once: more would only wait.
_AT_ONCE = 16
_VISITORS, _PAUSE_SECONDS = 4, 0.02
# It is as it was when so many answers in a row take no longer than this many times the usual.
_IN_A_ROW, _USUAL = 20, 2.0
_PATIENCE_SECONDS = 60


def scenario(quick: bool) -> Verdict:
    looking = 1.0 if quick else 5.0
    steps = {3.0: 2.0} if quick else {1.5: 5.0, 3.0: 60.0}
    with town.on_sqlite() as site:
        return town.run(_measure(site, looking, steps), seconds=300 + sum(steps.values()))


async def _measure(site: Town, looking: float, steps: Mapping[float, float]) -> Verdict:
    """For each step, how many times too much, so many seconds; the last one decides."""
    verdict = Verdict(False)
    async with site.served() as server:
        people = _People(town.port(server), site.listeners)
        await people.become_known()
        cost = _Cost(server.process.pid)
        answers = len(await people.ask_for(looking, _AT_ONCE))
        knee, page = answers / looking, cost.since_last() / answers
        few = await people.ask_for(looking, _VISITORS, _PAUSE_SECONDS)
        usual = [answer.seconds for answer in few]
        print(f"  the knee: {knee:,.0f} answers a second; usual answers {spread(usual)}")
        for times, seconds in steps.items():
            cost.since_last()
            crowd = await send(town.port(server), people.requests, times * knee, seconds)
            spent = cost.since_last()
            recovery = await _recovery(people, _USUAL * percentile(usual, 99), crowd.ended)
            print(f"  {times:g} x that for {seconds:g} s: {crowd.number:,} answers")
            served = len(crowd.of(200)) / crowd.seconds
            print(f"    served at {served / knee:.0%} of the knee's rate")
            refusal = (spent - page * len(crowd.of(200))) / max(1, len(crowd.of(503)))
            print(f"    the server's processor: {page * 1e6:.0f} us a page", end="")
            print(f", what is left is {refusal * 1e6:.0f} us a refusal")
            verdict = _judge(crowd, recovery)
            print(f"    {crowd.lag}", flush=True)
    return verdict


class _Cost:
    """What a process has spent, in seconds of a processor."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._spent = 0.0
        self.since_last()

    def since_last(self) -> float:
        """Since this was asked before."""
        times = self._process.cpu_times()
        before, self._spent = self._spent, times.user + times.system
        return self._spent - before


def _judge(crowd: Crowd, recovery: float) -> Verdict:
    admitted, refused = crowd.of(200), crowd.of(503)
    others = {status: len(a) for status, a in crowd.answers.items() if status not in (200, 503)}
    broken = dict(+crowd.failed)
    print(f"    admitted {_share(admitted, crowd)}: {spread(admitted)} (goal {GOAL_ADMITTED:g} s)")
    print(f"    refused {_share(refused, crowd)}: {spread(refused)} (goal {GOAL_REFUSED:g} s)")
    print(f"    other answers {others}, broken connections {broken}, not sent {crowd.unsent}")
    print(f"    as usual again after {recovery:.2f} s (goal {GOAL_RECOVERY:g} s)")
    in_time = bool(admitted and refused) and percentile(admitted, 99) <= GOAL_ADMITTED
    in_time = in_time and percentile(refused, 99) <= GOAL_REFUSED and recovery <= GOAL_RECOVERY
    return Verdict(not others and not broken and bool(admitted), in_time)


def _share(answers: list[float], crowd: Crowd) -> str:
    return f"{len(answers):,} ({len(answers) / max(1, crowd.number):.0%})"


class _People:
    """Many who look at the newest posts: each has a page of their own."""

    def __init__(self, port: int, cookies: Sequence[str]) -> None:
        self.requests = [client.head("GET", "/explore", f"Cookie: {each}") for each in cookies]
        self._port = port

    async def become_known(self) -> None:
        """The first page of each costs more than the next ones: those are past when this ends."""
        async with self.asking(_AT_ONCE, 0) as answers:
            while len(answers) < 2 * len(self.requests):
                await asyncio.sleep(0.01)

    async def ask_for(self, seconds: float, number: int, pause: float = 0) -> list[Answer]:
        """What so many get who ask again after each answer."""
        async with self.asking(number, pause) as answers:
            await asyncio.sleep(seconds)
        return answers

    @asynccontextmanager
    async def asking(self, number: int, pause: float) -> AsyncIterator[list[Answer]]:
        answers: list[Answer] = []
        requests = cycle(self.requests)
        tasks = [asyncio.create_task(self._ask(requests, pause, answers)) for _ in range(number)]
        try:
            yield answers
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, requests: Iterator[bytes], pause: float, answers: list[Answer]) -> None:
        visitor = Visitor(self._port, answers)
        try:
            while True:
                await visitor.ask(next(requests))
                await asyncio.sleep(pause)
        finally:
            visitor.close()


async def _recovery(people: _People, patience: float, ended: float) -> float:
    """Seconds from the end until a few get their answers in time; the row itself does not count."""
    row: list[Answer] = []
    async with people.asking(_VISITORS, _PAUSE_SECONDS) as answers:
        while len(row) < _IN_A_ROW and time.perf_counter() < ended + _PATIENCE_SECONDS:
            await asyncio.sleep(0.01)
            row = []
            for answer in answers:
                well = answer.status == 200 and answer.seconds <= patience
                row = [*row, answer] if well else []
    return (row[0].asked if len(row) >= _IN_A_ROW else time.perf_counter()) - ended
