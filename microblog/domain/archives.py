"""Archives: finished exports, each for its owner alone and for some days.

The file lies in the folder ``archives`` of the data folder under the archive's name; a row without
its file is as good as none.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.actors import Actor
from microblog.domain.errors import NotFound
from microblog.models import Archive, utc_now

# Older ones make room: what a person may have lying on the operator's disk has an end. The account
# page and the letter say this number in words.
MOST_KEPT = 3


@dataclass(frozen=True, slots=True)
class ArchiveView:
    """An archive as its owner sees it; ``size`` is in bytes."""

    name: str
    task_id: str
    size: int
    posts: int
    created_at: datetime
    expires_at: datetime


_VIEW = [getattr(Archive, field.name) for field in fields(ArchiveView)]


async def offer(
    session: AsyncSession,
    user_id: int,
    task_id: str,
    name: str,
    *,
    size: int,
    posts: int,
    days: int,
) -> None:
    """Let the owner fetch a file for so many days; the oldest beyond three are offered no more."""
    kept = (
        select(Archive.id)
        .where(Archive.user_id == user_id)
        .order_by(Archive.created_at.desc(), Archive.id.desc())
        .limit(MOST_KEPT - 1)
    )
    older = (await session.scalars(kept)).all()
    await session.execute(
        delete(Archive).where(Archive.user_id == user_id, Archive.id.not_in(older))
    )
    now = utc_now()
    session.add(
        Archive(
            user_id=user_id,
            task_id=task_id,
            name=name,
            size=size,
            posts=posts,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
    )


async def of_actor(session: AsyncSession, actor: Actor) -> list[ArchiveView]:
    """What the actor may fetch, newest first."""
    rows = await session.execute(
        select(*_VIEW)
        .where(Archive.user_id == actor.id, Archive.expires_at > utc_now())
        .order_by(Archive.created_at.desc(), Archive.id.desc())
    )
    return [ArchiveView(*row) for row in rows]


async def by_name(session: AsyncSession, actor: Actor, name: str) -> ArchiveView:
    """One of the actor's archives.

    Raises :class:`NotFound` for absent, foreign and expired ones alike.
    """
    for archive in await of_actor(session, actor):
        if archive.name == name:
            return archive
    raise NotFound


async def by_task(session: AsyncSession, actor: Actor, task_id: str) -> ArchiveView:
    """The archive that one of the actor's tasks has made. Raises as :func:`by_name` does."""
    for archive in await of_actor(session, actor):
        if archive.task_id == task_id:
            return archive
    raise NotFound


async def sweep(session: AsyncSession) -> None:
    """Forget archives whose days are over; their files are nobody's then."""
    await session.execute(delete(Archive).where(Archive.expires_at <= utc_now()))


async def names(session: AsyncSession) -> set[str]:
    """The names of all files that somebody may fetch."""
    return set(await session.scalars(select(Archive.name)))
