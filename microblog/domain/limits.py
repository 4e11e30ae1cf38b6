"""Allowances: how often something may be tried, counted once for all workers.

The rule is GCRA (the generic cell rate algorithm, ITU-T I.371): for each key one number is kept,
the theoretical arrival time of the next conforming request. A request conforms if that time is not
further ahead than the burst allows. One statement reads, decides and writes, so that parallel
requests cannot slip through together.
"""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import direct
from microblog.domain.errors import Exceeded, TooManyRequests
from microblog.models import Rate

# Seconds: sums of intervals are not exact.
HAIR = 0.001
# No key is used up further ahead than its allowance is long, whatever the clocks of different
# machines say. One that is so many times as far ahead was noted before a clock was set back.
FAR_AHEAD = 2


@dataclass(frozen=True, slots=True)
class Allowance:
    """``times`` in any ``seconds``: all at once, or spread, but not more."""

    name: str
    times: float
    seconds: float

    @property
    def interval(self) -> float:
        """Seconds after which one more is allowed."""
        return self.seconds / self.times

    def cost(self, amount: int) -> float:
        """Seconds that so many of it stand for; more than there are cost all of them."""
        return min(amount, self.times) * self.interval


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that is to count: so many of an allowance, for somebody's key."""

    allowance: Allowance
    key: str
    amount: int = 1

    @property
    def name(self) -> str:
        """What it is counted under."""
        return _key(self.allowance, self.key)

    @property
    def cost(self) -> float:
        """Seconds that it stands for."""
        return self.allowance.cost(self.amount)


def _spending(dialect: Any) -> Any:
    """Made once, as each change of a person runs it: to make it costs more than to run it."""
    now, cost, possible, most, first = (
        bindparam(name, type_=Rate.arrival.type)
        for name in ("now", "cost", "possible", "most", "first")
    )
    later = case((Rate.arrival.between(now, possible), Rate.arrival), else_=now) + cost
    statement = dialect.insert(Rate).values(key=bindparam("name"), arrival=first)
    return statement.on_conflict_do_update(
        index_elements=[Rate.key], set_={"arrival": later}, where=later <= most
    ).returning(Rate.arrival)


_SPEND = {"postgresql": _spending(postgresql), "sqlite": _spending(sqlite)}


async def spend(session: AsyncSession, allowance: Allowance, key: str, *, amount: int = 1) -> float:
    """Use so many of the allowance, at most the whole of it.

    Returns when all of it is there again, in seconds since 1970. Raises
    :class:`TooManyRequests`, using nothing, if they are not left.
    """
    now, cost, name = time.time(), allowance.cost(amount), _key(allowance, key)
    values = {
        "name": name,
        "now": now,
        "cost": cost,
        "first": now + cost,
        "possible": now + FAR_AHEAD * allowance.seconds,
        "most": now + allowance.seconds + HAIR,
    }
    connection = await direct.connection(session)
    spent = await connection.scalar(_SPEND[connection.dialect.name], values)
    if spent is None:
        arrival = await session.scalar(select(Rate.arrival).where(Rate.key == name)) or now
        raise refusal(allowance, cost, arrival + cost - now - allowance.seconds)
    return float(spent)


async def check(session: AsyncSession, allowance: Allowance, key: str) -> None:
    """Raise :class:`TooManyRequests` where :func:`spend` would at this moment; uses nothing."""
    arrival = await session.scalar(select(Rate.arrival).where(Rate.key == _key(allowance, key)))
    ahead = (arrival or 0.0) - time.time()
    wait = ahead + allowance.interval - allowance.seconds
    if wait > HAIR and ahead <= FAR_AHEAD * allowance.seconds:
        raise refusal(allowance, allowance.interval, wait)


def refusal(allowance: Allowance, cost: float, wait: float) -> TooManyRequests:
    """The refusal of what would cost so many seconds, and may be asked for again in ``wait``."""
    full_in = wait + allowance.seconds - cost
    return TooManyRequests(
        wait, Exceeded(allowance.name, allowance.times, allowance.seconds, full_in)
    )


async def give_back(
    session: AsyncSession, allowance: Allowance, key: str, *, amount: int = 1
) -> None:
    """Undo one :func:`spend`: what succeeded was no attempt to count."""
    await session.execute(
        update(Rate)
        .where(Rate.key == _key(allowance, key))
        .values(arrival=Rate.arrival - allowance.cost(amount))
    )


async def sweep(session: AsyncSession) -> None:
    """Forget keys that have their full allowance again."""
    await session.execute(delete(Rate).where(Rate.arrival < time.time()))


def _key(allowance: Allowance, key: str) -> str:
    return f"{allowance.name}:{key}"[:200]
