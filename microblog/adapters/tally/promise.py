"""What every tally promises."""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.limits import Claim


class Tally(Protocol):
    """Something that counts, once for all processes, by the rule of the domain's limits."""

    async def spend(self, claims: Sequence[Claim]) -> list[float]:
        """Use all of them, for good.

        Returns for each in how many seconds its whole allowance is there again. Raises
        :class:`~microblog.domain.errors.TooManyRequests`, using nothing, if one is not left.
        """

    async def give_back(self, session: AsyncSession, claims: Sequence[Claim]) -> None:
        """Undo one :meth:`spend`, as part of this unit of work where that is possible."""
