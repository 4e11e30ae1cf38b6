"""`search reindex`: what is found follows from the posts, whatever had become of the index."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from microblog.database import Database
from microblog.domain.search import finding
from microblog.domain.search.query import parse
from microblog.settings import Settings
from tests.cli.conftest import Command


@pytest.fixture
def within(settings: Settings) -> Callable[[Any], Any]:
    """Does something with a session, and commits."""

    async def doing(work: Any) -> Any:
        database = Database(settings.database_url, settings.database)
        try:
            async with database.begin() as session:
                return await work(session)
        finally:
            await database.close()

    return lambda work: asyncio.run(doing(work))


def test_the_index_made_anew(command: Command, within: Callable[[Any], Any]) -> None:
    """SEA-18: empty, it is filled; what is stale goes; names come back too."""
    command("demo", "fill", "--users", "5", "--posts", "1500")

    async def found(session: Any) -> tuple[int, ...]:
        return (await finding.find(session, parse("the -zzz"))).post_ids

    before = within(found)
    assert before

    async def spoil(session: Any) -> None:
        await session.execute(text("DELETE FROM post_search"))
        await session.execute(text("UPDATE \"user\" SET name_terms = ''"))
        if session.get_bind().dialect.name == "sqlite":
            stale = "INSERT INTO post_search (rowid, terms) VALUES (9999, 'the')"
            await session.execute(text(stale))

    within(spoil)
    assert within(found) == ()
    assert command("search", "reindex").output.endswith("The index holds 1,500 posts.\n")
    assert within(found) == before

    async def look(session: Any) -> tuple[int, str]:
        rows = await session.scalar(text("SELECT count(*) FROM post_search"))
        names = text("SELECT name_terms FROM \"user\" WHERE username = 'susan'")
        return rows, await session.scalar(names)

    rows, names = within(look)
    assert rows == 1500
    assert names.startswith(" susan ")
    assert names.endswith(" @susan ")
    # A second time changes nothing.
    command("search", "reindex")
    assert within(found) == before
