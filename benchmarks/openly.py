"""Requests that come when they come, whether or not the ones before have been answered.

That is how a crowd behaves: it does not slow down because the server does. Seconds count from the
moment when a request was due, so that a client that is late does not flatter the server.

`python -m benchmarks.openly` is the client as a process of its own: it takes its task from its
input and prints what it found, both as JSON.
"""

import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import cast

from benchmarks import client
from benchmarks.lag import Lag
from microblog.serving.process import fast_loop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = b"\r\nconnection: close"
_TICK_SECONDS = 0.002
_MOST_CONNECTIONS = 4_000
_PATIENCE_SECONDS = 20
# Of so many requests one is somebody's first: it comes on a new connection, and the last one on it.
_FIRST_OF = 10
_ROOT = Path(__file__).parents[1]


@dataclass
class Crowd:
    """Seconds of the answers by their status; ``failed`` are connections that broke.

    ``unsent`` are requests for which there was no connection left; ``ended`` is when the last one
    was due, on the clock of ``perf_counter``; ``seconds`` count to the last answer; ``lag`` tells
    of the client's own.
    """

    answers: dict[int, list[float]] = field(default_factory=dict)
    failed: Counter[str] = field(default_factory=Counter)
    unsent: int = 0
    ended: float = 0.0
    seconds: float = 0.0
    lag: str = ""

    def of(self, status: int) -> list[float]:
        """Seconds of each answer with this status."""
        return self.answers.get(status, [])

    @property
    def number(self) -> int:
        """Of all answers."""
        return sum(map(len, self.answers.values()))


class _Connection(asyncio.Protocol):
    """One request at a time; it goes back among the idle ones when that is answered."""

    def __init__(self, sender: "Sender", due: float, *, stays: bool) -> None:
        self._sender = sender
        self._stays = stays
        self._due: float | None = due
        self._head = b""
        self._missing = 0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(next(self._sender.requests))

    def ask(self, due: float) -> None:
        self._due, self._head = due, b""
        self._transport.write(next(self._sender.requests))

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._head, 0, end + 2)
            self._missing = (int(length[1]) if length else 0) - (len(self._head) - end - 4)
            self._head = self._head[: end + 2]
        if self._missing == 0 and self._due is not None:
            self._end(time.perf_counter() - self._due)

    def _end(self, seconds: float) -> None:
        self._due = None
        status = int(self._head.split(b" ", 2)[1])
        self._sender.crowd.answers.setdefault(status, []).append(seconds)
        if _CLOSES in self._head.lower() or not self._stays:
            self._transport.close()
        else:
            self._sender.idle.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._sender.forget(self)
        if self._due is not None:
            self._sender.crowd.failed[type(error).__name__] += 1

    def abort(self) -> None:
        self._due = None
        self._transport.abort()


class Sender:
    """Sends these requests in turn to one port, again and again."""

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self.requests = cycle(requests)
        self.crowd = Crowd()
        self.idle: list[_Connection] = []
        self.open = 0
        self._port = port
        self._all: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, rate: float, seconds: float) -> Crowd:
        """So many a second for so long; returns when all have an answer, or none will come."""
        began, number = time.perf_counter(), 0
        while (now := time.perf_counter()) < began + seconds:
            while (due := began + number / rate) <= now:
                self._fire(due, is_first=number % _FIRST_OF == 0)
                number += 1
            await asyncio.sleep(_TICK_SECONDS)
        self.crowd.ended = began + seconds
        deadline = time.perf_counter() + _PATIENCE_SECONDS
        while self._is_waiting() and time.perf_counter() < deadline:
            await asyncio.sleep(_TICK_SECONDS)
        self.crowd.seconds = time.perf_counter() - began
        self.crowd.failed["no answer"] += self.open - len(self.idle)
        for connection in list(self._all):
            connection.abort()
        return self.crowd

    def _is_waiting(self) -> bool:
        return bool(self._tasks) or self.open > len(self.idle)

    def forget(self, connection: _Connection) -> None:
        """It is closed."""
        self.open -= 1
        self._all.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)

    def _fire(self, due: float, *, is_first: bool) -> None:
        if self.idle and not is_first:
            self.idle.pop().ask(due)
        elif self.open < _MOST_CONNECTIONS:
            self.open += 1
            task = asyncio.create_task(self._connect(due, stays=not is_first))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self.crowd.unsent += 1

    async def _connect(self, due: float, *, stays: bool) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: _Connection(self, due, stays=stays), client.HOST, self._port
            )
        except OSError as error:
            self.open -= 1
            self.crowd.failed[type(error).__name__] += 1
        else:
            self._all.add(connection)


async def send(port: int, requests: Sequence[bytes], rate: float, seconds: float) -> Crowd:
    """So many requests a second for so long, by a process that does nothing else."""
    task = {"port": port, "requests": [each.decode() for each in requests]}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.openly"),
        cwd=_ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    told = json.dumps({**task, "rate": rate, "seconds": seconds}).encode()
    try:
        found, _ = await process.communicate(told)
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise RuntimeError(f"the client ended with status {process.returncode}")
    crowd = Crowd(**json.loads(found))
    crowd.answers = {int(status): answers for status, answers in crowd.answers.items()}
    crowd.failed = Counter(crowd.failed)
    return crowd


async def _be_the_client() -> None:
    task = json.load(sys.stdin)
    sender = Sender(task["port"], [each.encode() for each in task["requests"]])
    async with Lag() as lag:
        crowd = await sender.send(task["rate"], task["seconds"])
    crowd.lag = str(lag)
    json.dump(vars(crowd), sys.stdout)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=fast_loop) as runner:
        runner.run(_be_the_client())
