"""Packing an archive: a zip with ``posts.json``, ``archive.json`` and a ``README.txt``.

``posts.json`` is an object with the one key ``posts``: for each post ``body`` and ``timestamp``,
byte for byte as ``json.dumps(…, indent=4)`` writes it. ``archive.json`` is complete: ``LAYOUT``
says what stands in it, and goes with every archive. A change that a reader of version 1 would not
understand gets another version. Everything is written in parts, so that nothing large is ever in
memory.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from microblog.adapters.shelf import Shelf
from microblog.domain.belongings import OwnPost
from microblog.jobs import entries

FORMAT = "microblog-archive"
VERSION = 1
COMPLETE, PLAIN, README = "archive.json", "posts.json", "README.txt"

# For whoever reads an archive without us.
LAYOUT = f"""\
{{"format": "{FORMAT}", "version": {VERSION}, "exported_at": TIME,
 "profile": {{"username", "email", "display_name", "about_me", "language", "time_zone",
             "created_at"}},
 "posts": [{{"id", "body", "created_at", "edited_at", "language"}} ...],
 "following": [{{"username", "since"}} ...],
 "followers": [{{"username", "since"}} ...],
 "messages": [{{"from", "to", "body", "sent_at", "read_at"}} ...]}}

Posts: oldest first. Messages: received, then sent, each oldest first.
TIME, since, *_at: ISO 8601, UTC, "Z". May be null: edited_at, language, time_zone, read_at.
"""

_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Packed:
    """A whole archive; sizes in bytes, ``plain`` is that of ``posts.json``."""

    size: int
    plain: int


class Draft:
    """An archive that is being written. Every method blocks; never two at a time."""

    def __init__(self, shelf: Shelf, name: str, begun_at: datetime) -> None:
        """Take where it will be; nothing is opened yet."""
        self._shelf = shelf
        self._name = name
        self._begun_at = begun_at
        self._first = True
        self._posts = 0
        self._file: BinaryIO
        self._zip: ZipFile
        self._complete: IO[bytes]
        self._plain: IO[bytes]
        # What is open: on a full disk one may open and the next one not.
        self._open: list[IO[bytes] | ZipFile] = []

    def begin(self, profile: Mapping[str, Any]) -> None:
        """Open the file and write the head."""
        self._file = self._shelf.begin(self._name)
        self._open.append(self._file)
        # Of two that grow together only one can grow in a zip; this one has no name to be left by.
        self._plain = tempfile.TemporaryFile(dir=self._shelf.folder())  # noqa: SIM115 (closed below)
        self._open.append(self._plain)
        self._zip = ZipFile(self._file, "w", ZIP_DEFLATED)
        self._open.append(self._zip)
        self._complete = self._zip.open(self._member(COMPLETE), "w", force_zip64=True)
        self._open.append(self._complete)
        head = {"format": FORMAT, "version": VERSION, "exported_at": entries.exact(self._begun_at)}
        text = json.dumps(head | {"profile": profile}, ensure_ascii=False, indent=1)
        self._complete.write(text.removesuffix("\n}").encode())

    def begin_list(self, name: str) -> None:
        """Begin one of the lists."""
        self._complete.write(f',\n "{name}": ['.encode())
        self._first = True

    def add(self, found: Iterable[Mapping[str, Any]]) -> None:
        """Go on with the list."""
        for entry in found:
            separator = "\n  " if self._first else ",\n  "
            self._first = False
            text = separator + json.dumps(entry, ensure_ascii=False)
            self._complete.write(text.encode())

    def add_posts(self, posts: Sequence[OwnPost]) -> None:
        """Go on with the list of posts, in both files."""
        for post in posts:
            self._plain.write(b'{\n    "posts": [\n' if self._posts == 0 else b",\n")
            self._plain.write(entries.plain(post).encode())
            self._posts += 1
        self.add(entries.of_post(post) for post in posts)

    def end_list(self) -> None:
        """End the list."""
        self._complete.write(b"]" if self._first else b"\n ]")

    def finish(self, readme: str) -> Packed:
        """Write the rest, and make it a whole file that survives a power cut."""
        self._complete.write(b"\n}\n")
        self._complete.close()
        self._plain.write(b"\n    ]\n}" if self._posts else b'{\n    "posts": []\n}')
        plain = self._plain.tell()
        self._plain.seek(0)
        with self._zip.open(self._member(PLAIN), "w", force_zip64=True) as member:
            shutil.copyfileobj(self._plain, member, _PIECE)
        self._zip.writestr(self._member(README), readme)
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self.close()
        return Packed(self._shelf.publish(self._name), plain)

    def close(self) -> None:
        """Let go of the files, finished or not; on a full disk even that can fail."""
        while self._open:
            with suppress(OSError, ValueError):
                self._open.pop().close()

    def _member(self, name: str) -> ZipInfo:
        # In zips times have no zone, and their years begin in 1980.
        member = ZipInfo(name, self._begun_at.timetuple()[:6])
        member.compress_type = ZIP_DEFLATED
        return member


def read_plain(shelf: Shelf, name: str) -> bytes | None:
    """The ``posts.json`` of a whole archive; ``None`` if the archive is gone."""
    try:
        with ZipFile(shelf.path(name)) as whole:
            return whole.read(PLAIN)
    except FileNotFoundError:
        return None
