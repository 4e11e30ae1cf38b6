"""Where workers come from: started when they are needed, or waiting already."""

import asyncio
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress

from microblog.serving.leash import GO
from microblog.serving.worker import Worker


class Reserve:
    """Starts workers; with `spare`, one is always loaded beforehand and waits for its turn."""

    def __init__(self, command: Sequence[str], listener: socket.socket, *, spare: bool) -> None:
        self._command = command
        self._listener = listener
        self._wanted = spare
        self._spare: Worker | None = None
        self._lock = asyncio.Lock()

    async def hire(self, *, fresh: bool = False) -> Worker:
        """One that is told to serve; a fresh one has loaded nothing before this moment."""
        worker = None
        if not fresh:
            worker, self._spare = self._spare, None
        if worker is None or worker.has_ended:
            worker = await Worker.spawn(self._command, self._listener)
        worker.say(GO)
        return worker

    async def prepare(self, *, anew: bool = False) -> None:
        """Have a spare; `anew`: one that knows the newest code and settings."""
        async with self._lock:
            if anew:
                await self._dismiss()
            if self._wanted and self._spare is None:
                with suppress(OSError):  # without one a replacement takes longer, and that is all
                    self._spare = await Worker.spawn(self._command, self._listener)

    async def close(self) -> None:
        """No spare any more."""
        self._wanted = False
        async with self._lock:
            await self._dismiss()

    async def _dismiss(self) -> None:
        worker, self._spare = self._spare, None
        if worker is not None:
            # It holds nothing and serves nobody.
            worker.tell(signal.SIGKILL)
            await worker.process.wait()
            worker.close()
