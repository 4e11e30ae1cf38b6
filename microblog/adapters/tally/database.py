"""Counting in the database."""

import time
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.database import Database
from microblog.domain import limits
from microblog.domain.limits import Claim


class DatabaseTally:
    """One row for each key; each use is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    async def spend(self, claims: Sequence[Claim]) -> list[float]:
        """Use all of them, in one transaction."""
        async with self._database.begin() as session:
            full_at = [
                await limits.spend(session, c.allowance, c.key, amount=c.amount) for c in claims
            ]
        now = time.time()
        return [moment - now for moment in full_at]

    async def give_back(self, session: AsyncSession, claims: Sequence[Claim]) -> None:
        """Undo it if this unit of work commits."""
        for claim in claims:
            await limits.give_back(session, claim.allowance, claim.key, amount=claim.amount)
