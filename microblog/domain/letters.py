"""Letters: promised together with what they announce, claimed by one sender at a time, settled.

::

    waiting ──claim──▶ waiting, leased ──▶ sent
       ▲                    │
       └── 1, 5, 15, 60 … min, or lease over     ──▶ failed

A letter is claimed for the length of a lease. Whoever claims it and dies lets the lease run out,
and somebody else claims it: at most one copy more goes out, with the same Message-ID.
"""

import secrets
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.models import Letter, utc_now
from microblog.models.letter import REASON_LENGTH

RESET_PASSWORD = "reset_password"  # noqa: S105 (the name of a letter)
CONFIRM_ADDRESS = "confirm_address"
CONFIRM_NEW_ADDRESS = "confirm_new_address"
PASSWORD_CHANGED = "password_changed"  # noqa: S105 (the name of a letter)
ADDRESS_CHANGED = "address_changed"
ERROR_REPORT = "error_report"
KINDS = frozenset(
    {
        RESET_PASSWORD,
        CONFIRM_ADDRESS,
        CONFIRM_NEW_ADDRESS,
        PASSWORD_CHANGED,
        ADDRESS_CHANGED,
        ERROR_REPORT,
    }
)

WAITING = "waiting"
SENT = "sent"
FAILED = "failed"
VOID = "void"

# The name under which a unit of work tells that it has promised letters.
PROMISED = "letters"

LEASE = timedelta(seconds=120)
# After the first failure, the second … ; the last one repeats until the letter is a day old.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
PATIENCE = timedelta(hours=24)
SENT_KEPT = timedelta(days=7)
FAILED_KEPT = timedelta(days=30)

Detail = str | int | float | bool | None


class Pointless(Exception):
    """What the letter offers does not hold any more; the text says why. It is not sent."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A letter in the hands of whoever sends it now."""

    id: int
    kind: str
    user_id: int | None
    recipient: str
    language: str
    details: dict[str, Any]
    grant_id: int | None
    message_id: str
    attempts: int
    created_at: datetime


_CLAIMED = [getattr(Letter, field.name) for field in fields(Claimed)]


async def promise(
    session: AsyncSession,
    kind: str,
    *,
    recipient: str,
    language: str,
    user_id: int | None = None,
    grant_id: int | None = None,
    void: bool = False,
    **details: Detail,
) -> Letter:
    """Promise a letter: it goes out if this unit of work commits, and never otherwise.

    ``details`` are what the kind's template shows; they are stored as they are, so never a secret.
    A ``void`` letter takes the same work and time, and nobody gets it.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no letter of the kind {kind!r}")
    now = utc_now()
    letter = Letter(
        kind=kind,
        user_id=user_id,
        # Nobody's address is kept, if it was one at all.
        recipient="" if void else recipient,
        language=language,
        details=details,
        grant_id=grant_id,
        message_id=f"{now:%Y%m%d%H%M%S}.{secrets.token_hex(12)}",
        state=VOID if void else WAITING,
        due_at=now,
        created_at=now,
    )
    session.add(letter)
    await session.flush()
    session.info.setdefault("promised", set()).add(PROMISED)
    return letter


async def next_due(session: AsyncSession, *, now: datetime) -> datetime | None:
    """When the next letter that nobody holds is to go out; ``None`` if there is none."""
    return await session.scalar(
        select(func.min(Letter.due_at)).where(Letter.state == WAITING, _nobody_has_it(now))
    )


async def claim(session: AsyncSession, *, limit: int, now: datetime) -> list[Claimed]:
    """Take up to ``limit`` letters that are due, for the length of the lease.

    One statement picks and takes, and on PostgreSQL it steps over rows that another one is taking
    at this moment: no letter is ever in two hands while a lease holds.
    """
    picked = (
        select(Letter.id)
        .where(Letter.state == WAITING, Letter.due_at <= now, _nobody_has_it(now))
        .order_by(Letter.due_at, Letter.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    rows = await session.execute(
        update(Letter)
        .where(Letter.id.in_(select(picked.c.id)))
        .values(attempts=Letter.attempts + 1, lease_until=now + LEASE)
        .returning(*_CLAIMED)
        .execution_options(synchronize_session=False)
    )
    return sorted((Claimed(*row) for row in rows), key=lambda letter: letter.id)


async def mark_sent(session: AsyncSession, letter: Claimed, *, now: datetime) -> None:
    """The mail server has it. What it said is no longer needed, and is forgotten."""
    # Whoever holds the letter meanwhile: it is out.
    await session.execute(
        update(Letter)
        .where(Letter.id == letter.id)
        .values(state=SENT, sent_at=now, lease_until=None, reason="", details={})
    )


async def postpone(
    session: AsyncSession, letter: Claimed, reason: str, *, now: datetime
) -> datetime | None:
    """Try again later, and return when; ``None`` if the letter is too old and is given up."""
    due_at = now + PAUSES[min(letter.attempts, len(PAUSES)) - 1]
    if due_at > letter.created_at + PATIENCE:
        await give_up(session, letter, reason, now=now)
        return None
    await _change(session, letter, due_at=due_at, lease_until=None, reason=_plain(reason))
    return due_at


async def give_up(session: AsyncSession, letter: Claimed, reason: str, *, now: datetime) -> None:
    """It will never go out; the reason is kept for the operator."""
    await _change(
        session, letter, state=FAILED, due_at=now, lease_until=None, reason=_plain(reason)
    )


async def give_back(session: AsyncSession, letter: Claimed) -> None:
    """Undo the claim: it was not tried, and anybody may take it at once."""
    await _change(session, letter, attempts=letter.attempts - 1, lease_until=None)


async def forget(session: AsyncSession, user_id: int) -> None:
    """Take back whatever was to be said to a person, and that anything was."""
    await session.execute(delete(Letter).where(Letter.user_id == user_id))


async def sweep(session: AsyncSession) -> None:
    """Forget letters that were sent, or given up, long ago, and those that are none."""
    now = utc_now()
    await session.execute(
        delete(Letter).where(
            or_(
                Letter.state == VOID,
                (Letter.state == SENT) & (Letter.due_at < now - SENT_KEPT),
                (Letter.state == FAILED) & (Letter.due_at < now - FAILED_KEPT),
            )
        )
    )


def _nobody_has_it(now: datetime) -> Any:
    return or_(Letter.lease_until.is_(None), Letter.lease_until <= now)


async def _change(session: AsyncSession, letter: Claimed, **columns: Any) -> None:
    # Only while it is still this claim's: a lease that ran out is another one's letter.
    await session.execute(
        update(Letter)
        .where(Letter.id == letter.id, Letter.state == WAITING, Letter.attempts == letter.attempts)
        .values(**columns)
    )


def _plain(reason: str) -> str:
    """A mail server's words as the database can keep them: one line, nothing unprintable."""
    return "".join(c if c.isprintable() else " " for c in reason)[:REASON_LENGTH]
