"""`microblog worker` as a real process."""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.processes.serving import STOP_SECONDS, environ_of


class Worker:
    """Started, and waited for until it is at work."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._log = folder / "worker.log"
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "microblog", "worker"],
                cwd=folder,
                env=environ_of(environment),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        with self.process.stdout as said:
            line = said.readline()
        assert line == "microblog worker is at work\n", (line, self.log)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def stop(self) -> tuple[int, float]:
        """SIGTERM: exit status and how many seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS), time.monotonic() - began

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(STOP_SECONDS)
