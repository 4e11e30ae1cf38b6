"""Eight writers in two serving processes, for long, and with the power failing again and again.

    python -m benchmarks.endurance [--seconds 30] [--kills 10] [--database-url URL]

Without a URL it works on a SQLite file in a new folder. It prints figures, and ends with status 1
if anything was lost, doubled, refused, or found damaged. A database that is named must be empty.
"""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from argon2 import PasswordHasher

from microblog.settings import NO_FILE, load
from tests.processes.serving import PASSWORD, Server, people, run
from tests.processes.writing import Writers, written

WRITERS = [f"writer{number}" for number in range(8)]
WORKERS = 2


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

    async def write_until_killed(self, number: int) -> tuple[int, float]:
        """How many posts were acknowledged, and the seconds until it served again."""
        server = await asyncio.to_thread(self.serve)
        async with Writers.at(server, WRITERS, f"kill {number} ") as writers:
            writing = asyncio.create_task(writers.write())
            await asyncio.wait_for(writers.reach(50 + 13 * (number % 20)), 60)
            await asyncio.to_thread(server.kill)
            await writing
        self._keep(writers)
        began = time.monotonic()
        again = await asyncio.to_thread(self.serve)
        took = time.monotonic() - began
        await asyncio.to_thread(again.stop)
        self.logs += server.log
        return len(writers.acknowledged), took

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
            "damage found by integrity_check": self._damage(),
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
        for number in range(kills):
            posts, took = await trial.write_until_killed(number)
            print(f"  kill -9 no. {number + 1} after {posts} posts; serving again in {took:.1f} s")
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
