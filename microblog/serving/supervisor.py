"""Several serving processes behind one listening socket, and whoever keeps them.

The socket is bound once, here. Each worker is a fresh interpreter that gets it by number, and a
leash: a socket pair whose closing tells the worker that its keeper has gone, however that happened.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

log = logging.getLogger(__name__)

READY = b"r"
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
# A worker that lived this long was well: its end says nothing about the next one.
CALM_SECONDS = 30.0
# Beyond the workers' patience: they leave by themselves before that.
KILL_AFTER_SECONDS = 1.4


class Worker:
    """One running process and our end of its leash."""

    def __init__(self, process: asyncio.subprocess.Process, leash: socket.socket) -> None:
        self.process = process
        self.leash = leash

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

    async def is_ready(self) -> bool:
        """Wait until it accepts connections; false when it ended before."""
        with suppress(ConnectionError):
            return await asyncio.get_running_loop().sock_recv(self.leash, 1) == READY
        return False

    def tell(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)


class Supervisor:
    """Keeps `count` workers alive until a signal; `ready` is called when the first one accepts."""

    def __init__(
        self,
        command: Sequence[str],
        listener: socket.socket,
        count: int,
        *,
        ready: Callable[[], None],
        patience: float,
    ) -> None:
        self._command = command
        self._listener = listener
        self._count = count
        self._ready = ready
        self._patience = patience
        self._workers: set[Worker] = set()
        self._stopping = asyncio.Event()
        self._serves = False
        self._status = 0

    async def run(self) -> int:
        """Returns the exit status: 0, or that of the worker that could not start at all."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        tending = [asyncio.create_task(self._tend()) for _ in range(self._count)]
        await self._stopping.wait()
        _, late = await asyncio.wait(tending, timeout=self._patience + KILL_AFTER_SECONDS)
        if late:
            log.warning("killing workers that would not end")
            for worker in self._workers:
                worker.tell(signal.SIGKILL)
        await asyncio.gather(*tending)
        return self._status

    def restart(self) -> None:
        """Let go of every worker; new ones follow at once."""
        for worker in self._workers:
            with suppress(OSError):  # it ended by itself just now
                worker.leash.shutdown(socket.SHUT_RDWR)

    def _stop(self) -> None:
        """Close our side first, then pass the signal on; a second signal hurries the workers."""
        self._stopping.set()
        self._listener.close()
        for worker in self._workers:
            worker.tell(signal.SIGTERM)

    async def _tend(self) -> None:
        """One place: a worker, and after it the next, with longer pauses while they keep dying."""
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            born = asyncio.get_running_loop().time()
            status, was_ready = await self._live()
            if self._stopping.is_set():
                return
            if status > 0 and not self._serves:
                self._status = status
                self._stop()
                return
            lived = asyncio.get_running_loop().time() - born
            if status == 0 or (was_ready and lived > CALM_SECONDS):
                pause = FIRST_PAUSE
            log.warning("a worker ended (%s); starting another", status)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _live(self) -> tuple[int, bool]:
        """The life of one worker: its exit status, and whether it ever served."""
        worker = await Worker.spawn(self._command, self._listener)
        self._workers.add(worker)
        if self._stopping.is_set():
            worker.tell(signal.SIGTERM)
        with worker.leash:
            was_ready = await worker.is_ready()
            if was_ready and not self._serves:
                self._serves = True
                self._ready()
            status = await worker.process.wait()
        self._workers.discard(worker)
        return status, was_ready
