"""Tasks as their owners and the operator see them."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.actors import Actor
from microblog.domain.errors import NotFound
from microblog.domain.tasks.kinds import ACTIVE, DESCRIPTIONS, FAILED
from microblog.models import Task, utc_now


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as its owner sees it; ``description`` and ``reason`` are texts of the catalogue."""

    id: str
    name: str
    state: str
    progress: int
    reason: str
    created_at: datetime
    finished_at: datetime | None

    @property
    def description(self) -> str:
        """What it does, in the words of the catalogue."""
        return DESCRIPTIONS.get(self.name, self.name)

    @property
    def is_active(self) -> bool:
        """Whether it is still to be done, or being done."""
        return self.state in ACTIVE

    @property
    def complete(self) -> bool:
        """The opposite: it is over, whatever its end."""
        return not self.is_active


_VIEW = [getattr(Task, field.name) for field in fields(TaskView)]


async def of_actor(
    session: AsyncSession,
    actor: Actor,
    *,
    names: Collection[str] = tuple(DESCRIPTIONS),
    limit: int = 20,
) -> list[TaskView]:
    """What the actor has begun, or what of it has one of these names; newest first."""
    return await _views(session, actor, Task.name.in_(names), limit)


async def active(session: AsyncSession, actor: Actor) -> list[TaskView]:
    """What the actor has begun and is not over, newest first."""
    return await _views(session, actor, Task.name.in_(DESCRIPTIONS) & Task.state.in_(ACTIVE), 20)


async def find_active(session: AsyncSession, actor: Actor, name: str) -> TaskView | None:
    """The actor's active task of that kind."""
    found = await _views(session, actor, (Task.name == name) & Task.state.in_(ACTIVE), 1)
    return found[0] if found else None


async def by_id(
    session: AsyncSession, actor: Actor, task_id: str, *, name: str | None = None
) -> TaskView:
    """One of the actor's tasks, or of those with that name.

    Raises :class:`NotFound` for absent and foreign ones, and for those of other names, alike.
    """
    found = await _views(session, actor, Task.id == task_id, 1)
    if not found or name not in (None, found[0].name):
        raise NotFound
    return found[0]


async def _views(
    session: AsyncSession, actor: Actor, which: ColumnElement[bool], limit: int
) -> list[TaskView]:
    rows = await session.execute(
        select(*_VIEW)
        .where(Task.user_id == actor.id, which)
        .order_by(Task.created_at.desc(), Task.id)
        .limit(limit)
    )
    return [TaskView(*row) for row in rows]


async def progress_of(session: AsyncSession, task_id: str) -> int:
    """How far a task is, in percent; one that is not known any more is over: 100."""
    found = await session.scalar(select(Task.progress).where(Task.id == task_id))
    return 100 if found is None else found


async def is_active(session: AsyncSession, task_id: str) -> bool:
    """Whether a task is still to be done, or being done."""
    return bool(
        await session.scalar(select(Task.id).where(Task.id == task_id, Task.state.in_(ACTIVE)))
    )


async def counts(session: AsyncSession) -> list[tuple[str, str, int]]:
    """How many tasks of each name wait, run, or have failed within a day."""
    lately = (Task.state == FAILED) & (Task.finished_at > utc_now() - timedelta(days=1))
    rows = await session.execute(
        select(Task.name, Task.state, func.count())
        .where(or_(Task.state.in_(ACTIVE), lately))
        .group_by(Task.name, Task.state)
        .order_by(Task.name, Task.state)
    )
    return [(name, state, number) for name, state, number in rows]
