"""The running service: started, stopped and started again at the same address."""

import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

BEGIN_SECONDS = 60
END_SECONDS = 10


class Site:
    """A server process with a data folder of its own; ``url`` holds over restarts."""

    def __init__(self, folder: Path, *arguments: str, **environ: str) -> None:
        self.url = ""
        self._arguments = arguments
        self._folder = folder
        self._environ = {
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "MICROBLOG_SERVER_INSTANCE": str(folder / "instance"),
            # Nobody's allowance runs out in a test that is not about allowances.
            "MICROBLOG_LIMITS_SCALE": "1000",
            **environ,
        }
        self._log = folder / "server.log"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        port = self.url.rpartition(":")[2] or "0"
        command = [sys.executable, "-m", "microblog", "serve", "--port", port, *self._arguments]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=os.environ | self._environ,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.url = self._address(self._process)

    def _address(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], BEGIN_SECONDS)
        line = process.stdout.readline() if readable else ""
        found = re.fullmatch(r"microblog is at (http://127\.0\.0\.1:\d+)\n", line)
        assert found, (line, self._log.read_text())
        return found[1]

    def stop(self) -> None:
        """Stop as an operator would; a server that takes its time, or complains, is a failure."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(END_SECONDS)
        self._forget()
        assert status == 0
        assert "Traceback" not in self._log.read_text(), self._log.read_text()

    def close(self) -> None:
        """Stop what may still be running."""
        if self._process is not None:
            try:
                self.stop()
            finally:
                self.kill()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._forget()

    def _forget(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
