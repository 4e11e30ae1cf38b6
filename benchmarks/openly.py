"""Requests that come when they come, whether or not the ones before have been answered.

That is how a crowd behaves: it does not slow down because the server does. Seconds count from the
moment when a request was due, so that a client that is late does not flatter the server.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import cast

from benchmarks import client

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = b"\r\nconnection: close"
_TICK_SECONDS = 0.002
_MOST_CONNECTIONS = 4_000
_PATIENCE_SECONDS = 20


@dataclass
class Crowd:
    """Seconds of the answers by their status; ``failed`` are connections that broke.

    ``unsent`` are requests for which there was no connection left; ``ended`` is when the last one
    was due, on the clock of ``perf_counter``; ``seconds`` count to the last answer.
    """

    answers: dict[int, list[float]] = field(default_factory=dict)
    failed: Counter[str] = field(default_factory=Counter)
    unsent: int = 0
    ended: float = 0.0
    seconds: float = 0.0

    def of(self, status: int) -> list[float]:
        """Seconds of each answer with this status."""
        return self.answers.get(status, [])

    @property
    def number(self) -> int:
        """Of all answers."""
        return sum(map(len, self.answers.values()))


class _Connection(asyncio.Protocol):
    """One request at a time; it goes back among the idle ones when that is answered."""

    def __init__(self, sender: "Sender", due: float) -> None:
        self._sender = sender
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
        if _CLOSES in self._head.lower():
            self._transport.close()
        else:
            self._sender.idle.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._sender.open -= 1
        if self in self._sender.idle:
            self._sender.idle.remove(self)
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
        self._all: list[_Connection] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, rate: float, seconds: float) -> Crowd:
        """So many a second for so long; returns when all have an answer, or none will come."""
        began, number = time.perf_counter(), 0
        while (now := time.perf_counter()) < began + seconds:
            while (due := began + number / rate) <= now:
                self._fire(due)
                number += 1
            await asyncio.sleep(_TICK_SECONDS)
        self.crowd.ended = began + seconds
        deadline = time.perf_counter() + _PATIENCE_SECONDS
        while self._is_waiting() and time.perf_counter() < deadline:
            await asyncio.sleep(_TICK_SECONDS)
        self.crowd.seconds = time.perf_counter() - began
        self.crowd.failed["no answer"] += self.open - len(self.idle)
        for connection in self._all:
            connection.abort()
        return self.crowd

    def _is_waiting(self) -> bool:
        return bool(self._tasks) or self.open > len(self.idle)

    def _fire(self, due: float) -> None:
        if self.idle:
            self.idle.pop().ask(due)
        elif self.open < _MOST_CONNECTIONS:
            self.open += 1
            task = asyncio.create_task(self._connect(due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self.crowd.unsent += 1

    async def _connect(self, due: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: _Connection(self, due), client.HOST, self._port
            )
        except OSError as error:
            self.open -= 1
            self.crowd.failed[type(error).__name__] += 1
        else:
            self._all.append(connection)
