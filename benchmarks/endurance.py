"""Eight writers in two serving processes, for long, and with the power failing again and again.

    python -m benchmarks.endurance [--seconds 30] [--kills 10] [--database-url URL]

Without a URL it works on a SQLite file in a new folder. It prints figures, and ends with status 1
if anything was lost, doubled, refused, or found damaged. A database that is named must be empty.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from argon2 import PasswordHasher

from benchmarks.lag import spread
from tests.processes.serving import PASSWORD, Server, people, run
from tests.processes.writing import Writers, written
from tests.wholeness import left_behind

WRITERS = [f"writer{number}" for number in range(8)]
WORKERS = 2
# Seconds of writing.
_BETWEEN_KILLS = 0.3, 1.5
# So many findings are printed.
_SHOWN = 5


class Trial:
    """One database, the servers on it, and everything that was ever acknowledged."""

    def __init__(self, folder: Path, database_url: str, writers: Sequence[str] = WRITERS) -> None:
        self.folder = folder
        self.writers = list(writers)
        self.environment = {
            "DATABASE_URL": database_url or f"sqlite:///{folder / 'microblog.db'}",
            "SECRET_KEY": "a secret that only this measurement knows",
            "MICROBLOG_SERVER_INSTANCE": str(folder / "instance"),
            "MICROBLOG_LIMITS_SCALE": "1000",
        }
        self.acknowledged: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.damage: list[str] = []
        self.looks = 0
        self.logs = ""

    def serve(self) -> Server:
        return Server(self.environment, self.folder, WORKERS)

    async def prepare(self) -> None:
        await asyncio.to_thread(run, self.environment, self.folder, "db", "upgrade")
        await people(self.environment, PasswordHasher().hash(PASSWORD), *self.writers)

    async def write_for(self, seconds: float) -> float:
        """Posts per second, acknowledged."""
        server = await asyncio.to_thread(self.serve)
        async with Writers.at(server, self.writers, "long ") as writers:
            began = time.monotonic()
            writing = asyncio.create_task(writers.write())
            await asyncio.sleep(seconds)
            writers.stop()
            await writing
            took = time.monotonic() - began
        self._keep(writers)
        if writers.failures:
            raise SystemExit(f"FAILED: {writers.failures[0]}")
        await asyncio.to_thread(server.stop)
        self.logs += server.log
        return len(writers.acknowledged) / took

    async def be_killed(self, times: int) -> AsyncIterator[tuple[int, float]]:
        """Each time how many posts were acknowledged, and the seconds until it served again.

        Who writes stays logged in over all of it.
        """
        chance = random.Random(1)
        server = await asyncio.to_thread(self.serve)
        try:
            async with Writers.at(server, self.writers) as everybody:
                for number in range(times):
                    writers = Writers(everybody.members, line=f"kill {number} ")
                    writing = asyncio.create_task(writers.write())
                    await asyncio.wait_for(writers.reach(1), 60)
                    await asyncio.sleep(chance.uniform(*_BETWEEN_KILLS))
                    await asyncio.to_thread(server.kill)
                    await writing
                    self._keep(writers)
                    await self.look()
                    began = time.monotonic()
                    server = await asyncio.to_thread(self.serve)
                    took = time.monotonic() - began
                    for member in everybody.members:
                        member.server, member.client.base_url = server, server.url
                    yield len(writers.acknowledged), took
            await asyncio.to_thread(server.stop)
        finally:
            await asyncio.to_thread(server.kill)
        self.logs += server.log

    def _keep(self, writers: Writers) -> None:
        self.acknowledged += writers.acknowledged
        self.statuses += writers.statuses

    async def faults(self) -> dict[str, int]:
        found = await written(self.environment)
        return {
            "acknowledged posts lost": sum(not found[body] for body in self.acknowledged),
            "posts doubled": sum(count > 1 for count in found.values()),
            "answers of 500 or more": sum(n for code, n in self.statuses.items() if code >= 500),
            "other refusals": sum(n for code, n in self.statuses.items() if 400 <= code < 500),
            '"database is locked" in the log': self.logs.count("database is locked"),
            "tracebacks in the log": self.logs.count("Traceback"),
        }

    async def look(self) -> None:
        """Note what is half-written or damaged now. No server may be running."""
        self.damage += await left_behind(self.environment, self.folder)
        self.looks += 1


async def measure(
    seconds: float, kills: int, database_url: str, writers: Sequence[str] = WRITERS
) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder), database_url, writers)
        kind = "PostgreSQL" if database_url else "SQLite"
        await trial.prepare()
        rate = await trial.write_for(seconds)
        print(f"{kind}: {len(writers)} writers, {WORKERS} processes, {seconds:g} s")
        print(f"  acknowledged: {len(trial.acknowledged)} posts, {rate:.0f} a second")
        posts, took = [], []
        async for number, seconds_away in trial.be_killed(kills):
            posts.append(number)
            took.append(seconds_away)
        few, many = min(posts, default=0), max(posts, default=0)
        print(f"  {kills} times kill -9, after {few} to {many} posts", end="")
        print(f"; serving again: {spread(took)}")
        await trial.look()
        faults = await trial.faults()
        print(f"  acknowledged in all: {len(trial.acknowledged)} posts")
        for name, number in faults.items():
            print(f"  {name}: {number}")
        print(f"  found half-written or damaged: {len(trial.damage)}", end="")
        print(f" (looked {trial.looks} times)")
        for finding in trial.damage[:_SHOWN]:
            print(f"    {finding}")
        return not any(faults.values()) and not trial.damage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--database-url", default="")
    chosen = parser.parse_args()
    fine = asyncio.run(measure(chosen.seconds, chosen.kills, chosen.database_url))
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
