"""What a call costs: characters of the day's budget, and of what somebody may have translated.

Both are paid in the transaction that says who is asking, so that there is no call which nobody has
paid for, and no price for a call that somebody else makes.
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.adapters.translator import Declined, Untranslated
from microblog.domain import limits, translations
from microblog.domain.limits import Allowance


@dataclass(frozen=True, slots=True)
class Purse:
    """What one person may have translated: so many texts, of so many characters."""

    texts: Allowance
    characters: Allowance
    person: str

    async def spend(self, session: AsyncSession, characters: int) -> None:
        """Pay for a text. Raises :class:`TooManyRequests`; what was paid is to be rolled back."""
        await limits.spend(session, self.texts, self.person)
        await limits.spend(session, self.characters, self.person, amount=characters)

    async def give_back(self, session: AsyncSession, characters: int) -> None:
        """Undo one :meth:`spend`."""
        await limits.give_back(session, self.texts, self.person)
        await limits.give_back(session, self.characters, self.person, amount=characters)


@dataclass(frozen=True, slots=True)
class Payer:
    """Who a call is for: somebody with a purse, or nobody in particular.

    ``share`` is how much of the day's budget may be used up, by whomever, before this payer gets
    nothing more of it.
    """

    purse: Purse | None = None
    share: float = 1.0

    async def pay(self, session: AsyncSession, text: str, *, budget: int) -> bool:
        """Pay for a text; false if that is more than this payer's share of the budget.

        Raises :class:`TooManyRequests`. In both cases nothing may be committed.
        """
        if self.purse is not None:
            await self.purse.spend(session, len(text))
        most = int(budget * self.share)
        return await translations.spend(session, len(text), budget=most)

    async def pay_back(self, session: AsyncSession, text: str, error: Untranslated) -> None:
        """Give back what was paid for nothing."""
        # A text that the service itself refuses has been asked for: else one person could have it
        # asked without end.
        if self.purse is not None and not isinstance(error, Declined):
            await self.purse.give_back(session, len(text))
        # What the service may have worked on, it may also count.
        if not error.billed:
            await translations.give_back(session, len(text))
