"""How migrations reach the database: whole or not at all, and never two programs at once."""

import asyncio
from typing import Any

from sqlalchemy import Connection, MetaData, event, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from alembic import context
from microblog import settings
from microblog.models import Base
from microblog.models.base import UTCDateTime
from microblog.models.search import SEARCH_METADATA


def database_url() -> str:
    given = context.config.attributes.get("database_url")
    return str(given) if given else settings.load_or_exit().database_url


def configure(connection: Connection | None = None) -> None:
    context.configure(
        connection=connection,
        url=None if connection else database_url(),
        target_metadata=models_of(connection),
        include_name=is_ours,
        # SQLite cannot alter a column: Alembic makes the table anew and copies.
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=True,
        literal_binds=connection is None,
        render_item=render_item,
    )


def models_of(connection: Connection | None) -> list[MetaData]:
    """The models that this database has tables for."""
    if connection is not None and connection.dialect.name == "sqlite":
        return [Base.metadata]
    return [Base.metadata, SEARCH_METADATA]


def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Leave out FTS5's virtual table and those that it keeps; PostgreSQL has a model of one."""
    in_fts5 = kind == "table" and name is not None and name.startswith("post_search")
    return not in_fts5 or context.get_context().dialect.name == "postgresql"


def render_item(kind: str, thing: Any, autogen_context: Any) -> str | bool:
    """Have written migrations name our one type of time as the others do."""
    if kind == "type" and isinstance(thing, UTCDateTime):
        autogen_context.imports.add("from microblog.models.base import UTCDateTime")
        return "UTCDateTime()"
    return False


def migrate(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Two machines that start together migrate one after the other.
        connection.execute(text("SELECT pg_advisory_lock(7235938)"))
        connection.commit()
    else:
        # One transaction for all of them: between two, another program could begin the same one.
        connection.begin()
    configure(connection)
    with context.begin_transaction():
        context.run_migrations()


def leave_transactions_to_us(connection: Any, _record: Any) -> None:
    # The driver would commit before each CREATE TABLE; a migration is to happen whole or not at
    # all. Foreign keys stay off, as they are by default here: remaking a table must not cascade.
    connection.isolation_level = None
    # Before anybody serves: with others about, the file could not change to it.
    connection.execute("PRAGMA journal_mode = WAL").close()


def begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


async def migrate_online() -> None:
    engine = create_async_engine(database_url(), poolclass=pool.NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", leave_transactions_to_us)
        event.listen(engine.sync_engine, "begin", begin)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
            await connection.commit()
    finally:
        await engine.dispose()


if context.is_offline_mode():
    configure()
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(migrate_online())
