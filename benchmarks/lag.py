"""How late the client's own loop is: what a figure may owe to the one who measures."""

import asyncio
import time
from types import TracebackType
from typing import Self

from benchmarks.report import percentile

_EVERY_SECONDS = 0.01


class Lag:
    """Watches the loop while it is entered."""

    def __init__(self) -> None:
        self._late = [0.0]

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            due = time.perf_counter() + _EVERY_SECONDS
            await asyncio.sleep(_EVERY_SECONDS)
            self._late.append(max(0.0, time.perf_counter() - due))

    def __str__(self) -> str:
        last, worst = percentile(self._late, 99) * 1000, max(self._late) * 1000
        return f"client's own lag: p99 {last:.1f} ms, longest {worst:.0f} ms"


def spread(seconds: list[float]) -> str:
    """The middle, the last hundredth and the longest, in milliseconds."""
    if not seconds:
        return "none"
    middle, last = percentile(seconds, 50) * 1000, percentile(seconds, 99) * 1000
    return f"p50 {middle:.1f}, p99 {last:.1f}, longest {max(seconds) * 1000:.0f} ms"
