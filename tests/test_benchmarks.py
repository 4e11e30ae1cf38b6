"""The measurements run, on little data, and print every line that they promise."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

ROOT = Path(__file__).parents[1]
# Many measurements, on a machine that may be busy with other tests.
SECONDS = 300
PAGES = ("home, follows 10", "home, follows 20", "home, follows 3 silent", "home at 400 posts")
PAGES += ("explore", "profile", "a post by itself", "GET /api/timeline")
SEARCHES = ("search, a common word", "search, in vain", "search, the worst")
WAYS = ("to the last socket", "to each socket", "to the author's answer")
# Each line of the table of goals, and whether it has a goal.
GOALS = {
    **{f"{page}, to hello": True for page in (PAGES[0], *PAGES[4:])},
    "home at 400 posts, to home at 400": True,
    "home, follows 20, to follows 10": True,
    "home, follows 3 silent, to follows 10": True,
    "POST /, the form, 8 writers, posts/s": False,
    "POST /, the form, 8 writers, to INSERT + COMMIT": True,
    "POST /, the form, 8 writers, to hello": False,
    "POST /api/posts, 8 writers, posts/s": False,
    "POST /api/posts, 8 writers, to INSERT + COMMIT": True,
    "POST /api/posts, 8 writers, to hello": False,
    "5 logins at once: p99 of other pages, to idle": True,
    **{f"{search}: p99 alone, to hello's": False for search in SEARCHES},
    "posting with search index, to without": True,
    "silent translator: p99 of other pages, to without": True,
}
# These have tests of their own, on little; here they are to be in the table.
HEAVY = {
    "8 sockets, 50 posts/s: p99 of home, to without": True,
    "memory after 200 requests, to the second round": True,
    "cold start to first page, 400 posts, s": True,
    "the same, to 400 posts (processor)": True,
}
PARTS = ("pages", "posts", "logins", "search", "sockets", "exports", "indexing", "translations")
_GOAL = r" +[<>]= [\d/.]+(?:, [<>]= [\d/.]+)?"
_VERDICT = r"  (?:yes|NO|not on \w+)"


async def run(*arguments: str, module: str = "benchmarks", **environ: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        cwd=ROOT,
        env=os.environ | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), SECONDS)
    assert process.returncode == 0, err.decode()
    return out.decode()


def figures(table: str, label: str, goal: str = "") -> list[float]:
    found = re.search(rf"^{re.escape(label)} +(\d[\d,. ]*){goal}$", table, re.MULTILINE)
    assert found, f"no line for {label!r} in:\n{table}"
    return [float(number.replace(",", "")) for number in found[1].split()]


def assert_goals(table: str, goals: dict[str, bool], *, databases: int) -> None:
    for line, has_goal in goals.items():
        goal, verdict = (_GOAL, _VERDICT) if has_goal else ("", "")
        figures = r" +\d[\d.]*" * databases
        pattern = rf"^{re.escape(line)}{goal}{figures}{verdict}$"
        assert re.search(pattern, table, re.MULTILINE), f"no line for {line!r} in:\n{table}"


@pytest.mark.timeout(SECONDS + 20)
async def test_every_line_is_there_on_both_databases(
    postgresql_server: URL, tmp_path: Path
) -> None:
    """JOB-25: what an export costs the pages and the memory of its process, among the rest."""
    url = postgresql_server.render_as_string(hide_password=False)
    table = await run("--quick", "--parts", *PARTS, TEST_DATABASE_URL=url, BENCH_DATA=str(tmp_path))

    assert_goals(table, GOALS, databases=2)
    assert figures(table, "hello (bare Quart)")[1] == 1.0
    for database in ("SQLite", "PostgreSQL"):
        for search in SEARCHES:
            number, middle, slow = figures(table, f"{database}: {search}")
            assert number >= 3
            assert 0 < middle <= slow
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
        during = figures(table, f"{database}: during the logins")
        for answers, middle, slow in (idle, during):
            assert answers > 0
            assert 0 < middle <= slow
        for ratio, before, after in zip(
            figures(table, f"{database}: ratio"), idle[1:], during[1:], strict=True
        ):
            assert ratio == pytest.approx(after / before, rel=0.1)
        for label in ("with its words", "without"):
            written, middle, slow = figures(table, f"{database}: {label}")
            assert written == 18
            assert 0 < middle <= slow
        assert figures(table, f"{database}: ratio, search", goal="   <1.3")[0] > 0
        assert re.search(
            rf"^{database}: size +[\d.]+ MB of index, [\d.]+ MB of texts for 100,000 posts$",
            table,
            re.M,
        )
        before = figures(table, f"{database}: before the export")
        during = figures(table, f"{database}: during the export")
        assert all(0 < middle <= slow for _, middle, slow in (before, during))
        assert len(figures(table, f"{database}: ratio, export")) == 2
        growth = re.search(rf"{database}: memory grown by +([\d.]+) MB in [\d.]+ s +<50 MB", table)
        assert growth
        assert float(growth[1]) < 50
        for label in ("during the silence", "as the crowd comes and goes"):
            answers, middle, slow = figures(table, f"{database}: {label}")
            assert answers > 0
            assert 0 < middle <= slow
        assert len(figures(table, f"{database}: ratio, silence", goal="   <1.2")) == 2
    assert "\n(the last was told that there is no translation after: SQLite " in table
    assert "\npages while 5 people log in at once " in table
    assert "\npages while 400 posts go out " in table

    assert list(tmp_path.iterdir()) == [], "a quick run leaves nothing behind"


@pytest.mark.timeout(SECONDS + 20)
async def test_what_takes_long_is_in_the_table(tmp_path: Path) -> None:
    parts = ("--parts", "crowded", "memory", "starts")
    table = await run("--quick", "--only", "sqlite", *parts, BENCH_DATA=str(tmp_path))
    assert_goals(table, HEAVY, databases=1)


@pytest.mark.timeout(SECONDS)
async def test_growth_is_drawn(tmp_path: Path) -> None:
    drawn = tmp_path / "growth.png"
    small = ("--quick", "--only", "sqlite", "--to", str(drawn))
    table = await run(*small, module="benchmarks.growth", BENCH_DATA=str(tmp_path))
    for amount in (200, 400):
        assert figures(table, f"SQLite: home at {amount} posts")[1] > 0
    assert drawn.read_bytes().startswith(b"\x89PNG")
