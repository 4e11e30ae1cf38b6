"""What a page of a list costs the database: the same, however much there is to leave out."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import URL

from microblog.database import Database
from microblog.domain.paging import Place
from tests import servers
from tests.domain.house import House

FEW, MANY = 800, 12_000
LONG_AGO = datetime(2020, 2, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize("which", ["susan's home", "olga's home", "explore", "john"])
async def test_a_page_costs_the_same_in_a_house_many_times_as_loud(
    database: Database, which: str
) -> None:
    """Nor does a reader whom nobody writes for walk through what others say."""
    house = await House.opened(database)
    await _say(house, FEW)
    few = [await _work(house, which, place) for place in _places(FEW)]
    await _say(house, MANY - FEW)
    many = [await _work(house, which, place) for place in _places(MANY)]
    for less, more in zip(few, many, strict=True):
        assert more < 1.5 * less + 50, (few, many)
    assert sum(many) > 0


def _places(number: int) -> list[Place]:
    return [Place(), Place(before=number // 2), Place(after=number // 2), Place(page=2)]


async def _say(house: House, number: int) -> None:
    await house.bring_back_many([LONG_AGO + timedelta(minutes=n) for n in range(number)])
    if not house.database.is_sqlite:
        # PostgreSQL does so by itself, when it finds the time.
        await servers.execute(_server(house.database), "VACUUM ANALYZE post")


async def _work(house: House, which: str, place: Place) -> int:
    """What the statements for this page cost: steps of SQLite's machine, or posts looked at."""
    engine = house.database._reader.sync_engine
    asked: list[tuple[str, Any]] = []

    def note(connection, cursor, statement, parameters, context, executemany) -> None:
        asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    await house.page(which, place, 25)
    event.remove(engine, "before_cursor_execute", note)
    if house.database.is_sqlite:
        return _steps(str(house.database.url.database), asked)
    return await _looked_at(_server(house.database), asked)


def _server(database: Database) -> URL:
    return database.url.set(drivername="postgresql")


def _steps(path: str, asked: list[tuple[str, Any]]) -> int:
    count = 0

    def step() -> None:
        nonlocal count
        count += 1

    connection = sqlite3.connect(path)
    connection.set_progress_handler(step, 1)
    for statement, parameters in asked:
        connection.execute(statement, parameters).fetchall()
    connection.close()
    return count


async def _looked_at(url: URL, asked: list[tuple[str, Any]]) -> int:
    connection = await asyncpg.connect(url.render_as_string(hide_password=False))
    try:
        count = 0
        for statement, parameters in asked:
            explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
            (plan,) = json.loads(await connection.fetchval(explain, *parameters))
            count += _rows(plan["Plan"])
        return count
    finally:
        await connection.close()


def _rows(node: dict[str, Any]) -> int:
    rows = sum(_rows(child) for child in node.get("Plans", ()))
    if node.get("Relation Name") == "post":
        each = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        rows += round(each * node["Actual Loops"])
    return rows
