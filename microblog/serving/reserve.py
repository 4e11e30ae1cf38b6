"""Where workers come from: started when they are needed, or waiting already."""

import asyncio
import logging
import signal
import socket
from collections.abc import Sequence

from microblog.serving.leash import GO
from microblog.serving.place import next_pause
from microblog.serving.worker import Worker

log = logging.getLogger(__name__)


class Reserve:
    """Starts workers; with `spare`, one is always loaded beforehand and waits for its turn."""

    def __init__(self, command: Sequence[str], listener: socket.socket, *, spare: bool) -> None:
        self._command = command
        self._listener = listener
        self._wanted = spare
        self._spare: Worker | None = None
        self._lock = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None

    async def hire(self, *, fresh: bool = False) -> Worker:
        """One that is told to serve; a fresh one has loaded nothing before this moment."""
        worker = None if fresh else self._take()
        if worker is None:
            worker = await Worker.spawn(self._command, self._listener)
        worker.say(GO)
        return worker

    def _take(self) -> Worker | None:
        worker, self._spare = self._spare, None
        if worker is None:
            return None
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        if worker.has_ended:
            worker.close()
            return None
        return worker

    async def prepare(self, *, anew: bool = False) -> None:
        """Have a spare; `anew`: one that knows the newest code and settings."""
        async with self._lock:
            if anew:
                await self._dismiss()
            if self._wanted and self._watching is None:
                self._watching = asyncio.create_task(self._have_one(), name="spare worker")

    async def _have_one(self) -> None:
        """Start a spare, and another one whenever it dies before its turn; for ever."""
        pause = 0.0
        while True:
            try:
                worker = self._spare = await Worker.spawn(self._command, self._listener)
            except OSError as error:
                log.warning("no spare worker can be started: %s", error)
            else:
                status = await worker.process.wait()
                log.warning("the spare worker ended (%s); starting another", status)
                self._spare = None
                worker.close()
            pause = next_pause(pause)
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """No spare any more."""
        self._wanted = False
        async with self._lock:
            await self._dismiss()

    async def _dismiss(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})
            self._watching = None
        worker, self._spare = self._spare, None
        if worker is not None:
            # It holds nothing and serves nobody.
            worker.tell(signal.SIGKILL)
            await worker.process.wait()
            worker.close()
