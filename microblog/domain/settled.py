"""What a reader of the newest posts can rely on: that no post comes below one that was read.

Posts stand in the order of their dates, which they get before their commit. On PostgreSQL one may
be committed after another with a later date, and a reader who has read that one and goes on from it
would never see the first. SQLite has one writer: there dates and commits are in one order.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import column, func, select, table, text
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.stretches import Point
from microblog.models import Post

# A post is a matter of milliseconds. For what takes longer nobody waits, with a connection in hand.
PATIENCE_SECONDS = 0.5
_PAUSE_SECONDS = 0.005

# Whoever has begun to write posts holds this lock to the end of the transaction, and has taken it
# before looking for the newest date.
_LOCKS = table("pg_locks", column("virtualtransaction"))
_WRITING = select(_LOCKS.c.virtualtransaction).where(
    text("locktype = 'relation' AND relation = 'post'::regclass"),
    text("database = (SELECT oid FROM pg_database WHERE datname = current_database())"),
    text("mode = 'RowExclusiveLock' AND granted"),
)
# The newest post as of the beginning of the statement; the locks are looked at later.
_NEWEST = (
    select(Post.timestamp, Post.id, func.array(_WRITING.scalar_subquery()))
    .order_by(Post.timestamp.desc(), Post.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Newest:
    """The place of the newest post; ``is_settled`` if no post can come below it any more."""

    point: Point
    is_settled: bool


async def find_newest(session: AsyncSession) -> Newest | None:
    """The newest post, after those have ended who are writing posts at this moment.

    ``None`` where there is nothing to heed.
    """
    if session.get_bind().dialect.name != "postgresql":
        return None
    row = (await session.execute(_NEWEST)).first()
    if row is None:
        return None
    at, post_id, writing = row
    return Newest(Point(at, post_id), await _have_ended(session, writing))


async def _have_ended(session: AsyncSession, writing: Sequence[str]) -> bool:
    if not writing:
        return True
    still = select(_WRITING.where(_LOCKS.c.virtualtransaction.in_(writing)).exists())
    for _ in range(int(PATIENCE_SECONDS / _PAUSE_SECONDS)):
        if not await session.scalar(still):
            return True
        await asyncio.sleep(_PAUSE_SECONDS)
    return False
