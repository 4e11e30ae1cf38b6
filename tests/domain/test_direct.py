"""Statements past the session are in its transaction all the same, whatever became of the last one."""

from sqlalchemy import insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.database import Database
from microblog.domain import brief, direct, events, posts
from microblog.models import Rate


async def write(session: AsyncSession, key: str) -> None:
    connection = await direct.connection(session)
    await connection.execute(insert(Rate).values(key=key, arrival=0.0))


async def kept(database: Database) -> list[str]:
    async with database.reading() as session:
        return list(await session.scalars(select(Rate.key).order_by(Rate.key)))


async def test_each_transaction_has_its_own(database: Database) -> None:
    async with database.begin() as session:
        first = await direct.connection(session)
        assert await direct.connection(session) is first
        await write(session, "committed")
        await session.commit()
        assert first.closed
        await write(session, "rolled back")
        await session.rollback()
        await write(session, "written at last")
    assert await kept(database) == ["committed", "written at last"]


async def test_a_savepoint_takes_back_what_came_after_it(database: Database) -> None:
    async with database.begin() as session:
        await write(session, "before")
        savepoint = await session.begin_nested()
        await write(session, "within")
        await savepoint.rollback()
        await write(session, "after")
    assert await kept(database) == ["after", "before"]


async def test_what_is_short_begins_as_the_driver_knows_it() -> None:
    for statement in (events._AFTER, events._AFTER_UNTIL, posts._BY_IDS):
        assert str(statement.compile(dialect=sqlite.dialect())).startswith(brief.MARK)


async def test_a_unit_of_work_leaves_no_connection_behind(database: Database) -> None:
    """One process has one that writes: whoever keeps it keeps everybody else from writing."""
    work = database.writing()
    await work.close()
    for key in ("committed", "left"):
        work = database.writing()
        await write(work.session, key)
        if key == "committed":
            await work.commit()
        await work.close()
    async with database.reading() as session:
        await session.execute(select(Rate.key))
    assert database._writer.pool.checkedout() == database._reader.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert await kept(database) == ["committed"]
