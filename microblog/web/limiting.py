"""What may be done how often, times the operator's scale. No address is exempt."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import limits
from microblog.domain.actors import Actor
from microblog.domain.limits import Allowance
from microblog.models.user import fold
from microblog.web import client, scope

_MINUTE = 60.0

Claim = tuple[Allowance, str]


def login_claims(name: str) -> Sequence[Claim]:
    """A try to log in counts for the account that is named, and for the address it comes from."""
    limit = scope.settings().limits
    return (
        (_allow("login-account", limit.login_per_account, 15 * _MINUTE), fold(name.strip())),
        (_allow("login-address", limit.login_per_address, 5 * _MINUTE), client.address()),
    )


def registration_claims() -> Sequence[Claim]:
    """An account opened counts for the address it comes from."""
    limit = scope.settings().limits
    count = limit.registrations_per_address
    return ((_allow("register", count, 30 * _MINUTE), client.address()),)


def letter_claims(kind: str, whom: str) -> Sequence[Claim]:
    """A letter asked for counts for whom it goes to, and for the address it is asked from."""
    count = scope.settings().limits.letters
    return (
        (_allow(f"letter-{kind}", count, 30 * _MINUTE), fold(whom.strip())),
        (_allow(f"letter-{kind}-address", count, 30 * _MINUTE), client.address()),
    )


async def spend(claims: Sequence[Claim]) -> None:
    """Use one of each, for good: this is committed whatever becomes of the request."""
    async with scope.resources().database.begin() as session:
        for allowance, key in claims:
            await limits.spend(session, allowance, key)


async def give_back(session: AsyncSession, claims: Sequence[Claim]) -> None:
    """What succeeded was no guess: it does not count."""
    for allowance, key in claims:
        await limits.give_back(session, allowance, key)


async def spend_write(actor: Actor) -> None:
    """One more change by this person, counted if the change is."""
    allowance = _allow("write", scope.settings().limits.writes_per_minute, _MINUTE)
    await limits.spend(scope.session(), allowance, str(actor.id))


def _allow(name: str, times: int, seconds: float) -> Allowance:
    return Allowance(name, scope.settings().limits.scaled(times), seconds)
