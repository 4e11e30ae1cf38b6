"""Allowances for what is asked often: shared by all processes, without a write for each request.

A process takes a portion of somebody's allowance ahead, with one statement, and spends it in
memory. Nobody spends what was not taken, so all processes together never use more than the
allowance gives. The portions of all processes are a twentieth of it; what a process has not spent
after ten seconds lapses, and is all that can be lost. Near the end of an allowance single requests
are taken, so that the last one counts too.
"""

import asyncio
import math
import time
from dataclasses import dataclass, field

from microblog.adapters.tally import Tally
from microblog.domain.errors import Exceeded, TooManyRequests
from microblog.domain.limits import Allowance, Claim

_PART = 20
_LAPSE_SECONDS = 10.0
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Quota:
    """``times`` in any ``seconds``, for requests of the class ``name``."""

    name: str
    times: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Standing:
    """``left`` of a quota, and the whole seconds until all of it is there again."""

    quota: Quota
    left: int = 0
    full_in: int = 0


@dataclass(eq=False, slots=True)
class _Purse:
    """What one process holds for one key; times are by a clock that is never set."""

    held: int = 0
    lapses_at: float = 0.0
    full_at: float = 0.0
    empty_until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Purses:
    """The portions that this process holds."""

    def __init__(self, tally: Tally, workers: int) -> None:
        """Hold nothing yet; ``workers`` is how many processes take portions."""
        self._tally = tally
        self._workers = workers
        self._purses: dict[str, _Purse] = {}

    async def spend(self, quota: Quota, key: str) -> Standing:
        """Use one. Raises :class:`TooManyRequests` if none is left."""
        purse = self._purse(f"{quota.name}:{key}")
        async with purse.lock:
            now = time.monotonic()
            if purse.empty_until > now:
                raise _refusal(purse, quota)
            if purse.held == 0 or purse.lapses_at <= now:
                await self._fill(purse, quota, key)
            purse.held -= 1
            return _standing(purse, quota)

    def _purse(self, key: str) -> _Purse:
        if key not in self._purses and len(self._purses) >= _MOST:
            # What was held is lost to its owners; it comes back with time.
            self._purses.clear()
        return self._purses.setdefault(key, _Purse())

    async def _fill(self, purse: _Purse, quota: Quota, key: str) -> None:
        purse.held, portion = 0, max(1, quota.times // (_PART * self._workers))
        try:
            await self._take(purse, quota, key, portion)
        except TooManyRequests:
            if portion == 1:
                raise
            portion = 1
            await self._take(purse, quota, key, portion)
        purse.held, purse.lapses_at = portion, time.monotonic() + _LAPSE_SECONDS

    async def _take(self, purse: _Purse, quota: Quota, key: str, count: int) -> None:
        allowance = Allowance(f"api-{quota.name}", quota.times, quota.seconds)
        try:
            (full_in,) = await self._tally.spend([Claim(allowance, key, count)])
        except TooManyRequests as refusal:
            if count > 1 or refusal.exceeded is None:
                raise
            # Until then the answer is known without asking.
            now = time.monotonic()
            purse.empty_until = now + refusal.exactly
            purse.full_at = now + refusal.exceeded.full_in
            raise _refusal(purse, quota) from refusal
        purse.full_at = time.monotonic() + full_in


def _refusal(purse: _Purse, quota: Quota) -> TooManyRequests:
    now = time.monotonic()
    exceeded = Exceeded(quota.name, quota.times, quota.seconds, purse.full_at - now)
    return TooManyRequests(purse.empty_until - now, exceeded)


def _standing(purse: _Purse, quota: Quota) -> Standing:
    full_in = max(0.0, purse.full_at - time.monotonic())
    untaken = math.floor((quota.seconds - full_in) * quota.times / quota.seconds)
    left = min(max(untaken, 0) + purse.held, quota.times)
    return Standing(quota, left, math.ceil(full_in))
