"""Each scenario of what is live and of what fails runs, is sound, and prints what it promises.

How fast anything is has no say here: that is what the scenarios' own goals are about.
"""

import asyncio
import os
import re
import shutil
import sqlite3
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from benchmarks.endurance import Trial
from benchmarks.faults import __main__ as faults
from benchmarks.live import __main__ as live
from microblog.database import Database
from microblog.domain import posts, users
from microblog.domain.actors import Actor
from microblog.settings import NO_FILE, load
from tests.test_benchmarks import SECONDS, run

SOME = r"[1-9][\d,]*"
ROW = r"( +[\d.]+){5}\n"
NONE_LOST = r"lost 0, doubled 0, gaps 0"
LAG = r"client's own lag: p99 [\d.]+ ms, longest \d+ ms\n"
SPREAD = r"p50 [\d.]+, p99 [\d.]+, longest \d+ ms"
SAME = r"the serving processes are the same\n"
# Indented under the name of the database.
ENDURED = (
    rf"acknowledged: {SOME} posts, \d+ a second\n",
    rf"1 times kill -9, after {SOME} to {SOME} posts; serving again: {SPREAD}",
    r"acknowledged posts lost: 0\n +posts doubled: 0\n",
    r"found half-written or damaged: 0 \(looked 2 times\)\n",
)
LIVE = {
    "idle": (
        r" 100 +[\d.]+ +[\d.]+ s +[\d.]+",
        r"round 1: [\d.]+ MiB before, [\d.]+ MiB with 100 sockets",
    ),
    "fanout": (rf"to the last of 50{ROW}", LAG),
    "cut": (rf"{SOME} posts to all: {NONE_LOST}\n", r"; failed 0\n", LAG),
    "stuck": (
        rf"to the last of 50{ROW}",
        rf"beside 10 that never read{ROW}",
        r"ratio p99 [\d.]+, p50 [\d.]+, of the server's work [\d.]+\n",
        LAG,
    ),
    "rude": (
        rf"bombs thrown out {SOME}",
        rf"endless thrown out {SOME}",
        rf"pings thrown out {SOME}",
        r"memory [\d.]+ MB, \+ ",
        rf"before: {SPREAD}",
        rf"during: {SPREAD}",
        LAG,
    ),
}
FAULTS = {
    "transaction": (
        rf"held open for [\d.]+ s, {SOME} posts committed meanwhile\n",
        NONE_LOST,
        rf"answers before: {SPREAD}",
        rf"answers during: {SPREAD}; ratio",
        LAG,
    ),
    "overload": (
        rf"the knee: {SOME} answers a second",
        rf"admitted {SOME} \(\d+%\): {SPREAD}",
        r"refused [\d,]+ \(\d+%\): ",
        r"other answers \{\}, broken connections \{\}",
        LAG,
    ),
    "locked": (
        rf"locked for 0\.5 s, .*\n +failed \d+ of {SOME} posts",
        rf"locked for 1 s, .*\n +failed \d+ of {SOME} posts",
        rf"readers' pages: 0 of {SOME} failed",
        rf"acknowledged {SOME}: lost 0, doubled 0; refused and yet there 0\n",
        SAME,
        LAG,
    ),
    "kills": (
        r"failed: \d+ on the killed process's connections, 0 others\n",
        rf"until another one answered: {SPREAD}",
        rf"acknowledged {SOME}, lost 0, doubled 0\n",
        LAG,
    ),
    "everything": (
        *(rf"SQLite: .*(\n  .*)*?{line}" for line in ENDURED),
        *(rf"PostgreSQL: .*(\n  .*)*?{line}" for line in ENDURED),
    ),
    "power": (
        r"FULL +1 +\d+ +0 +0 .*integrity ok\n",
        r"NORMAL +1 +\d+ +\d+ +0 .*integrity ok\n",
    ),
    "restarts": (
        rf"failed: 0 of {SOME} requests\n",
        rf"posts {SOME}: {NONE_LOST}",
        r"tries that failed \{\}\n",
        LAG,
    ),
    "postgres": (
        rf"accepts connections: {SPREAD}",
        rf"acknowledged {SOME}: lost 0, doubled 0\n",
        rf"at the readers: {NONE_LOST}\n",
        SAME,
        LAG,
    ),
}
ALL = {f"benchmarks.live {name}": lines for name, lines in LIVE.items()}
ALL |= {f"benchmarks.faults {name}": lines for name, lines in FAULTS.items()}
VERDICT = r"^  (as it should be|sound, but BEYOND ITS GOAL) \(\d+ s\)$"


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the data of the scenarios lies: each kind is made once."""
    return str(tmp_path_factory.mktemp("towns"))


@pytest.mark.timeout(SECONDS + 20)
@pytest.mark.parametrize("scenario", ALL)
async def test_a_scenario_is_sound(scenario: str, towns: str) -> None:
    module, name = scenario.split()
    if name == "power" and not shutil.which("cc"):
        assert "compiler" not in os.environ.get("TESTS_REQUIRE", "")
        pytest.skip("NO COMPILER")
    told = await run("--quick", "--only", name, module=module, BENCH_DATA=towns)
    if "NO POSTGRESQL OF ITS OWN" in told:
        pytest.skip(told)
    assert re.search(VERDICT, told, re.MULTILINE), told
    for line in ALL[scenario]:
        assert re.search(line, told), f"no {line!r} in:\n{told}"


def test_no_scenario_is_forgotten() -> None:
    assert [*LIVE] == [*live.SCENARIOS]
    assert {*FAULTS} == {*faults.SCENARIOS, *faults.REPEATED}


HALVES = {
    "DELETE FROM event WHERE kind = 'post.created'": "post 1 without event",
    "DELETE FROM post_search": "post 1 without entry in the index",
    "DELETE FROM post": "event without post 1",
}


@pytest.mark.parametrize("half", HALVES)
async def test_what_is_half_written_after_a_kill_is_found(
    half: str, database_url: str, tmp_path: Path
) -> None:
    trial = Trial(tmp_path, database_url)
    await change(trial)
    await trial.look()
    assert trial.damage == []
    await change(trial, half)
    await trial.look()
    assert HALVES[half] in trial.damage
    assert trial.looks == 2


async def change(trial: Trial, *statements: str) -> None:
    """Do that to its database; without anything a post is written as the service does it."""
    settings = load(NO_FILE, trial.environment)
    database = Database(settings.database_url, settings.database)
    async with database.begin() as session:
        for statement in statements:
            await session.execute(text(statement))
        if not statements:
            susan = await users.register(session, "susan", "susan@example.com", "")
            await posts.publish(session, Actor(susan.id, "susan"), "Hello!", length=500)
    await database.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_damaged_file_is_found(database_url: str, tmp_path: Path) -> None:
    trial = Trial(tmp_path, database_url)
    path = Path(database_url.removeprefix("sqlite:///"))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    await trial.look()
    assert trial.damage


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_to_look_repairs_nothing(database_url: str, tmp_path: Path) -> None:
    """What a killed server has left is for the next one to read: its log is still there."""
    trial = Trial(tmp_path, database_url)
    path = Path(database_url.removeprefix("sqlite:///"))
    file = sqlite3.connect(path)
    file.execute("PRAGMA journal_mode = WAL")
    file.execute("INSERT INTO post (user_id, body, timestamp) VALUES (7, 'Hello!', '2024-01-01')")
    file.commit()
    log = path.with_name(f"{path.name}-wal")
    before = path.read_bytes(), log.read_bytes()
    assert before[1]
    await trial.look()
    assert trial.damage
    assert (path.read_bytes(), log.read_bytes()) == before
    file.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_commit_that_outlives_its_client_is_waited_for(
    database_url: str, tmp_path: Path
) -> None:
    trial = Trial(tmp_path, database_url)
    await change(trial)
    backend = await asyncpg.connect(database_url)
    transaction = backend.transaction()
    await transaction.start()
    await backend.execute("DELETE FROM event")
    looking = asyncio.create_task(trial.look())
    others = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_backend_pid()'"
    while not looking.done() and not await backend.fetchval(others):
        await backend.execute("SELECT pg_stat_clear_snapshot()")
    await transaction.commit()
    await backend.close()
    await looking
    assert trial.damage == ["post 1 without event"]
