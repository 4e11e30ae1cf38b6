"""One-time permissions: issued, put into a link, read from a link, used once.

A link holds an HS256 token (RFC 7519) over the service's secret key: whose it is, until when, and a
random ``jti``. The token proves that we made it; the row decides whether it still counts, and one
statement uses it up, so that of many parallel uses one succeeds.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
from sqlalchemy import ColumnElement, and_, delete, not_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from microblog.models import Grant, utc_now

RESET = "reset_password"
CONFIRM = "confirm"
CHANGE_ADDRESS = "change_address"
RESTORE_ADDRESS = "restore_address"
INVITE = "invite"

LIFETIMES = {
    RESET: timedelta(minutes=10),
    CONFIRM: timedelta(days=3),
    CHANGE_ADDRESS: timedelta(days=3),
    RESTORE_ADDRESS: timedelta(days=7),
    INVITE: timedelta(days=14),
}
# Only the newest of these counts: a later letter makes an earlier one void.
_NEWEST_ONLY = (RESET, CONFIRM, CHANGE_ADDRESS)
_ALGORITHM = "HS256"
_LONGEST_TOKEN = 1000


@dataclass(frozen=True, slots=True)
class Permission:
    """What a good link permits: what kind, for whom, and for which address if that matters."""

    kind: str
    user_id: int | None
    email: str | None
    secret_hash: str


async def issue(
    session: AsyncSession, kind: str, user_id: int | None, *, key: str, email: str | None = None
) -> int:
    """Issue a permission and return its id; :func:`link_token` makes what goes into the link."""
    nonce = secrets.token_urlsafe(32)
    now = utc_now()
    grant = Grant(
        kind=kind,
        user_id=user_id,
        email=email,
        nonce=nonce,
        secret_hash=_digest(_secret(key, nonce)),
        created_at=now,
        expires_at=now + LIFETIMES[kind],
    )
    session.add(grant)
    await session.flush()
    return grant.id


async def link_token(session: AsyncSession, grant_id: int, *, key: str) -> str | None:
    """The token of a permission, for its letter; ``None`` if it permits nothing any more."""
    grant = await session.scalar(select(Grant).where(Grant.id == grant_id, *_holding(utc_now())))
    if grant is None:
        return None
    claims = {
        grant.kind: grant.user_id,
        "exp": int(grant.expires_at.timestamp()),
        "jti": _secret(key, grant.nonce),
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


async def find(session: AsyncSession, kind: str, token: str, *, key: str) -> Permission | None:
    """What the token of a link permits, if it is ours, of that kind, unused and not too old."""
    secret_hash = _read(kind, token, key)
    if secret_hash is None:
        return None
    row = (
        await session.execute(
            select(Grant.kind, Grant.user_id, Grant.email, Grant.secret_hash).where(
                Grant.secret_hash == secret_hash, Grant.kind == kind, *_holding(utc_now())
            )
        )
    ).first()
    return Permission(*row) if row else None


async def use(session: AsyncSession, permission: Permission) -> bool:
    """Use the permission up. False if somebody was faster, time has run out, or a newer one is."""
    now = utc_now()
    result = await session.execute(
        update(Grant)
        .where(Grant.secret_hash == permission.secret_hash, *_holding(now))
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has a rowcount


async def revoke(session: AsyncSession, user_id: int, *kinds: str) -> None:
    """Make void what was permitted to this person."""
    await session.execute(delete(Grant).where(Grant.user_id == user_id, Grant.kind.in_(kinds)))


async def revoke_newer(session: AsyncSession, permission: Permission) -> None:
    """Make void what was permitted to the same person, of the same kind, after this."""
    this = select(Grant.id).where(Grant.secret_hash == permission.secret_hash).scalar_subquery()
    await session.execute(
        delete(Grant)
        .where(Grant.user_id == permission.user_id, Grant.kind == permission.kind, Grant.id > this)
        .execution_options(synchronize_session=False)
    )


async def sweep(session: AsyncSession) -> None:
    """Forget what has expired."""
    await session.execute(delete(Grant).where(Grant.expires_at < utc_now()))


def _holding(now: datetime) -> list[ColumnElement[bool]]:
    """What is true of a permission that still counts."""
    newer = aliased(Grant)
    superseded = (
        select(newer.id)
        .where(newer.user_id == Grant.user_id, newer.kind == Grant.kind, newer.id > Grant.id)
        .correlate(Grant)
        .exists()
    )
    return [
        Grant.used_at.is_(None),
        Grant.expires_at > now,
        not_(and_(Grant.kind.in_(_NEWEST_ONLY), superseded)),
    ]


def _read(kind: str, token: str, key: str) -> str | None:
    if len(token) > _LONGEST_TOKEN or not _is_canonical(token):
        return None
    try:
        claims = jwt.decode(
            token, key, algorithms=[_ALGORITHM], options={"require": ["exp", "jti"]}
        )
    except jwt.PyJWTError:
        return None
    if kind not in claims or not isinstance(claims["jti"], str):
        return None
    return _digest(claims["jti"])


def _is_canonical(token: str) -> bool:
    # Decoders overlook odd characters and the last two bits: one signature has many spellings.
    if not token.isascii():
        return False
    signature = token.rpartition(".")[2].encode()
    try:
        decoded = urlsafe_b64decode(signature + b"=" * (-len(signature) % 4))
    except ValueError:
        return False
    return urlsafe_b64encode(decoded).rstrip(b"=") == signature


def _secret(key: str, nonce: str) -> str:
    mac = hmac.new(key.encode(), f"grant\0{nonce}".encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(mac).decode().rstrip("=")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
