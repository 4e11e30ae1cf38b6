"""The measurements run, on little data, and print every line that they promise."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

ROOT = Path(__file__).parents[1]
PAGES = ("home, follows 10", "home, follows 8 silent", "explore", "profile")
WAYS = ("to the last socket", "to each socket", "to the author's answer")


async def run(*arguments: str, **environ: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks", *arguments),
        cwd=ROOT,
        env=os.environ | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, err.decode()
    return out.decode()


def figures(table: str, label: str, goal: str = "") -> list[float]:
    found = re.search(rf"^{re.escape(label)} +(\d[\d,. ]*){goal}$", table, re.MULTILINE)
    assert found, f"no line for {label!r} in:\n{table}"
    return [float(number.replace(",", "")) for number in found[1].split()]


async def test_every_line_is_there_on_both_databases(
    postgresql_server: URL, tmp_path: Path
) -> None:
    url = postgresql_server.render_as_string(hide_password=False)
    table = await run("--quick", TEST_DATABASE_URL=url, BENCH_DATA=str(tmp_path))

    assert figures(table, "hello (bare Quart)")[1] == 1.0
    for database in ("SQLite", "PostgreSQL"):
        for page in PAGES:
            rate, ratio, middle, slow = figures(table, f"{database}: {page}")
            assert rate > 0
            assert ratio > 0
            assert 0 < middle <= slow
        for way in WAYS:
            number, middle, slow = figures(table, f"{database}: {way}")
            assert number == (24 if way == "to each socket" else 3)
            assert 0 < middle <= slow
        idle = figures(table, f"{database}: idle")
        during = figures(table, f"{database}: during the logins", goal="<100")
        for answers, middle, slow in (idle, during):
            assert answers > 0
            assert 0 < middle <= slow
        for ratio, before, after in zip(
            figures(table, f"{database}: ratio"), idle[1:], during[1:], strict=True
        ):
            assert ratio == pytest.approx(after / before, rel=0.1)
    assert "\npages while 5 people log in at once " in table

    assert list(tmp_path.iterdir()) == [], "a quick run leaves nothing behind"
