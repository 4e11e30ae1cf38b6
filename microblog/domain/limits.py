"""Allowances: how often something may be tried, counted once for all workers.

The rule is GCRA (the generic cell rate algorithm, ITU-T I.371): for each key one number is kept,
the theoretical arrival time of the next conforming request. A request conforms if that time is not
further ahead than the burst allows. One statement reads, decides and writes, so that parallel
requests cannot slip through together.
"""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.errors import TooManyRequests
from microblog.models import Rate


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


async def spend(session: AsyncSession, allowance: Allowance, key: str) -> None:
    """Use one of the allowance. Raises :class:`TooManyRequests`, using nothing, if none is left."""
    now = time.time()
    row = {"key": _key(allowance, key), "arrival": now + allowance.interval}
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    later = case((Rate.arrival > now, Rate.arrival), else_=now) + allowance.interval
    statement = dialect.insert(Rate).values(row)
    spent = await session.scalar(
        statement.on_conflict_do_update(
            index_elements=[Rate.key],
            set_={"arrival": later},
            # A hair's breadth more, as sums of intervals are not exact.
            where=later <= now + allowance.seconds + 0.001,
        ).returning(Rate.arrival)
    )
    if spent is None:
        arrival = await session.scalar(select(Rate.arrival).where(Rate.key == row["key"])) or now
        raise TooManyRequests(arrival + allowance.interval - now - allowance.seconds)


async def give_back(session: AsyncSession, allowance: Allowance, key: str) -> None:
    """Undo one :func:`spend`: what succeeded was no attempt to count."""
    await session.execute(
        update(Rate)
        .where(Rate.key == _key(allowance, key))
        .values(arrival=Rate.arrival - allowance.interval)
    )


async def sweep(session: AsyncSession) -> None:
    """Forget keys that have their full allowance again."""
    await session.execute(delete(Rate).where(Rate.arrival < time.time()))


def _key(allowance: Allowance, key: str) -> str:
    return f"{allowance.name}:{key}"[:200]
