"""Unpacking an archive that somebody has sent: anything may be in it, so nothing is believed.

It is read in small parts, the way it was written (``packing``), and refused as soon as it asks for
more memory, more nesting or more room than an archive of ours ever would.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from microblog.domain.restoring import Restored
from microblog.i18n import marked
from microblog.jobs import entries
from microblog.jobs.entries import Unusable
from microblog.jobs.members import Members
from microblog.jobs.packing import COMPLETE, FORMAT, VERSION

NO_ARCHIVE = marked("This is no archive of this service.")
UNKNOWN_VERSION = marked("This archive is of a version that is not known here.")
TOO_LARGE = marked("There is more in this archive than is taken here.")
BAD_POST = marked("A post in this archive is not as it should be.")

# A list of contents that is longer is not one of three files.
_LONGEST_READ = 128 * 1024
# Posts of one moment are given together up to this number.
_MOST_AT_ONCE = 1000
# What the library may raise over bytes that are no zip, or no text.
_GARBLED = (
    *(BadZipFile, zlib.error, struct.error, EOFError, KeyError),
    *(NotImplementedError, RuntimeError, ValueError),
)


class NoArchive(Exception):
    """It cannot be taken; the text, of the catalogue, says why."""


class Parcel:
    """An archive that is being read. Every method blocks; never two at a time."""

    def __init__(self, path: Path, *, most_bytes: int, now: datetime) -> None:
        """Take the file, how much may come out of it, and the latest moment of its posts."""
        self._path = path
        self._most_bytes = most_bytes
        self._now = now
        self._open: list[IO[Any] | ZipFile] = []
        self._waiting: Restored | None = None
        self._posts: Iterator[Restored] | None = None

    def next_posts(self, number: int) -> list[Restored]:
        """Up to so many posts, and a few more where they are of one moment; none at the end.

        Raises :class:`NoArchive`, at the end also if it turns out that it was none.
        """
        try:
            if self._posts is None:
                self._posts = self._read()
            return self._portion(number, self._posts)
        except Unusable as error:
            raise NoArchive(BAD_POST) from error
        except _GARBLED as error:
            raise NoArchive(NO_ARCHIVE) from error

    def close(self) -> None:
        """Let go of the file."""
        for file in reversed(self._open):
            file.close()
        self._open.clear()

    def _portion(self, number: int, posts: Iterator[Restored]) -> list[Restored]:
        found = [self._waiting] if self._waiting else []
        found += islice(posts, number - len(found))
        self._waiting = next(posts, None) if found else None
        while self._waiting and self._waiting.created_at == found[-1].created_at:
            if len(found) >= _MOST_AT_ONCE:
                break
            found.append(self._waiting)
            self._waiting = next(posts, None)
        return found

    def _read(self) -> Iterator[Restored]:
        said: dict[str, Any] = {}
        for key, value in Members(self._text()).all():
            if key == "posts":
                yield entries.restored(value, now=self._now)
            elif key == "format" and value != FORMAT:
                raise NoArchive(NO_ARCHIVE)
            elif key == "version" and (type(value), value) != (int, VERSION):
                raise NoArchive(UNKNOWN_VERSION)
            elif key in ("format", "version"):
                said[key] = value
        if said.keys() != {"format", "version"}:
            raise NoArchive(NO_ARCHIVE)

    def _text(self) -> IO[str]:
        file = _Careful(self._path, "rb")
        self._open.append(file)
        whole = ZipFile(file)
        self._open.append(whole)
        member = whole.getinfo(COMPLETE)
        if member.file_size > self._most_bytes:
            raise NoArchive(TOO_LARGE)
        if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise NoArchive(NO_ARCHIVE)
        # The library gives no more than was declared, and compares the checksum.
        text = io.TextIOWrapper(whole.open(member), encoding="utf-8-sig")
        self._open.append(text)
        return text


class _Careful(io.FileIO):
    """A file of which nobody reads much at once: a zip says itself how long its contents are."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = _LONGEST_READ
        if size > _LONGEST_READ:
            raise BadZipFile("there is a long list of contents in it")
        return super().read(size) or b""
