"""What pending migrations would touch, told without running them."""

import asyncio
import io
import re
from collections.abc import Iterator, Sequence

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script
from alembic.util.exc import CommandError
from sqlalchemy import func, inspect, pool, select, table
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from microblog import migrations
from microblog.settings import Settings

_NAME = r'["`]?(\w+)["`]?'
_KINDS = tuple(
    (re.compile(rf"^\s*{pattern}", re.IGNORECASE | re.MULTILINE), said)
    for pattern, said in (
        (rf"CREATE (?:VIRTUAL )?TABLE (?:IF NOT EXISTS )?{_NAME}", "creates table {0}"),
        (rf"DROP TABLE (?:IF EXISTS )?{_NAME}", "drops table {0}"),
        (rf"ALTER TABLE {_NAME} ADD COLUMN {_NAME}", "adds column {0}.{1}"),
        (rf"ALTER TABLE {_NAME} DROP COLUMN {_NAME}", "drops column {0}.{1}"),
        (rf"ALTER TABLE {_NAME} ALTER COLUMN {_NAME}", "alters column {0}.{1}"),
        (rf"ALTER TABLE {_NAME} RENAME ", "renames in table {0}"),
        (rf"ALTER TABLE {_NAME} (?:ADD|DROP) CONSTRAINT {_NAME}", "changes constraint {1} of {0}"),
        (rf"CREATE (?:UNIQUE )?INDEX {_NAME} ON {_NAME}", "creates index {0} on {1}"),
        (rf"DROP INDEX (?:IF EXISTS )?{_NAME}", "drops index {0}"),
        (rf"UPDATE {_NAME}", "updates rows of {0}"),
        (rf"INSERT INTO {_NAME}", "inserts rows into {0}"),
        (rf"DELETE FROM {_NAME}", "deletes rows of {0}"),  # noqa: S608 - only looked for
    )
)
_UNSEEN = "does what can only be seen when it runs"


def lines(settings: Settings, pending: Sequence[Script]) -> Iterator[str]:
    """Each pending migration, what it touches, and how many rows the touched tables hold now."""
    dialect = "sqlite" if settings.is_sqlite else "postgresql"
    touched = {script.revision: _touched(script, dialect) for script in pending}
    words = {word for said in touched.values() for line in said for word in _words(line)}
    rows = asyncio.run(_rows(settings.database_url, words)) if pending else {}
    for script in pending:
        yield f"{script.revision}  {script.doc}"
        for line in touched[script.revision]:
            held = [name for name in _words(line) if name in rows]
            count = f"  ({rows[held[-1]]:,} rows now)" if held else ""
            yield f"      {line}{count}"


def _touched(script: Script, dialect: str) -> list[str]:
    try:
        sql = _rendered(script, dialect)
    except CommandError:
        # SQLite remakes a table for some changes, and looks at it first; PostgreSQL names them.
        sql = _rendered(script, "postgresql")
    except Exception:  # noqa: BLE001 - what reads rows may fail in any way without
        return [_UNSEEN]
    found = [
        (match.start(), said.format(*match.groups()))
        for kind, said in _KINDS
        for match in kind.finditer(sql)
    ]
    return [said for _, said in sorted(found)] or [_UNSEEN]


def _words(line: str) -> list[str]:
    return re.findall(r"\w+", line)


def _rendered(script: Script, dialect: str) -> str:
    sql = io.StringIO()
    options = {"as_sql": True, "output_buffer": sql, "literal_binds": True}
    context = MigrationContext.configure(dialect_name=dialect, opts=options)
    with Operations.context(context):
        script.module.upgrade()
    return sql.getvalue()


async def _rows(database_url: str, names: set[str]) -> dict[str, int]:
    """How many rows each table holds whose name is among ``names``."""
    if migrations.is_absent(database_url):
        return {}
    engine = create_async_engine(database_url, poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            there = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
            return {name: await _count(connection, name) for name in there if name in names}
    finally:
        await engine.dispose()


async def _count(connection: AsyncConnection, name: str) -> int:
    return await connection.scalar(select(func.count()).select_from(table(name))) or 0
