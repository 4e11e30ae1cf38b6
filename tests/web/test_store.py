"""What people meet while the SQLite file is locked from outside, or its disk is full."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from quart import Response
from sqlalchemy import text

from microblog.database import Database
from tests.cast import Cast
from tests.domain.test_database import another_writer
from tests.web.reading import body, heading, texts
from tests.wholeness import assert_whole

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NO_ROOM = "There is no room left on the server&#39;s disk. Please try again later."


@pytest.fixture
def patient(environment: dict[str, str]) -> None:
    environment["MICROBLOG_DATABASE_BUSY_TIMEOUT"] = "1.0"


async def publish(cast: Cast, words: str) -> list[asyncio.Task[Response]]:
    """All of them at once; they are on their way when this returns."""
    people = (cast.susan, cast.john, cast.mary, cast.david)
    tokens = [await person.browser.token("/") for person in people]
    return [
        asyncio.create_task(person.browser.post("/", csrf_token=token, post=words))
        for person, token in zip(people, tokens, strict=True)
    ]


@pytest.mark.usefixtures("patient")
async def test_locked_from_outside(cast: Cast) -> None:
    """T-66: for a while they wait and succeed; for long they are told; reading goes on meanwhile."""
    database = cast.resources.database
    async with another_writer(database):
        writing = await publish(cast, "waited")
        while not database._writer.pool.checkedout():  # type: ignore[attr-defined]
            await asyncio.sleep(0)
        assert texts(await cast.susan.browser.text("/explore")) == []
        assert not any(task.done() for task in writing)
    assert {answer.status_code for answer in await asyncio.gather(*writing)} == {302}
    async with another_writer(database):
        writing = await publish(cast, "in vain")
        assert texts(await cast.susan.browser.text("/explore")) == ["waited"] * 4
        for answer in await asyncio.gather(*writing):
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert heading(await body(answer)) == "Busy"
        assert texts(await cast.susan.browser.text("/explore")) == ["waited"] * 4
    again = await asyncio.gather(*await publish(cast, "again"))
    assert {answer.status_code for answer in again} == {302}
    await assert_whole(database)


@pytest.fixture
def narrow(environment: dict[str, str]) -> None:
    environment["MICROBLOG_DATABASE_POOL_SIZE"] = "1"
    environment["MICROBLOG_DATABASE_POOL_TIMEOUT"] = "0.1"


@pytest.mark.usefixtures("narrow")
async def test_no_connection_is_free(cast: Cast) -> None:
    """T-68: who waits for one is told before long; writing is another matter."""
    token = await cast.susan.browser.token("/")
    async with cast.resources.database._reader.connect():
        answer = await cast.susan.browser.get("/explore")
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert heading(await body(answer)) == "Busy"
        await cast.publish(cast.susan, "hello")
    assert (await cast.susan.browser.post("/", csrf_token=token, post="again")).status_code == 302
    assert texts(await cast.susan.browser.text("/explore")) == ["again", "hello"]


@pytest.fixture
def small_disk(
    environment: dict[str, str], tmp_path: Path, migrated_sqlite: Path
) -> Iterator[Path]:
    """The data folder in a file system of its own; where none can be mounted, a folder."""
    folder = tmp_path / "small"
    folder.mkdir()
    size = 4 * migrated_sqlite.stat().st_size
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    shutil.copy(migrated_sqlite, folder / "microblog.db")
    environment["DATABASE_URL"] = f"sqlite:///{folder}/microblog.db"
    environment["MICROBLOG_SERVER_INSTANCE"] = str(folder)
    yield folder
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


class Ballast:
    """Takes all the room there is; where the disk is everybody's, only what the database may use."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._file = folder / "ballast"
        self._database = database
        self._is_real = folder.is_mount()

    async def load(self) -> None:
        if not self._is_real:
            await self._bound("(SELECT page_count FROM pragma_page_count)")
            return
        with self._file.open("wb", buffering=0) as file:
            for size in (65536, 4096, 1):
                with pytest.raises(OSError, match="No space left"):
                    while file.write(b"x" * size):
                        pass
        assert os.statvfs(self._file.parent).f_bavail == 0

    async def unload(self) -> None:
        if self._is_real:
            self._file.unlink()
        else:
            await self._bound("1000000")

    async def _bound(self, pages: str) -> None:
        async with self._database._writer.connect() as connection:
            number = await connection.scalar(text(f"SELECT {pages}"))
            await connection.execute(text(f"PRAGMA max_page_count = {number}"))


@pytest.mark.usefixtures("small_disk")
async def test_a_full_disk(small_disk: Path, cast: Cast) -> None:
    """T-71: writing says why, reading goes on, and all is well as soon as there is room."""
    database = cast.resources.database
    ballast = Ballast(small_disk, database)
    await cast.publish(cast.susan, "there was room")
    await ballast.load()
    refused, number = [], 0
    # What is free inside the file may do for some.
    async with asyncio.timeout(60):
        while len(refused) < 2:
            number += 1
            answers = await asyncio.gather(*await publish(cast, f"{number} " + "long " * 90))
            refused += [answer for answer in answers if answer.status_code != 302]
    for answer in refused:
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        page = await body(answer)
        assert NO_ROOM in page
        assert "long long" in page
    kept = texts(await cast.susan.browser.text("/post/1"))
    assert kept == ["there was room"]
    await assert_whole(database)
    await ballast.unload()
    for answer in await asyncio.gather(*await publish(cast, "there is room again")):
        assert answer.status_code == 302
    await assert_whole(database)
