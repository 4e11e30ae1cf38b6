"""Access tokens: opened by name and password or made by hand, checked, revoked.

A token is 256 random bits behind a prefix by which scanners of published files know it. Only its
hash is kept, so nobody who reads the database can use it.

What a token permits are its scopes. One that name and password open permits everything, for an
hour; one that a person has made permits what was chosen, and never to move the account itself to
another address, for which a password is asked everywhere.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import events, text
from microblog.domain.actors import Actor
from microblog.domain.errors import Invalid, NotFound
from microblog.models import Ban, Token, User, utc_now
from microblog.models.token import TOKEN_NAME_LENGTH

PREFIX = "mb_"
LOGIN, PERSONAL = "login", "personal"
READ, WRITE, MESSAGES = "read", "write", "messages"
SCOPES = (READ, WRITE, MESSAGES)
ACCOUNT = "account"

LOGIN_LIFETIME = timedelta(seconds=3600)
# A token with no more than this left is not given out again.
MARGIN = timedelta(seconds=60)
LONGEST_LIFETIME = timedelta(days=3650)
MOST_PERSONAL = 50
# When a token was last used is written down at most this often.
USED_EVERY = timedelta(minutes=1)
_LONGEST = 128


@dataclass(frozen=True, slots=True)
class Opened:
    """A token as it is told to whom it is for."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TokenView:
    """A personal token as its owner sees it; the secret is not in it."""

    id: int
    name: str
    scopes: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


async def open_login(session: AsyncSession, user_id: int, *, key: str) -> Opened:
    """The token of an hour for somebody whose password was right.

    One that has more than a minute left is told again, and does not last longer for it.
    """
    now = utc_now()
    known = await session.execute(
        select(Token.nonce, Token.secret_hash, Token.expires_at)
        .where(Token.user_id == user_id, Token.kind == LOGIN, Token.expires_at > now + MARGIN)
        .order_by(Token.id.desc())
        .limit(1)
    )
    for nonce, secret_hash, expires_at in known:
        token = _derived(key, nonce)
        # Not after the service has got another key.
        if _digest(token) == secret_hash:
            return Opened(token, expires_at)
    nonce, expires_at = secrets.token_urlsafe(32), now + LOGIN_LIFETIME
    token = _derived(key, nonce)
    session.add(
        Token(
            user_id=user_id,
            kind=LOGIN,
            scopes=" ".join((*SCOPES, ACCOUNT)),
            nonce=nonce,
            secret_hash=_digest(token),
            expires_at=expires_at,
        )
    )
    return Opened(token, expires_at)


async def make(
    session: AsyncSession, actor: Actor, name: str, scopes: Collection[str], *, days: int
) -> str:
    """A personal token, to be shown once. Raises :class:`Invalid` naming the field."""
    name = text.clean_line(name, minimum=1, maximum=TOKEN_NAME_LENGTH, field="name")
    chosen = [scope for scope in SCOPES if scope in scopes]
    if not chosen:
        raise Invalid("Choose at least one thing that the token may do.", field="scopes")
    if not timedelta(0) < timedelta(days=days) <= LONGEST_LIFETIME:
        raise Invalid("Choose a number of days from 1 to 3650.", field="days")
    if len(await personal(session, actor)) >= MOST_PERSONAL:
        raise Invalid("Revoke a token that you no longer use first.", field="name")
    token = PREFIX + secrets.token_urlsafe(32)
    session.add(
        Token(
            user_id=actor.id,
            kind=PERSONAL,
            name=name,
            scopes=" ".join(chosen),
            secret_hash=_digest(token),
            expires_at=utc_now() + timedelta(days=days),
        )
    )
    return token


async def personal(session: AsyncSession, actor: Actor) -> list[TokenView]:
    """The actor's own personal tokens, newest first."""
    rows = await session.execute(
        select(
            Token.id,
            Token.name,
            Token.scopes,
            Token.created_at,
            Token.expires_at,
            Token.last_used_at,
        )
        .where(Token.user_id == actor.id, Token.kind == PERSONAL, Token.expires_at > utc_now())
        .order_by(Token.id.desc())
    )
    return [TokenView(*row) for row in rows]


async def find_actor(session: AsyncSession, token: str) -> Actor | None:
    """Whose token this is; ``None`` if it is none, over, or the account disabled."""
    if not token.startswith(PREFIX) or len(token) > _LONGEST or not token.isascii():
        return None
    row = (
        await session.execute(
            select(
                User.id,
                User.username,
                User.display_name,
                User.language,
                User.time_zone,
                User.confirmed_at.is_not(None),
                User.reads,
                User.writes,
                Token.id,
                Token.scopes,
                Token.expires_at,
                Token.last_used_at,
            )
            .join(User, User.id == Token.user_id)
            .outerjoin(Ban, Ban.user_id == User.id)
            .where(
                Token.secret_hash == _digest(token),
                Token.expires_at > utc_now(),
                Ban.user_id.is_(None),
            )
        )
    ).first()
    if row is None:
        return None
    return Actor(
        id=row[0],
        username=row[1],
        display_name=row[2],
        language=row[3],
        time_zone=row[4],
        is_confirmed=row[5],
        reads=row[6],
        writes=row[7],
        token_id=row[8],
        scopes=frozenset(row[9].split()),
        ends_at=row[10],
        token_used_at=row[11],
    )


def is_stale(actor: Actor) -> bool:
    """Whether :func:`touch` would change anything."""
    return actor.token_used_at is None or actor.token_used_at < utc_now() - USED_EVERY


async def alive(session: AsyncSession, token_ids: Collection[int]) -> set[int]:
    """Those of the tokens that still hold: not revoked, not over, the account not disabled."""
    rows = await session.scalars(
        select(Token.id)
        .outerjoin(Ban, Ban.user_id == Token.user_id)
        .where(Token.id.in_(token_ids), Token.expires_at > utc_now(), Ban.user_id.is_(None))
    )
    return set(rows)


async def touch(session: AsyncSession, actor: Actor) -> None:
    """Note that a token was used, unless that was noted less than a minute ago."""
    now = utc_now()
    await session.execute(
        update(Token)
        .where(
            Token.id == actor.token_id,
            Token.last_used_at.is_(None) | (Token.last_used_at < now - USED_EVERY),
        )
        .values(last_used_at=now)
        .execution_options(**events.UNTOLD)
    )


async def revoke(session: AsyncSession, actor: Actor, token_id: int) -> None:
    """End one of the actor's tokens, and its sockets. Raises :class:`NotFound`."""
    result = await session.execute(
        delete(Token).where(Token.id == token_id, Token.user_id == actor.id)
    )
    if not result.rowcount:  # type: ignore[attr-defined]  # a DELETE's result has a rowcount
        raise NotFound
    events.record(session, events.SESSION_ENDED, actor_id=actor.id, subject_id=0)


async def end_all(session: AsyncSession, user_id: int) -> None:
    """End every token of a person, for :func:`microblog.domain.sessions.end_all`, which tells."""
    await session.execute(delete(Token).where(Token.user_id == user_id))


async def sweep(session: AsyncSession) -> None:
    """Forget tokens that time has ended."""
    await session.execute(
        delete(Token).where(Token.expires_at < utc_now()).execution_options(**events.UNTOLD)
    )


def _derived(key: str, nonce: str) -> str:
    mac = hmac.new(key.encode(), f"token\0{nonce}".encode(), hashlib.sha256).digest()
    return PREFIX + urlsafe_b64encode(mac).decode().rstrip("=")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
