"""A disk for one SQLite file that fails when it is told to, and that a power cut can happen to."""

import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_SOURCE = Path(__file__).with_name("disk.c")
_ENTRY = struct.Struct("=c3xIqQ")
# Shared memory: it is made anew after a power cut.
_PASSING = "-shm"


class NoCompiler(Exception):
    """The library that stands before the disk cannot be made; the text says why."""


@dataclass
class _File:
    """``kept`` is what is on the disk for good; ``pending`` what a power cut would forget."""

    kept: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        for offset, data in self.pending:
            end = offset if data is None else offset + len(data)
            self.kept.extend(bytes(max(0, end - len(self.kept))))
            if data is None:
                del self.kept[offset:]
            else:
                self.kept[offset:end] = data
        self.pending.clear()


class Disk:
    """What lies under a database file from this moment on; nobody has it open yet."""

    def __init__(self, database: Path, folder: Path) -> None:
        """Keep notes in ``folder``. Raises :class:`NoCompiler`."""
        self._database = database.resolve()
        self._library = folder / "disk.so"
        self._journal = folder / "journal"
        self._control = folder / "control"
        self._control.write_text("0")
        self._before = {path: path.read_bytes() for path in self._files()}
        compiler = shutil.which("cc")
        if compiler is None:
            raise NoCompiler("there is no C compiler")
        options = ("-O2", "-shared", "-fPIC", "-o", str(self._library), str(_SOURCE), "-lpthread")
        made = subprocess.run(
            [compiler, *options], capture_output=True, text=True, check=False, timeout=60
        )
        if made.returncode:
            raise NoCompiler(made.stderr)

    @property
    def environment(self) -> dict[str, str]:
        """For the processes that are to have this disk."""
        return {
            "LD_PRELOAD": str(self._library),
            "DISK_FILES": str(self._database),
            "DISK_JOURNAL": str(self._journal),
            "DISK_CONTROL": str(self._control),
        }

    def fail(self, *, every: int) -> None:
        """Have one of so many writes and syncs fail from now on; 0 for none."""
        with self._control.open("r+") as control:
            control.write(f"{every}\0".ljust(12, "\0"))

    def cut_power(self) -> int:
        """Put into the files what is left of them; every process must have been killed.

        Returns how many bytes had been written since each file's last sync, and are gone.
        """
        names = {str(p): _File(bytearray(content)) for p, content in self._before.items()}
        known = dict(names)
        for kind, path, offset, data in self._done():
            if kind == b"c":
                names[path] = _File()
            elif kind == b"u":
                names.pop(path, None)
            elif kind == b"s" and path == str(self._database.parent):
                known = dict(names)
            elif path in names and not path.endswith(_PASSING):
                if kind == b"s":
                    names[path].sync()
                else:
                    names[path].pending.append((offset, data if kind == b"w" else None))
        for path in self._files():
            path.unlink()
        for path, file in known.items():
            if not path.endswith(_PASSING):
                Path(path).write_bytes(file.kept)
        return sum(len(data or b"") for f in names.values() for _, data in f.pending)

    def _done(self) -> Iterator[tuple[bytes, str, int, bytes]]:
        with self._journal.open("rb") as journal:
            while head := journal.read(_ENTRY.size):
                kind, path_length, offset, length = _ENTRY.unpack(head)
                yield kind, journal.read(path_length).decode(), offset, journal.read(length)

    def _files(self) -> list[Path]:
        return sorted(self._database.parent.glob(f"{self._database.name}*"))
