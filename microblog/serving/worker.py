"""One serving process as its keeper sees it: from its start to its last words."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

from microblog.serving import leash
from microblog.serving.pulse import SLICES

log = logging.getLogger(__name__)

# A worker that served this long was well: its end says nothing about the next one.
CALM_SECONDS = 1.0
# For a stalled worker to say where it is.
LAST_WORDS_SECONDS = 1.0
# A worker that does not come up in this time is stuck; its own time-out for the app is a minute.
START_SECONDS = 90.0


class Worker:
    """A process and our end of its leash. It loads everything at once, and serves when told."""

    def __init__(self, process: asyncio.subprocess.Process, ours: socket.socket) -> None:
        self.process = process
        self.was_well = False
        self._leash = ours
        self._report = leash.Report()
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def spawn(cls, command: Sequence[str], listener: socket.socket) -> "Worker":
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        numbers = (listener.fileno(), theirs.fileno())
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *command,
                *("--fd", str(numbers[0]), "--leash", str(numbers[1])),
                pass_fds=numbers,
                stdin=asyncio.subprocess.DEVNULL,
                # A Ctrl-C in the terminal is for the keeper, which passes it on once.
                process_group=0,
            )
        return cls(process, ours)

    @property
    def has_ended(self) -> bool:
        return self.process.returncode is not None

    def tell(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def say(self, word: bytes) -> None:
        with suppress(OSError):  # it ended by itself just now
            self._leash.send(word)

    def let_go(self) -> None:
        """It ends by itself, and quickly."""
        with suppress(OSError):
            self._leash.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._leash.close()

    async def live(self, stall_seconds: float, ready: Callable[[], None]) -> int:
        """Its life until the end, however that comes; gives the exit status."""
        ready_at = 0.0

        def note() -> None:
            nonlocal ready_at
            ready_at = self._loop.time()
            ready()

        hearing = asyncio.create_task(self._hear(stall_seconds, note))
        status = await self.process.wait()
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
        self._hear_the_rest(note)
        self.close()
        if self._report.last_words:
            log.error("a worker was here at its end:\n%s", self._report.last_words)
        lived = self._loop.time() - ready_at
        self.was_well = self._report.is_ready and (status == 0 or lived > CALM_SECONDS)
        return status

    async def _hear(self, stall_seconds: float, ready: Callable[[], None]) -> None:
        """Listen until it closes its end; one that has nothing to say for too long is killed."""
        part = stall_seconds / SLICES
        silent = 0  # parts
        while True:
            try:
                async with asyncio.timeout(part or None):
                    received = await self._loop.sock_recv(self._leash, 65_536)
            except TimeoutError:
                silent += 1
                if silent >= (SLICES if self._report.is_ready else START_SECONDS / part):
                    await self._kill_stalled(silent * part)
                    return
            except ConnectionError:
                return
            else:
                if not received:
                    return
                silent = 0
                self._report.take(received, ready)

    async def _kill_stalled(self, silent: float) -> None:
        log.error("a worker has stalled for %.3g s; killing it", silent)
        self.tell(signal.SIGABRT)
        await asyncio.sleep(LAST_WORDS_SECONDS)
        # One that is stopped does not even die of the first signal.
        self.tell(signal.SIGKILL)

    def _hear_the_rest(self, ready: Callable[[], None]) -> None:
        with suppress(OSError):
            while received := self._leash.recv(65_536):
                self._report.take(received, ready)
