"""Taking tasks whose time has come, each by one runner at a time."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, TextClause, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.tasks.kinds import ACTIVE, RUNNING
from microblog.models import Task

LEASE = timedelta(seconds=30)
# A task that ends its runner each time must not do so for ever.
MOST_ATTEMPTS = 10


class Lost(Exception):
    """The task is no longer this runner's: cancelled, or taken by another one."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A task in the hands of the runner that has it now."""

    id: str
    name: str
    user_id: int | None
    subject_id: int | None
    arguments: dict[str, Any]
    cursor: dict[str, Any] | None
    progress: int
    attempts: int
    created_at: datetime


# Written out as the partial index has it: SQLite does not look into parameters for that.
_TO_DO = text("task.state IN ('waiting', 'running')")
_CLAIMED = [getattr(Task, field.name) for field in fields(Claimed)]


async def under_way(session: AsyncSession, name: str) -> list[Claimed]:
    """All active tasks of a name, in whosever hands: what they were told, how far they are."""
    rows = await session.execute(select(*_CLAIMED).where(Task.name == name, Task.state.in_(ACTIVE)))
    return [Claimed(*row) for row in rows]


async def next_due(
    session: AsyncSession, names: Collection[str], *, besides: Collection[str] = ()
) -> datetime | None:
    """When the next of these tasks may be taken, leaving out some; ``None`` if there is none."""
    return await session.scalar(select(func.min(Task.due_at)).where(*_to_do(names, besides)))


async def claim(
    session: AsyncSession,
    names: Collection[str],
    *,
    limit: int,
    now: datetime,
    besides: Collection[str] = (),
) -> list[Claimed]:
    """Take up to ``limit`` of these tasks whose time has come, for the length of a lease.

    One statement picks and takes, and on PostgreSQL it steps over rows that another one is taking
    at this moment: no task is ever in two hands while a lease holds. ``besides`` are tasks that the
    taker has in its own hands: a process that slept longer than a lease must not take them again.
    """
    picked = (
        select(Task.id)
        .where(*_to_do(names, besides), Task.due_at <= now)
        .order_by(Task.due_at, Task.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    rows = await session.execute(
        update(Task)
        .where(Task.id.in_(select(picked.c.id)))
        .values(state=RUNNING, attempts=Task.attempts + 1, due_at=now + LEASE)
        .returning(*_CLAIMED)
        .execution_options(synchronize_session=False)
    )
    return sorted((Claimed(*row) for row in rows), key=lambda task: (task.created_at, task.id))


async def take_over(session: AsyncSession, name: str, *, now: datetime) -> Claimed:
    """Take the service's one task of that name, out of whose hands it may be in.

    Its holder learns of it with the next step. :func:`repeat` has seen to it that there is one.
    """
    rows = await session.execute(
        update(Task)
        .where(Task.slot == name)
        .values(state=RUNNING, attempts=Task.attempts + 1, due_at=now + LEASE)
        .returning(*_CLAIMED)
        .execution_options(synchronize_session=False)
    )
    return Claimed(*rows.one())


def _to_do(
    names: Collection[str], besides: Collection[str]
) -> list[ColumnElement[bool] | TextClause]:
    which: list[ColumnElement[bool] | TextClause] = [_TO_DO, Task.name.in_(names)]
    if besides:
        which.append(Task.id.not_in(besides))
    return which
