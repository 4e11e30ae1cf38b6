"""More or fewer posts than a town wrote, within seconds: its newest ones, or its history repeated.

What is added lies before what was there: the newest posts, and so the pages that show them, are the
same whatever the amount, and a page that is slower is slower because of what it does not show.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import asyncpg

from microblog.domain.demo.people import DAYS

_SQLITE_LATER = "strftime('%Y-%m-%d %H:%M:%S', timestamp, '{:+d} days') || substr(timestamp, 20)"
_POSTGRESQL_LATER = "timestamp + interval '{:+d} days'"
_COUNT = "SELECT max(id) FROM post"
_INDEX = "CREATE INDEX ix_post_search_vector ON post_search USING gin (vector)"


def on_sqlite(path: Path, posts: int) -> None:
    """Bring the file to that many posts; it must have the ids from 1 on without a gap."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # If it fails, the file is thrown away.
        (kept,) = connection.execute("PRAGMA journal_mode").fetchone()
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-400000")
        (there,) = connection.execute(_COUNT).fetchone()
        connection.execute("BEGIN")
        if posts < there:
            for table, column in (("post_search", "rowid"), ("post", "id")):
                connection.execute(f"DELETE FROM {table} WHERE {column} <= ?", (there - posts,))
        else:
            for statement in _repeated(there, posts, _SQLITE_LATER):
                connection.execute(statement)
            for shift in _shifts(there, posts):
                connection.execute(
                    f"INSERT INTO post_search (rowid, terms) SELECT rowid + {shift}, terms"
                    f" FROM post_search WHERE rowid <= {there} ORDER BY rowid"
                )
        connection.execute("COMMIT")
        connection.execute("VACUUM")
        for table in ("user", "post", "followers"):
            connection.execute(f'ANALYZE "{table}"')
        connection.execute(f"PRAGMA journal_mode={kept}")


async def on_postgresql(address: str, posts: int) -> None:
    """Bring the database to that many posts; it must have the ids from 1 on without a gap."""
    connection = await asyncpg.connect(address)
    try:
        there = await connection.fetchval(_COUNT)
        await connection.execute("SET maintenance_work_mem = '1GB'")
        async with connection.transaction():
            if posts < there:
                await connection.execute("DELETE FROM post WHERE id <= $1", there - posts)
                return
            # Made anew at once, it takes a fraction of the time.
            await connection.execute("DROP INDEX ix_post_search_vector")
            for statement in _repeated(there, posts, _POSTGRESQL_LATER):
                await connection.execute(statement)
            for shift in _shifts(there, posts):
                await connection.execute(
                    f"INSERT INTO post_search SELECT post_id + {shift}, terms, vector"
                    f" FROM post_search WHERE post_id <= {there} ORDER BY post_id"
                )
            await connection.execute(_INDEX)
            await connection.execute("SELECT setval('post_id_seq', $1)", posts)
    finally:
        await connection.close()


def _shifts(there: int, posts: int) -> Iterator[int]:
    """By how much the ids of each repetition are larger than those of the first."""
    if posts % there:
        raise ValueError(f"{posts} is no multiple of {there}")
    yield from range(there, posts, there)


def _repeated(there: int, posts: int, later: str) -> Iterator[str]:
    """The first moves far back; each repetition follows the one before, the last ends today."""
    back = DAYS * (posts // there - 1)
    yield f"UPDATE post SET timestamp = {later.format(-back)}"
    for shift in _shifts(there, posts):
        yield (
            "INSERT INTO post (id, user_id, body, language, timestamp)"
            f" SELECT id + {shift}, user_id, body, language, {later.format(DAYS * shift // there)}"
            f" FROM post WHERE id <= {there} ORDER BY id"
        )
