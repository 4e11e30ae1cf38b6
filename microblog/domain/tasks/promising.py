"""Promising tasks, in the transaction of their cause, and taking promises back."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.actors import Actor
from microblog.domain.errors import Refusal
from microblog.domain.tasks.kinds import ACTIVE, WAITING
from microblog.domain.tasks.telling import tell
from microblog.i18n import marked
from microblog.models import Task, utc_now

# The name under which a unit of work tells that it has promised tasks.
PROMISED = "tasks"


class UnderWay(Refusal):
    """There is such a task already, and there may be only one.

    ``task_id`` is that one's, or None where it ended just now.
    """

    status = 409
    message = marked("This is under way already.")

    def __init__(self, task_id: str | None) -> None:
        super().__init__()
        self.task_id = task_id


async def promise(
    session: AsyncSession,
    name: str,
    *,
    user_id: int | None = None,
    subject_id: int | None = None,
    slot: str | None = None,
    due_at: datetime | None = None,
    state: str = WAITING,
    **arguments: Any,
) -> str:
    """Promise a task, and return its id: it is done if this unit of work commits, and never else.

    Of all tasks with the same ``slot`` only one can be active. Raises :class:`UnderWay` if there is
    one, also where another unit of work has promised it at this very moment.
    """
    now = utc_now()
    row = {
        "id": str(uuid4()),
        "name": name,
        "user_id": user_id,
        "subject_id": subject_id,
        "slot": slot,
        "arguments": arguments,
        "state": state,
        "progress": 0,
        "attempts": 0,
        "due_at": due_at or now,
        "reason": "",
        "created_at": now,
        "finished_at": None if state in ACTIVE else now,
    }
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(Task).values(row)
    promised = await session.scalar(
        statement.on_conflict_do_nothing(index_elements=[Task.slot]).returning(Task.id)
    )
    if promised is None:
        held = await session.scalar(select(Task.id).where(Task.slot == slot))
        raise UnderWay(task_id=held)
    session.info.setdefault("promised", set()).add(PROMISED)
    return str(promised)


async def launch(session: AsyncSession, actor: Actor, name: str, **arguments: Any) -> str:
    """Promise a task of a person's own, one of its kind at a time. Raises :class:`UnderWay`."""
    task_id = await promise(session, name, user_id=actor.id, slot=f"{name}:{actor.id}", **arguments)
    await tell(session, actor.id, task_id, name, WAITING, 0)
    return task_id


async def repeat(session: AsyncSession, name: str, *, due_at: datetime) -> None:
    """Have a task of the whole service promised, once however often it is said."""
    try:
        await promise(session, name, slot=name, due_at=due_at)
    except UnderWay:
        return


async def withdraw(session: AsyncSession, name: str, subject_id: int) -> None:
    """Take back tasks about something, and that there ever were any."""
    await session.execute(delete(Task).where(Task.name == name, Task.subject_id == subject_id))
