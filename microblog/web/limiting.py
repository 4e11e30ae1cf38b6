"""What may be done how often, times the operator's scale. No address is exempt."""

import math
from collections.abc import Sequence

from quart import current_app, g, request
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import limits
from microblog.domain.actors import Actor
from microblog.domain.errors import TooManyRequests
from microblog.domain.limits import Allowance, Claim
from microblog.interpreter import Purse
from microblog.models.user import fold
from microblog.web import client, scope
from microblog.web.purses import Purses, Quota, Standing

EXTENSION = "microblog.purses"
_MINUTE = 60.0
_DAY = 24 * 60 * _MINUTE


def login_claims(name: str) -> Sequence[Claim]:
    """A try to log in counts for the account that is named, and for the address it comes from."""
    limit = scope.settings().limits
    return (
        Claim(_allow("login-account", limit.login_per_account, 15 * _MINUTE), fold(name.strip())),
        Claim(_allow("login-address", limit.login_per_address, 5 * _MINUTE), client.address()),
    )


def registration_claims() -> Sequence[Claim]:
    """An account opened counts for the address it comes from."""
    limit = scope.settings().limits
    count = limit.registrations_per_address
    return (Claim(_allow("register", count, 30 * _MINUTE), client.address()),)


def letter_claims(kind: str, whom: str) -> Sequence[Claim]:
    """A letter asked for counts for whom it goes to, and for the address it is asked from."""
    count = scope.settings().limits.letters
    return (
        Claim(_allow(f"letter-{kind}", count, 30 * _MINUTE), fold(whom.strip())),
        Claim(_allow(f"letter-{kind}-address", count, 30 * _MINUTE), client.address()),
    )


def translation_purse(actor: Actor) -> Purse:
    """What this person may still have translated that is not kept yet; good beyond the request."""
    limit = scope.settings().limits
    return Purse(
        _allow("translation", limit.translations_per_day, _DAY),
        _allow("translated-characters", limit.translated_characters_per_day, _DAY),
        str(actor.id),
    )


async def spend(claims: Sequence[Claim]) -> None:
    """Use one of each, for good: this is committed whatever becomes of the request."""
    await scope.resources().tally.spend(claims)


async def give_back(session: AsyncSession, claims: Sequence[Claim]) -> None:
    """What succeeded was no guess: it does not count."""
    await scope.resources().tally.give_back(session, claims)


async def spend_write(actor: Actor) -> None:
    """One more change by this person, counted if the change is."""
    allowance = _allow("change", scope.settings().limits.writes_per_minute, _MINUTE)
    await limits.spend(scope.session(), allowance, str(actor.id))


async def spend_message(actor: Actor) -> None:
    """One more private message by this person, counted if it is sent."""
    allowance = _allow("message", scope.settings().limits.messages_per_minute, _MINUTE)
    await limits.spend(scope.session(), allowance, str(actor.id))


async def spend_export(actor: Actor) -> None:
    """One more export by this person, counted if it is promised."""
    allowance = _allow("export", scope.settings().limits.exports_per_day, _DAY)
    await limits.spend(scope.session(), allowance, str(actor.id))


async def spend_import(actor: Actor) -> None:
    """One more import by this person, counted if it is promised."""
    await limits.spend(scope.session(), _imports(), str(actor.id))


async def check_import(actor: Actor) -> None:
    """Whether this person has an import left; nothing is counted, and no lock taken."""
    async with scope.resources().database.reading() as session:
        await limits.check(session, _imports(), str(actor.id))


def _imports() -> Allowance:
    return _allow("import", scope.settings().limits.imports_per_day, _DAY)


async def spend_call(actor: Actor | None) -> None:
    """One more request to the API, a reading or a changing one, by this person or this address.

    Counted whatever becomes of it; :func:`standings` tells how much is left.
    """
    quota = _quota(reads=request.method in scope.SAFE_METHODS)
    whose = f"user {actor.id}" if actor is not None else client.address()
    g.standing = await _purses().spend(quota, whose)


def note_refusal(refusal: TooManyRequests) -> None:
    """Remember which allowance this request has found used up."""
    if (told := refusal.exceeded) is not None:
        quota = Quota(told.name, round(told.times), told.seconds)
        g.exceeded = Standing(quota, 0, math.ceil(told.full_in))


def standings() -> list[Standing]:
    """What this request's sender has left: of the one used up, if any, and for requests like it."""
    found: list[Standing | None] = [g.get("exceeded"), g.get("standing")]
    return [standing for standing in found if standing is not None]


def _quota(*, reads: bool) -> Quota:
    limit = scope.settings().limits
    if reads:
        return Quota("read", limit.scaled(limit.api_reads_per_minute), _MINUTE)
    return Quota("write", limit.scaled(limit.api_writes_per_minute), _MINUTE)


def _purses() -> Purses:
    found: Purses = current_app.extensions[EXTENSION]
    return found


def _allow(name: str, times: int, seconds: float) -> Allowance:
    return Allowance(name, scope.settings().limits.scaled(times), seconds)
