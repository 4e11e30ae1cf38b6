"""The least that a store can do for a post: one row of its size, and a commit, again and again.

With the drivers and the durability of the service: on SQLite one connection that may write, shared
by all, with a write-ahead log and ``synchronous=FULL``; on PostgreSQL a connection for each writer.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from microblog.database import open_sqlite

TEXT = "The same again and again: a post of the usual length, in plain words, about the weather."
_TABLE = "bare (id {}, user_id INTEGER, body TEXT, language TEXT, written_at TEXT)"
_INSERT = "INSERT INTO bare (user_id, body, language, written_at) VALUES "
_ROW = (1, TEXT, "en", "2026-11-21 12:00:00.000000")

# Goes on until the given moment of time.perf_counter(); returns how often it has committed.
Loop = Callable[[float], Awaitable[int]]


@asynccontextmanager
async def loops(url: str, folder: Path, writers: int) -> AsyncIterator[Mapping[str, Loop]]:
    """The loops on the store of this address, by name; the first one is what counts."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        # A file of its own beside: the service would wait for it otherwise.
        path = folder / "bare.db"
        try:
            async with _sqlite(path, writers) as made:
                yield made
        finally:
            for each in folder.glob(f"{path.name}*"):
                each.unlink()
    else:
        address = parts.set(drivername="postgresql").render_as_string(hide_password=False)
        async with _postgresql(address, writers) as made:
            yield made


@asynccontextmanager
async def _sqlite(path: Path, writers: int) -> AsyncIterator[Mapping[str, Loop]]:
    plain = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    plain.execute("PRAGMA journal_mode = WAL")
    plain.execute("PRAGMA synchronous = FULL")
    plain.execute(f"CREATE TABLE {_TABLE.format('INTEGER PRIMARY KEY')}")
    shared = await open_sqlite(str(path))
    await shared.execute("PRAGMA synchronous = FULL")
    turn = asyncio.Lock()
    insert = f"{_INSERT} (?, ?, ?, ?)"

    async def write_shared(until: float) -> int:
        done = 0
        while time.perf_counter() < until:
            async with turn:
                for statement, row in (("BEGIN IMMEDIATE", ()), (insert, _ROW), ("COMMIT", ())):
                    await shared.execute(statement, row)
            done += 1
        return done

    def write_plain(until: float) -> int:
        done = 0
        while time.perf_counter() < until:
            plain.execute("BEGIN IMMEDIATE")
            plain.execute(insert, _ROW)
            plain.execute("COMMIT")
            done += 1
        return done

    async def all_shared(until: float) -> int:
        return sum(await asyncio.gather(*(write_shared(until) for _ in range(writers))))

    async def all_plain(until: float) -> int:
        return await asyncio.to_thread(write_plain, until)

    try:
        yield {"bare aiosqlite": all_shared, "bare sqlite3, one thread": all_plain}
    finally:
        await shared.close()
        plain.close()


@asynccontextmanager
async def _postgresql(address: str, writers: int) -> AsyncIterator[Mapping[str, Loop]]:
    connections = [await asyncpg.connect(address) for _ in range(writers)]

    async def write(connection: Any, until: float) -> int:
        done = 0
        insert = await connection.prepare(f"{_INSERT} ($1, $2, $3, $4)")
        while time.perf_counter() < until:
            async with connection.transaction():
                await insert.fetch(*_ROW)
            done += 1
        return done

    async def all_of_them(until: float) -> int:
        return sum(await asyncio.gather(*(write(each, until) for each in connections)))

    try:
        await connections[0].execute(f"CREATE TABLE {_TABLE.format('SERIAL PRIMARY KEY')}")
        yield {"bare asyncpg": all_of_them}
    finally:
        await connections[0].execute("DROP TABLE IF EXISTS bare")
        for connection in connections:
            await connection.close()


def sync(folder: Path) -> float:
    """Seconds that the disk takes to keep 4 KiB for good."""
    path = folder / "sync"
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        os.write(file, bytes(4096))
        began = time.perf_counter()
        os.fdatasync(file)
        return time.perf_counter() - began
    finally:
        os.close(file)
        path.unlink()
