"""Somebody locks the SQLite file from outside: for less than a writer waits, and for more."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.engine import make_url

from benchmarks import data, town
from benchmarks.lag import Lag, spread
from benchmarks.scenarios import Verdict
from benchmarks.town import POSTERS, Town
from benchmarks.visitors import Answer, Load, steady
from tests.processes.serving import Server
from tests.processes.writing import written

GOAL_SECONDS = 5.0
# Nobody is to be without an answer for longer than a writer waits, and this.
GOAL_LATE_SECONDS = 1.0
_WORKERS, _READERS = 2, 4
_READERS_PAUSE_SECONDS = 0.05
# Writers come one after the other: some while others of their process have waited for long.
_WRITERS = (*POSTERS, *data.listeners(town.SIZE)[:8])
# As a part of how long each waits at most.
_WRITERS_PAUSE = 0.2
_PATIENCE_SECONDS = 60
# So many answers to writers in a row without a failure, and all is well again.
_IN_A_ROW = 20


@dataclass
class _Lock:
    """Held for ``seconds``. All the ``answers`` to writers from its beginning to the next one's."""

    seconds: float
    recovery: float
    answers: list[Answer]

    @property
    def failed(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.failed]

    @property
    def longest(self) -> float:
        """Seconds, whatever the answer was."""
        return max(answer.seconds for answer in self.answers)

    def show(self, patience: float) -> None:
        refused = [answer.seconds for answer in self.failed]
        statuses = sorted({answer.status for answer in self.failed})
        goal = "0" if self.seconds < patience else "503 only"
        print(f"  locked for {self.seconds:g} s, writers wait for {patience:g} s:")
        print(f"    failed {len(refused)} of {len(self.answers)} posts (goal {goal})", end="")
        print(f", with {statuses}, each in {spread(refused)}" if refused else "")
        print(f"    longest answer {self.longest:.1f} s", end="")
        print(f" (goal {patience + GOAL_LATE_SECONDS:g} s)", end="")
        print(f"; well again after {self.recovery:.2f} s (goal {GOAL_SECONDS:g} s)")


def scenario(quick: bool) -> Verdict:
    # The service's own patience is 5 s.
    patience, locks = (0.7, (0.5, 1.0)) if quick else (5.0, (3.0, 10.0))
    with town.on_sqlite() as site:
        return town.run(_measure(site, patience, locks), seconds=180 + 2 * sum(locks))


async def _measure(site: Town, patience: float, locks: Sequence[float]) -> Verdict:
    """The first of the locks is shorter than the patience of a writer, the last one longer."""
    begun, recoveries = [], []
    async with (
        _served(site, patience) as server,
        steady(
            *(town.port(server), site.cookies, _WRITERS), readers=0, pause=_WRITERS_PAUSE * patience
        ) as writing,
        _reading(town.port(server), site.cookies[data.KEEN]) as reading,
        Lag() as lag,
    ):
        pids = await town.all_workers(server, _WORKERS)
        await writing.reach(_IN_A_ROW)
        for seconds in locks:
            begun.append(len(writing.answers))
            await _lock(make_url(site.url).database or "", seconds)
            recoveries.append(await writing.recovered(_IN_A_ROW))
        writing.stop()
        stayed = town.workers(server) == pids
    ends = [*begun[1:], len(writing.answers)]
    found = [
        _Lock(seconds, recovery, writing.answers[first:last])
        for seconds, recovery, first, last in zip(locks, recoveries, begun, ends, strict=True)
    ]
    for lock in found:
        lock.show(patience)
    pages = [answer.seconds for answer in reading.answers]
    unread = sum(answer.failed for answer in reading.answers)
    print(f"  readers' pages: {unread} of {len(pages):,} failed (goal 0); {spread(pages)}")
    kept = await written(site.environment)
    lost = sum(not kept[body] for body in writing.acknowledged)
    doubled = sum(kept[body] > 1 for body in writing.sent)
    # Whoever is told that it failed says it again.
    there = sum(kept[body] > 0 for body in writing.sent.keys() - set(writing.acknowledged))
    print(f"  acknowledged {len(writing.acknowledged):,}: lost {lost}, doubled {doubled}", end="")
    print(f"; refused and yet there {there}")
    print(f"  the serving processes {'are the same' if stayed else 'WERE REPLACED'}")
    print(f"  {lag}")
    clear = all(answer.status == 503 for lock in found for answer in lock.failed)
    sound = clear and stayed and not (unread or lost or doubled or there)
    # On a busy machine others may have kept somebody waiting beside the short lock.
    in_time = not found[0].failed and max(recoveries) <= GOAL_SECONDS
    longest = max(lock.longest for lock in found)
    return Verdict(sound, in_time and longest <= patience + GOAL_LATE_SECONDS)


@asynccontextmanager
async def _served(site: Town, patience: float) -> AsyncIterator[Server]:
    """Its writers wait so many seconds for somebody else's lock."""
    environment = site.environment | {"MICROBLOG_DATABASE_BUSY_TIMEOUT": str(patience)}
    server = await asyncio.to_thread(Server, environment, site.folder, _WORKERS)
    try:
        yield server
        await asyncio.to_thread(server.stop)
    finally:
        await asyncio.to_thread(server.kill)


@asynccontextmanager
async def _reading(port: int, cookie: str) -> AsyncIterator[Load]:
    """Who only reads, apart from those who write: the lock is none of their business."""
    load = Load(port, _READERS_PAUSE_SECONDS)
    async with asyncio.TaskGroup() as group:
        for _ in range(_READERS):
            group.create_task(load.read(cookie))
        try:
            yield load
        finally:
            load.stop()


async def _lock(path: str, seconds: float) -> None:
    """Hold the file as a tool does that somebody runs on it."""
    file = sqlite3.connect(
        path, timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        await asyncio.to_thread(file.execute, "BEGIN EXCLUSIVE")
        await asyncio.sleep(seconds)
        file.execute("ROLLBACK")
    finally:
        file.close()
