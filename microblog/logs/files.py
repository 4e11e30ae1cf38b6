"""Where lines end up: a file that several processes share, or standard output.

The file is locked for each line (``flock``), and whoever finds it full puts it aside while holding
that lock. A process that then gets the lock sees that its file is no longer the one of that name,
and opens the new one. So lines of different processes are neither mixed nor lost, a log rotated by
somebody else is followed, and a deleted folder is made again. All of it happens in the log's own
thread.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_UN, flock
from itertools import pairwise
from logging import Handler, LogRecord
from pathlib import Path
from typing import BinaryIO

_COMPLAIN_SECONDS = 60.0


class _Lines(Handler):
    """A place for lines; if it takes none, standard error hears of it now and then."""

    _complained_at = -_COMPLAIN_SECONDS

    def emit(self, record: LogRecord) -> None:
        try:
            line = self.format(record) + "\n"
            self.write(line.encode("utf-8", "backslashreplace"))
        except Exception:  # noqa: BLE001 - a full disk must not stop the service
            self.handleError(record)

    def write(self, line: bytes) -> None:
        """Append one whole line."""
        raise NotImplementedError

    def handleError(self, record: LogRecord) -> None:  # noqa: ARG002, N802 - logging's own name
        now = time.monotonic()
        if now - self._complained_at < _COMPLAIN_SECONDS:
            return
        self._complained_at = now
        with suppress(Exception):
            sys.stderr.write(f"microblog: the log cannot be written: {sys.exception()}\n")


class StreamLines(_Lines):
    """Lines to a stream that is already open."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, line: bytes) -> None:
        self._stream.write(line)
        self._stream.flush()


class FileLines(_Lines):
    """Lines to ``path``; from ``max_bytes`` on it becomes ``path.1`` … up to ``path.<backups>``."""

    def __init__(self, path: Path, *, max_bytes: int, backups: int) -> None:
        """Raises :class:`OSError` if the file cannot be written."""
        super().__init__()
        self._path = path
        self._max_bytes = max_bytes
        self._backups = backups
        self._file: int | None = None
        with self._locked():
            pass

    def write(self, line: bytes) -> None:
        with self._locked() as file:
            size = os.fstat(file).st_size
            full = size > 0 and size + len(line) > self._max_bytes
            if not full:
                _append(file, line)
                return
            self._put_aside()
        with self._locked() as file:
            # Somebody may have been quicker and filled it again: a long file beats a lost line.
            _append(file, line)

    def close(self) -> None:
        self._forget()
        super().close()

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file that has our name now, for us alone."""
        file = self._opened()
        flock(file, LOCK_EX)
        while not self._is_current(file):
            self._forget()
            file = self._opened()
            flock(file, LOCK_EX)
        try:
            yield file
        finally:
            flock(file, LOCK_UN)

    def _opened(self) -> int:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        return self._file

    def _is_current(self, file: int) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(file))
        except FileNotFoundError:
            return False

    def _forget(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _put_aside(self) -> None:
        """Move each file one further. Our name is given up last, still under its lock."""
        names = [self._path, *(self._numbered(n) for n in range(1, self._backups + 1))]
        for newer, older in reversed(list(pairwise(names))):
            with suppress(FileNotFoundError):
                newer.replace(older)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _append(file: int, line: bytes) -> None:
    while line:
        line = line[os.write(file, line) :]
