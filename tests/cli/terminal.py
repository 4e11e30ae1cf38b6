"""A terminal with a command in it, and somebody who reads before they type."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PATIENCE = 30


class Terminal:
    def __init__(self, arguments: Sequence[str], environ: dict[str, str], cwd: Path) -> None:
        self._ours, theirs = os.openpty()
        self.shown = ""
        self._read = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "microblog", *arguments],
            cwd=cwd,
            env=environ | {"TERM": "dumb"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def expect(self, text: str) -> None:
        """Wait until it is shown, after what was expected before."""
        deadline = time.monotonic() + PATIENCE
        while (place := self.shown.find(text, self._read)) < 0:
            assert time.monotonic() < deadline, f"no {text!r} in {self.shown!r}"
            assert self._more(), f"no {text!r} in {self.shown!r}"
        self._read = place + len(text)

    def type(self, line: str) -> None:
        os.write(self._ours, f"{line}\n".encode())

    def end(self) -> int:
        """Wait for the end; the exit status."""
        while self._more():
            pass
        os.close(self._ours)
        return self._process.wait(PATIENCE)

    def _more(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], PATIENCE)
        assert ready, f"nothing more after {self.shown!r}"
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # the other end is closed
            return False
        self.shown += data.decode().replace("\r\n", "\n")
        return bool(data)
