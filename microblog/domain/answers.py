"""What was answered to a request under an idempotency key, so that it is done once and told again.

A key is claimed first and its answer kept last, both in the transaction of what the request does:
whoever claims the same key meanwhile waits for that to end. If it fails, the key is free again.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.actors import Actor
from microblog.domain.errors import Conflict, UnderWay
from microblog.models import Answer, utc_now

KEPT = timedelta(hours=24)
# On PostgreSQL; on SQLite everybody who writes waits, as long as writers wait there.
WAIT_SECONDS = 5.0
# PostgreSQL, appendix A: a lock that did not come in time.
_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it is told again: status, address of what was made, JSON."""

    status: int
    location: str | None
    body: str


async def claim(
    session: AsyncSession, actor: Actor, key: str, request_hash: str
) -> Answered | None:
    """Take a key for a request, after waiting for who has taken it before.

    Returns what the same request was answered, or ``None`` if this is the first. Raises
    :class:`Conflict` if it was another request, and :class:`UnderWay` if waiting takes too long.
    """
    if await _take(session, actor, key, request_hash):
        return None
    row = (
        await session.execute(
            select(Answer.request_hash, Answer.status, Answer.location, Answer.body).where(
                Answer.user_id == actor.id, Answer.key == key
            )
        )
    ).first()
    if row is None or row.status is None:
        # Swept at this very moment.
        raise UnderWay
    if row.request_hash != request_hash:
        raise Conflict("This key has been used for another request.")
    return Answered(row.status, row.location, row.body or "")


async def _take(session: AsyncSession, actor: Actor, key: str, request_hash: str) -> bool:
    dialect: Any = sqlite
    if session.get_bind().dialect.name == "postgresql":
        dialect = postgresql
        milliseconds = int(WAIT_SECONDS * 1000)
        await session.execute(text(f"SET LOCAL lock_timeout = {milliseconds}"))
    now = utc_now()
    values = {"user_id": actor.id, "key": key, "request_hash": request_hash, "created_at": now}
    fresh = {"status": None, "location": None, "body": None}
    statement = dialect.insert(Answer).values(values)
    # One that is too old is as good as none, though not swept yet.
    taken = statement.on_conflict_do_update(
        index_elements=[Answer.user_id, Answer.key],
        set_={"request_hash": request_hash, "created_at": now, **fresh},
        where=Answer.created_at < now - KEPT,
    ).returning(Answer.user_id)
    try:
        return await session.scalar(taken) is not None
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") == _LOCK_NOT_AVAILABLE:
            raise UnderWay from error
        raise


async def keep(session: AsyncSession, actor: Actor, key: str, answered: Answered) -> None:
    """Keep what the request that has claimed this key is answered."""
    await session.execute(
        update(Answer)
        .where(Answer.user_id == actor.id, Answer.key == key)
        .values(status=answered.status, location=answered.location, body=answered.body)
    )


async def sweep(session: AsyncSession) -> None:
    """Forget answers that nobody may ask for any more."""
    await session.execute(delete(Answer).where(Answer.created_at < utc_now() - KEPT))
