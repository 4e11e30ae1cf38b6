"""Watching the source while somebody works on it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

SUFFIXES = {".py", ".html", ".txt", ".toml", ".mo"}
LOOK_EVERY_SECONDS = 0.5


def snapshot(folder: Path) -> dict[Path, int]:
    """When each source file below `folder` was last written."""
    found = {}
    for path in folder.rglob("*"):
        if path.suffix in SUFFIXES:
            try:
                found[path] = path.stat().st_mtime_ns
            except FileNotFoundError:  # gone since it was listed
                continue
    return found


async def watch(folder: Path, changed: Callable[[], None]) -> None:
    """Call `changed` whenever a file came, went or was written. Runs until it is cancelled."""
    before = await asyncio.to_thread(snapshot, folder)
    while True:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        now = await asyncio.to_thread(snapshot, folder)
        if now != before:
            before = now
            changed()
