"""Logins: opened by a right password, ended by the person, the operator, or time."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import events, tokens
from microblog.domain.actors import Actor
from microblog.domain.tasks import ACTIVE
from microblog.models import Ban, Message, Notification, Session, Task, User, utc_now

# last_seen moves at most this often, so that reading pages is not writing rows.
SEEN_EVERY = timedelta(minutes=1)
_DEVICE_LENGTH = 200

_UNREAD = (
    select(func.count())
    .where(Message.recipient_id == User.id, Message.read_at.is_(None))
    .correlate(User)
    .scalar_subquery()
)
_AT_WORK = exists().where(Task.user_id == User.id, Task.state.in_(ACTIVE)).correlate(User)
_NOTIFIED = (
    select(func.coalesce(func.max(Notification.timestamp), 0.0))
    .where(Notification.user_id == User.id)
    .correlate(User)
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long logins live, all in days.

    A login ends ``idle`` days after its last use and ``longest`` days after it began; one that is
    to be remembered lives ``remembered`` days whether used or not.
    """

    idle: int = 14
    longest: int = 90
    remembered: int = 365


async def begin(
    session: AsyncSession,
    user_id: int,
    *,
    remembered: bool,
    device: str,
    lifetimes: Lifetimes,
) -> str:
    """Open a login and return its secret token: 256 random bits, of which only the hash is kept."""
    token = secrets.token_urlsafe(32)
    now = utc_now()
    days = lifetimes.remembered if remembered else lifetimes.longest
    session.add(
        Session(
            token_hash=digest(token),
            user_id=user_id,
            remembered=remembered,
            device=device[:_DEVICE_LENGTH],
            created_at=now,
            last_used_at=now,
            expires_at=now + timedelta(days=days),
        )
    )
    await session.execute(
        update(User)
        .where(User.id == user_id)
        .values(last_seen_at=now)
        .execution_options(**events.UNTOLD)
    )
    return token


async def find_actor(session: AsyncSession, token: str, *, lifetimes: Lifetimes) -> Actor | None:
    """Whose login this token opens; ``None`` if it is ended, old, or the account disabled."""
    return (await find_open(session, token, lifetimes=lifetimes))[0]


async def find_open(
    session: AsyncSession, token: str, *, lifetimes: Lifetimes
) -> tuple[Actor | None, datetime]:
    """The same, and until when the login is open if nobody uses or ends it."""
    now = utc_now()
    idle_since = case(
        (Session.remembered, now - timedelta(days=lifetimes.remembered)),
        else_=now - timedelta(days=lifetimes.idle),
    )
    row = (
        await session.execute(
            select(
                Session.remembered,
                Session.last_used_at,
                Session.expires_at,
                User.id,
                User.username,
                User.display_name,
                User.language,
                Session.id,
                User.last_seen_at,
                User.time_zone,
                User.confirmed_at.is_not(None),
                _UNREAD,
                _AT_WORK,
                User.reads,
                User.writes,
                User.translates_live,
                _NOTIFIED,
            )
            .join(User, User.id == Session.user_id)
            .outerjoin(Ban, Ban.user_id == User.id)
            .where(
                Session.token_hash == digest(token),
                Session.expires_at > now,
                Session.last_used_at > idle_since,
                Ban.user_id.is_(None),
            )
        )
    ).first()
    if row is None:
        return None, now
    remembered, used_at, expires_at, *person = row
    idle = timedelta(days=lifetimes.remembered if remembered else lifetimes.idle)
    return Actor(*person, ends_at=expires_at), min(expires_at, used_at + idle)


async def alive(session: AsyncSession, session_ids: Collection[int | None]) -> set[int]:
    """Those of the logins that still hold: not ended, not past their time, account not disabled."""
    rows = await session.scalars(
        select(Session.id)
        .outerjoin(Ban, Ban.user_id == Session.user_id)
        .where(Session.id.in_(session_ids), Session.expires_at > utc_now(), Ban.user_id.is_(None))
    )
    return set(rows)


async def touch(session: AsyncSession, actor: Actor) -> None:
    """Note that the person is here, unless that was noted less than a minute ago."""
    now = utc_now()
    fresh = now - SEEN_EVERY
    await session.execute(
        update(User)
        .where(User.id == actor.id, User.last_seen_at.is_(None) | (User.last_seen_at < fresh))
        .values(last_seen_at=now)
        .execution_options(**events.UNTOLD)
    )
    await session.execute(
        update(Session)
        .where(Session.id == actor.session_id, Session.last_used_at < fresh)
        .values(last_used_at=now)
        .execution_options(**events.UNTOLD)
    )


def is_stale(last_seen_at: datetime | None) -> bool:
    """Whether :func:`touch` would change anything."""
    return last_seen_at is None or last_seen_at < utc_now() - SEEN_EVERY


async def end(session: AsyncSession, actor: Actor) -> None:
    """Log out: this login and its sockets end, on every worker."""
    await session.execute(delete(Session).where(Session.id == actor.session_id))
    events.record(
        session, events.SESSION_ENDED, actor_id=actor.id, subject_id=actor.session_id or 0
    )


async def end_all(session: AsyncSession, user_id: int) -> None:
    """Log out everywhere: every login, token and socket of this person ends."""
    await session.execute(delete(Session).where(Session.user_id == user_id))
    await tokens.end_all(session, user_id)
    events.record(session, events.ACCOUNT_ENDED, actor_id=user_id, subject_id=user_id)


async def sweep(session: AsyncSession) -> None:
    """Forget logins that time has ended."""
    await session.execute(
        delete(Session).where(Session.expires_at < utc_now()).execution_options(**events.UNTOLD)
    )


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
