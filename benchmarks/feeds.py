"""Readers of the live feed who come back: each resumes with the last number that it saw."""

import asyncio
import json
import random
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from functools import lru_cache

from benchmarks import client
from benchmarks.sockets import Listening, handshake

_CLOSE = 8
_AT_ONCE = 64
_LONGEST_PAUSE = 1.0
_PATIENCE_SECONDS = 30
_NO_NEWS = ("hello", "heartbeat")


@lru_cache(maxsize=4096)
def _meaning(payload: bytes) -> tuple[str, int, str]:
    """Type, number, and text of a post: many hear the same, and it is looked at once."""
    frame = json.loads(payload)
    return frame["type"], frame["seq"], frame["post"]["body"] if "post" in frame else ""


class _Line(Listening):
    """One connection of a reader; ``over`` when it has ended."""

    def __init__(self, request: bytes, reader: "Reader") -> None:
        super().__init__(request, reader)  # type: ignore[arg-type]  # takes what it would note
        self._reader = reader
        self.over = asyncio.get_running_loop().create_future()

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == _CLOSE:
            self._reader.feed.ends[struct.unpack("!H", payload[:2])[0] if payload else 0] += 1
            self.transport.write(bytes((0x88, 0x80 | len(payload), 0, 0, 0, 0)) + payload)
            self.transport.close()
        else:
            super()._take(opcode, payload)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.greeted.done():
            self.greeted.set_exception(ConnectionError("no greeting"))
        if not self.over.done():
            self.over.set_result(None)


class Reader:
    """One socket after the other."""

    def __init__(self, feed: "Feed", port: int, cookie: str, source: str) -> None:
        self.feed = feed
        self.seen: Counter[str] = Counter()
        self.last: int | None = None
        self.gaps = 0
        self._port = port
        self._cookie = cookie
        self._source = source

    async def read(self) -> None:
        """For ever."""
        tries = 0
        while True:
            try:
                async with self.feed.entrance:
                    line = await self._open()
            except (OSError, RuntimeError) as error:
                tries += 1
                self.feed.refusals[str(error)[:60]] += 1
            else:
                tries = 0
                self.feed.open += 1
                try:
                    await line.over
                finally:
                    self.feed.open -= 1
                    line.transport.abort()
            await asyncio.sleep(random.uniform(0, min(_LONGEST_PAUSE, 0.1 * 2**tries)))

    async def _open(self) -> _Line:
        query = "channels=explore" + (f"&since={self.last}" if self.last is not None else "")
        request = handshake(self._cookie, query)
        _, line = await asyncio.get_running_loop().create_connection(
            lambda: _Line(request, self), client.HOST, self._port, local_addr=(self._source, 0)
        )
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                hello = await line.greeted
        except BaseException:
            line.transport.abort()
            raise
        if self.last is None:
            self.last = _meaning(hello)[1]
        return line

    def note(self, payload: bytes) -> None:
        kind, number, text = _meaning(payload)
        if kind == "gap":
            self.gaps += 1
        elif kind == "post.created":
            self.seen[text] += 1
            if text in self.feed.sent:
                self.feed.delays.append(time.perf_counter() - self.feed.sent[text])
        if kind not in _NO_NEWS:
            self.last = max(number, self.last or 0)

    def fail(self, error: Exception) -> None:
        raise error


class Feed:
    """All of them. ``sent`` says when each text was sent: for the ``delays`` until each reader.

    ``ends`` counts codes of close frames, ``refusals`` what became of tries to connect.
    """

    def __init__(self, sent: Mapping[str, float]) -> None:
        self.sent = sent
        self.delays: list[float] = []
        self.ends: Counter[int] = Counter()
        self.refusals: Counter[str] = Counter()
        self.open = 0
        self.entrance = asyncio.Semaphore(_AT_ONCE)
        self.readers: list[Reader] = []

    async def all_open(self, seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while self.open < len(self.readers):
                await asyncio.sleep(0.01)

    async def all_seen(self, texts: AbstractSet[str], seconds: float) -> float:
        """Seconds until every reader has each text; at most so many are waited."""
        began, missing = time.perf_counter(), self.readers
        while missing and time.perf_counter() - began < seconds:
            await asyncio.sleep(0.02)
            missing = [reader for reader in missing if not texts <= reader.seen.keys()]
        return time.perf_counter() - began

    def faults(self, texts: AbstractSet[str]) -> tuple[int, int, int]:
        """Over all readers: of these texts lost, of any text doubled, and gaps."""
        lost = sum(not reader.seen[text] for reader in self.readers for text in texts)
        doubled = sum(number > 1 for reader in self.readers for number in reader.seen.values())
        return lost, doubled, sum(reader.gaps for reader in self.readers)


@asynccontextmanager
async def reading(
    port: int, cookies: Sequence[str], number: int, sent: Mapping[str, float]
) -> AsyncIterator[Feed]:
    """So many readers of everything there is to read, on as many logins as there are."""
    feed = Feed(sent)
    for turn in range(number):
        # One address has room for some 28,000 connections to one port.
        source = f"127.0.0.{1 + turn % 4}"
        feed.readers.append(Reader(feed, port, cookies[turn % len(cookies)], source))
    tasks = [asyncio.create_task(reader.read()) for reader in feed.readers]
    try:
        await feed.all_open()
        yield feed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
