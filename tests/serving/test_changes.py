"""The source is watched, and nothing but the source."""

import asyncio
import os
from pathlib import Path

from microblog.serving.changes import snapshot, watch


async def test_a_written_file_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "page.py"
    source.touch()
    noticed = asyncio.Event()
    watching = asyncio.create_task(watch(tmp_path, noticed.set))
    moment = source.stat().st_mtime_ns
    async with asyncio.timeout(10):
        while not noticed.is_set():
            moment += 1_000_000_000
            os.utime(source, ns=(moment, moment))
            await asyncio.sleep(0.05)
    watching.cancel()


def test_new_and_lost_files_count_and_data_does_not(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    empty = snapshot(tmp_path)
    (tmp_path / "room" / "microblog.db").touch()
    assert snapshot(tmp_path) == empty == {}
    (tmp_path / "room" / "page.html").touch()
    assert list(snapshot(tmp_path)) == [tmp_path / "room" / "page.html"]
