"""`python -m benchmarks.power_cuts`: the power fails while people write, again and again.

Each time the server's disk forgets all that was not synced. With the service's own setting nothing
that was acknowledged may be lost; with another one something must be, or the disk forgets nothing.
"""

import argparse
import asyncio
import os
import random
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import make_url

from benchmarks import client, data, forms, servers, stores
from benchmarks.data import Size
from benchmarks.disk import Disk

_SIZE = Size(people=30, posts=400, sockets=8, some=10, many=20, logins=1)
_WRITERS = 4
_SEVERAL = 5
_SHORTEST, _LONGEST = 0.1, 1.5  # seconds of writing before a cut


@dataclass
class Cuts:
    """What became of the posts over all the cuts with one setting."""

    number: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    damaged: int = 0
    forgotten: list[int] = field(default_factory=list)

    def line(self, synchronous: str) -> str:
        soundness = f"{self.damaged} damaged" if self.damaged else "integrity ok"
        return (
            f"{synchronous:8} {self.number:5} {self.acknowledged:13,} {self.lost:6,}"
            f" {self.doubled:8} {sum(self.forgotten):16,}   {soundness}"
        )


def main() -> None:
    """Cut, look, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.power_cuts", description=__doc__)
    parser.add_argument("--cuts", type=int, default=20, help="for each of the two settings")
    sys.exit(0 if measure(parser.parse_args().cuts) else 1)


def measure(cuts: int) -> bool:
    """Print a line for each setting; whether they say what they should.

    That the laxer setting loses something is only asked of several cuts: one may be lucky.
    """
    kept = Path(os.environ.get("BENCH_DATA", "build/bench")).resolve()
    kept.mkdir(parents=True, exist_ok=True)
    with stores.sqlite(kept, _SIZE) as url:
        print(f"{'setting':8} {'cuts':>5} {'acknowledged':>13} {'lost':>6} {'doubled':>8}", end="")
        print(f" {'bytes forgotten':>16}", flush=True)
        found = {}
        for synchronous in ("FULL", "NORMAL"):
            found[synchronous] = asyncio.run(_cut_often(url, synchronous, cuts))
            print(found[synchronous].line(synchronous), flush=True)
    safe, lax = found["FULL"], found["NORMAL"]
    return not (safe.lost or safe.doubled or safe.damaged) and (lax.lost > 0 or cuts < _SEVERAL)


async def _cut_often(url: str, synchronous: str, number: int) -> Cuts:
    chance, found = random.Random(1), Cuts()
    original = Path(make_url(url).database or "")
    for _ in range(number):
        with tempfile.TemporaryDirectory(dir=original.parent) as scratch:
            folder = Path(scratch)
            (folder / "instance").mkdir()
            database = folder / "instance" / "microblog.db"
            shutil.copy(original, database)
            await _cut(database, synchronous, chance.uniform(_SHORTEST, _LONGEST), found)
    return found


async def _cut(database: Path, synchronous: str, seconds: float, found: Cuts) -> None:
    url, folder = f"sqlite:///{database}", str(database.parent)
    names = data.listeners(_SIZE)[:_WRITERS]
    cookies = await data.cookies(url, folder, names)
    disk = Disk(database, database.parent.parent)
    environment = data.environment(url, folder) | disk.environment
    environment["MICROBLOG_DATABASE_SYNCHRONOUS"] = synchronous
    acknowledged: list[str] = []
    async with servers.doomed(environment) as (port, kill):
        writing = [
            asyncio.create_task(_write(port, cookies[name], name, acknowledged)) for name in names
        ]
        while not acknowledged and not any(task.done() for task in writing):
            await asyncio.sleep(0.01)
        await asyncio.sleep(seconds)
        await kill()
        await asyncio.gather(*writing)
    found.forgotten.append(disk.cut_power())
    _look(database, acknowledged, found)


async def _write(port: int, cookie: str, name: str, acknowledged: list[str]) -> None:
    line = await client.Line.opened(port)
    _, page = await line.ask(client.head("GET", "/", f"Cookie: {cookie}"))
    token, number = forms.token(page), 0
    try:
        while True:
            number += 1
            fields = {"csrf_token": token, "post": f"{name} writes number {number}"}
            status, _ = await line.ask(forms.filled("/", cookie, fields))
            if status not in (302, 303):
                raise RuntimeError(f"the post was not accepted: {status}")
            acknowledged.append(fields["post"])
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # the power is gone
    finally:
        line.close()


def _look(database: Path, acknowledged: list[str], found: Cuts) -> None:
    file = sqlite3.connect(database)
    kept = Counter(body for (body,) in file.execute("SELECT body FROM post"))
    sound = file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    file.close()
    found.number += 1
    found.acknowledged += len(acknowledged)
    found.lost += sum(not kept[body] for body in acknowledged)
    found.doubled += sum(kept[body] > 1 for body in acknowledged)
    found.damaged += not sound


if __name__ == "__main__":
    main()
