"""Restoring posts that were taken along: with their dates, quietly, and each only once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import events
from microblog.domain.search import index
from microblog.models import Post


@dataclass(frozen=True, slots=True)
class Restored:
    """A post out of an archive."""

    body: str
    created_at: datetime
    edited_at: datetime | None
    language: str | None


async def restore(session: AsyncSession, user_id: int, posts: Sequence[Restored]) -> int:
    """Put back what is not there yet, and return how many that were.

    What was said at the same moment in the same words is the same post: as many as the person has
    already are left out. Nobody is told, as nothing happens now. All posts of one moment must be
    given together.
    """
    new = await missing(session, user_id, posts)
    if not new:
        return 0
    rows = [
        {
            "user_id": user_id,
            "body": post.body,
            "language": post.language,
            "timestamp": post.created_at,
            "edited_at": post.edited_at,
        }
        for post in new
    ]
    adding = insert(Post).returning(Post.id, Post.body, sort_by_parameter_order=True)
    added = await session.execute(adding, rows)
    await index.add(session, [(post_id, body) for post_id, body in added])
    events.record_change(session, user_id)
    return len(new)


async def missing(session: AsyncSession, user_id: int, posts: Sequence[Restored]) -> list[Restored]:
    """Those that :func:`restore` would put in."""
    moments = {post.created_at for post in posts}
    found = await session.execute(
        select(Post.timestamp, Post.body).where(
            Post.user_id == user_id, Post.timestamp.in_(moments)
        )
    )
    there = Counter((moment, body) for moment, body in found)
    new = []
    for post in posts:
        if there[post.created_at, post.body] > 0:
            there[post.created_at, post.body] -= 1
        else:
            new.append(post)
    return new


async def have_others_written(session: AsyncSession, user_id: int) -> bool:
    """Whether there is a post here of anybody but this person."""
    of_others = select(Post.id).where(or_(Post.user_id < user_id, Post.user_id > user_id))
    return await session.scalar(of_others.limit(1)) is not None
