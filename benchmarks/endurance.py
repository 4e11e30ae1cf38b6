"""Eight writers in two serving processes, for long, and with the power failing again and again.

    python -m benchmarks.endurance [--seconds 30] [--kills 10] [--database-url URL]

Without a URL it works on a SQLite file in a new folder. It prints figures, and ends with status 1
if anything was lost, doubled, refused, or found damaged. A database that is named must be empty.
"""

import argparse
import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from argon2 import PasswordHasher

from benchmarks.lag import spread
from microblog.settings import NO_FILE, load
from tests.processes.serving import PASSWORD, Server, people, run
from tests.processes.writing import Writers, written

WRITERS = [f"writer{number}" for number in range(8)]
WORKERS = 2
# Seconds of writing.
_BETWEEN_KILLS = 0.3, 1.5


class Trial:
    """One database, the servers on it, and everything that was ever acknowledged."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.environment = {
            "DATABASE_URL": database_url or f"sqlite:///{folder / 'microblog.db'}",
            "SECRET_KEY": "a secret that only this measurement knows",
            "MICROBLOG_SERVER_INSTANCE": str(folder / "instance"),
            "MICROBLOG_LIMITS_SCALE": "1000",
        }
        self.acknowledged: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.damaged = 0
        self.logs = ""

    def serve(self) -> Server:
        return Server(self.environment, self.folder, WORKERS)

    async def prepare(self) -> None:
        await asyncio.to_thread(run, self.environment, self.folder, "db", "upgrade")
        await people(self.environment, PasswordHasher().hash(PASSWORD), *WRITERS)

    async def write_for(self, seconds: float) -> float:
        """Posts per second, acknowledged."""
        server = await asyncio.to_thread(self.serve)
        async with Writers.at(server, WRITERS, "long ") as writers:
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
            async with Writers.at(server, WRITERS) as everybody:
                for number in range(times):
                    writers = Writers(everybody.members, line=f"kill {number} ")
                    writing = asyncio.create_task(writers.write())
                    await asyncio.wait_for(writers.reach(1), 60)
                    await asyncio.sleep(chance.uniform(*_BETWEEN_KILLS))
                    await asyncio.to_thread(server.kill)
                    await writing
                    self._keep(writers)
                    began = time.monotonic()
                    server = await asyncio.to_thread(self.serve)
                    took = time.monotonic() - began
                    self.damaged += self._damage()
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
            "damage found by integrity_check": self.damaged + self._damage(),
        }

    def _damage(self) -> int:
        settings = load(NO_FILE, self.environment)
        if not settings.is_sqlite:
            return 0
        database = sqlite3.connect(self.environment["DATABASE_URL"].removeprefix("sqlite:///"))
        rows = database.execute("PRAGMA integrity_check").fetchall()
        database.close()
        return 0 if rows == [("ok",)] else len(rows)


async def measure(seconds: float, kills: int, database_url: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder), database_url)
        kind = "PostgreSQL" if database_url else "SQLite"
        await trial.prepare()
        rate = await trial.write_for(seconds)
        print(f"{kind}: {len(WRITERS)} writers, {WORKERS} processes, {seconds:.0f} s")
        print(f"  acknowledged: {len(trial.acknowledged)} posts, {rate:.0f} a second")
        posts, took = [], []
        async for number, seconds_away in trial.be_killed(kills):
            posts.append(number)
            took.append(seconds_away)
        few, many = min(posts, default=0), max(posts, default=0)
        print(f"  {kills} times kill -9, after {few} to {many} posts", end="")
        print(f"; serving again: {spread(took)}")
        faults = await trial.faults()
        print(f"  acknowledged in all: {len(trial.acknowledged)} posts")
        for name, number in faults.items():
            print(f"  {name}: {number}")
        return not any(faults.values())


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
