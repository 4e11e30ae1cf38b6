"""People who read pages and post at a steady pace, and note what became of every request."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks import client, forms
from benchmarks.client import Line

_PATIENCE_SECONDS = 30
_RECOVERY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """One request. ``status`` is 0 if there was no answer; ``port`` is the client's, 0 for none."""

    asked: float
    ended: float
    status: int
    port: int

    @property
    def seconds(self) -> float:
        """From the question to the end, whatever that was."""
        return self.ended - self.asked

    @property
    def failed(self) -> bool:
        """Whether somebody would have noticed."""
        return not 200 <= self.status < 400


class Visitor:
    """Asks one thing after the other, on a new connection where the last one has ended."""

    def __init__(self, port: int, answers: list[Answer]) -> None:
        self._port = port
        self._answers = answers
        self._line: Line | None = None

    async def ask(self, request: bytes) -> Answer:
        asked, status, mine = time.perf_counter(), 0, 0
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                if self._line is None:
                    self._line = await Line.opened(self._port)
                mine = self._line.port
                start, _ = await self._line.answer(request)
            status = int(start.split(b" ", 2)[1])
            if b"\r\nconnection: close" in start.lower():
                self.close()
        except (OSError, asyncio.IncompleteReadError):
            self.close()
        answer = Answer(asked, time.perf_counter(), status, mine)
        self._answers.append(answer)
        return answer

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


@dataclass
class Load:
    """Who posts and who reads, until :meth:`stop`. Every text is another one.

    ``sent`` holds when each text was sent, ``acknowledged`` those whose redirect has arrived.
    """

    port: int
    pause: float
    answers: list[Answer] = field(default_factory=list)
    sent: dict[str, float] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    _running: bool = True

    async def post(self, name: str, cookie: str) -> None:
        _, page = await client.fetch(self.port, client.head("GET", "/", f"Cookie: {cookie}"))
        token, visitor, number = forms.token(page), Visitor(self.port, self.answers), 0
        while self._running:
            number += 1
            text = f"{name} says number {number}."
            fields = {"csrf_token": token, "post": text, "submit": "1"}
            self.sent[text] = time.perf_counter()
            answer = await visitor.ask(forms.filled("/", cookie, fields))
            if answer.status in (302, 303):
                self.acknowledged.append(text)
            await asyncio.sleep(self.pause)
        visitor.close()

    async def read(self, cookie: str) -> None:
        visitor = Visitor(self.port, self.answers)
        while self._running:
            await visitor.ask(client.head("GET", "/", f"Cookie: {cookie}"))
            await asyncio.sleep(self.pause)
        visitor.close()

    async def reach(self, number: int) -> None:
        """Wait until that many posts are acknowledged."""
        while len(self.acknowledged) < number:
            await asyncio.sleep(0.005)

    async def recovered(self, in_a_row: int) -> float:
        """Seconds until the first of so many answers in a row, asked from now on, without failure.

        Raises ``TimeoutError`` after a minute.
        """
        began, before = time.perf_counter(), len(self.answers)
        async with asyncio.timeout(_RECOVERY_SECONDS):
            while True:
                await asyncio.sleep(0.02)
                row: list[Answer] = []
                for answer in self.answers[before:]:
                    if answer.asked >= began:
                        row = [] if answer.failed else [*row, answer]
                if len(row) >= in_a_row:
                    return row[0].ended - began

    def news(self, before: int) -> set[str]:
        """What was acknowledged, without the texts that were sent first: so many."""
        return set(self.acknowledged) & set(list(self.sent)[before:])

    def stop(self) -> None:
        self._running = False


@asynccontextmanager
async def steady(
    port: int, cookies: Mapping[str, str], posters: Sequence[str], *, readers: int, pause: float
) -> AsyncIterator[Load]:
    """Each of the posters posts, and so many read beside them, with a pause after each answer."""
    load = Load(port, pause)
    async with asyncio.TaskGroup() as group:
        for name in posters:
            group.create_task(load.post(name, cookies[name]))
        for _ in range(readers):
            group.create_task(load.read(cookies[posters[0]]))
        try:
            yield load
        finally:
            load.stop()
