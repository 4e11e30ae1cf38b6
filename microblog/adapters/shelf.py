"""Folders of large files: archives to be fetched, archives that were sent in.

A file has a random name that says nothing, and only the operator may look into the folder. Work on
files blocks, so it is done in threads (:func:`off_the_loop`).
"""

import asyncio
import errno
import os
import secrets
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, TypeVar

Result = TypeVar("Result")


def is_full(error: OSError) -> bool:
    """Whether there was no room, on the disk or in what one may use of it."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def new_name() -> str:
    """A name that nobody can guess, and that is one on every file system."""
    return secrets.token_hex(24)


async def off_the_loop(work: Callable[..., Result], *arguments: object) -> Result:
    """Do blocking work in a thread. Whoever is cancelled meanwhile waits for its end all the same.

    So nobody ever closes or removes what is still being written.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        if not working.cancelled():
            working.exception()  # nobody asks for it any more
        raise


class Shelf:
    """One folder; it is made with its first file."""

    def __init__(self, folder: Path, ending: str = ".zip") -> None:
        """Take the folder, and how the names of its whole files end."""
        self._folder = folder
        self._ending = ending

    def path(self, name: str) -> Path:
        """Where the whole file is."""
        return self._folder / f"{name}{self._ending}"

    def draft(self, name: str) -> Path:
        """Where it is as long as it is not whole."""
        return self._folder / f"{name}.part"

    def folder(self) -> Path:
        """The folder, made if need be."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder

    def begin(self, name: str) -> BinaryIO:
        """Open a new draft, to be written and looked back into."""
        self.folder()
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        return os.fdopen(os.open(self.draft(name), flags, 0o600), "w+b")

    def publish(self, name: str) -> int:
        """Make a draft, closed and on the disk, the whole file; its size in bytes."""
        self.draft(name).rename(self.path(name))
        self._remember()
        return self.path(name).stat().st_size

    def remove(self, name: str) -> None:
        """Remove a file, whole or not, if there is one."""
        for path in (self.path(name), self.draft(name)):
            path.unlink(missing_ok=True)

    def sweep(self, keep: Collection[str], older_than: timedelta) -> None:
        """Remove whatever nobody keeps and nobody has written to for so long."""
        limit = time.time() - older_than.total_seconds()
        with suppress(FileNotFoundError):
            for path in list(self._folder.iterdir()):
                if path.stem not in keep and path.stat().st_mtime < limit:
                    path.unlink(missing_ok=True)

    def _remember(self) -> None:
        # A new name is safe from a power cut only when its folder is written down too.
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
