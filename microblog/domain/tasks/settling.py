"""What becomes of a task: written down by whoever has it, and by nobody who had it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.actors import Actor
from microblog.domain.tasks import views
from microblog.domain.tasks.kinds import ACTIVE, CANCELLED, DONE, FAILED, RUNNING, WAITING
from microblog.domain.tasks.taking import LEASE, Claimed, Lost
from microblog.domain.tasks.telling import tell
from microblog.i18n import marked
from microblog.models import Task, utc_now
from microblog.models.task import REASON_LENGTH

LOST = marked("It was interrupted too often.")
BROKEN = marked("An unexpected error has occurred.")
CALLED_OFF = marked("You have called it off.")

DONE_KEPT = timedelta(days=7)
FAILED_KEPT = timedelta(days=30)


async def hold(session: AsyncSession, task: Claimed, *, now: datetime) -> None:
    """Move the lease on. Raises :class:`Lost` if the task is another one's, or over.

    Until the unit of work ends nobody else can take the task: what is written in the same one
    counts only if the task was still this runner's.
    """
    if not await _change(session, task, due_at=now + LEASE):
        raise Lost(task.id)


async def note(
    session: AsyncSession,
    task: Claimed,
    *,
    progress: int | None = None,
    cursor: dict[str, Any] | None = None,
) -> None:
    """Write down how far the task is, in percent, and where another runner would go on."""
    values: dict[str, Any] = {}
    if progress is not None:
        values["progress"] = progress
    if cursor is not None:
        values["cursor"] = cursor
    if not await _change(session, task, **values):
        raise Lost(task.id)
    if progress is not None and task.user_id is not None:
        await tell(session, task.user_id, task.id, task.name, RUNNING, progress)


async def rest(
    session: AsyncSession,
    task: Claimed,
    due_at: datetime,
    *,
    reason: str = "",
    cursor: dict[str, Any] | None = None,
) -> None:
    """Put the task down until then; it begins again at its cursor. Its tries so far are kept."""
    values: dict[str, Any] = {"state": WAITING, "due_at": due_at, "reason": plain(reason)}
    if cursor is not None:
        values["cursor"] = cursor
    await _change(session, task, **values)


async def recur(session: AsyncSession, task: Claimed, due_at: datetime) -> None:
    """Put a task that never ends down until its next time, as if it were a new one."""
    values = {"state": WAITING, "due_at": due_at, "created_at": due_at, "attempts": 0, "reason": ""}
    if not await _change(session, task, **values):
        raise Lost(task.id)


async def give_back(session: AsyncSession, task: Claimed, *, now: datetime) -> None:
    """Undo the claim: anybody may go on with it at once."""
    await _change(session, task, state=WAITING, due_at=now, attempts=task.attempts - 1)


async def finish(session: AsyncSession, task: Claimed) -> None:
    """It is done; what it was told is forgotten. Raises :class:`Lost`."""
    await _settle(session, task, DONE, "")


async def fail(session: AsyncSession, task: Claimed, reason: str) -> None:
    """It will not be done; the reason is for a person to read. Raises :class:`Lost`."""
    await _settle(session, task, FAILED, reason)


async def cancel(session: AsyncSession, actor: Actor, task_id: str) -> None:
    """Call off one of the actor's tasks; its runner learns of it with its next step.

    One that is over stays as it ended. Raises :class:`NotFound` for absent and foreign ones alike.
    """
    task = await views.by_id(session, actor, task_id)
    await end(session, task.id, CANCELLED, CALLED_OFF)


async def end(
    session: AsyncSession,
    task_id: str,
    state: str,
    reason: str = "",
    *,
    kept: dict[str, Any] | None = None,
) -> bool:
    """End an active task whoever has it; false if it was over already.

    ``kept`` is what may be remembered of its arguments when it is done.
    """
    return await _end(session, Task.id == task_id, state, reason, kept)


async def sweep(session: AsyncSession) -> None:
    """Forget tasks that were over long ago."""
    now = utc_now()
    await session.execute(
        delete(Task).where(
            or_(
                (Task.state == DONE) & (Task.finished_at < now - DONE_KEPT),
                Task.state.in_((FAILED, CANCELLED)) & (Task.finished_at < now - FAILED_KEPT),
            )
        )
    )


def plain(reason: str) -> str:
    """Somebody else's words as the database can keep them: one line, nothing unprintable."""
    return "".join(c if c.isprintable() else " " for c in reason)[:REASON_LENGTH]


async def _change(session: AsyncSession, task: Claimed, **columns: Any) -> bool:
    if not columns:
        columns = {"attempts": task.attempts}
    result = await session.execute(
        update(Task)
        .where(Task.id == task.id, Task.state == RUNNING, Task.attempts == task.attempts)
        .values(**columns)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has a rowcount


async def _settle(session: AsyncSession, task: Claimed, state: str, reason: str) -> None:
    mine = (Task.id == task.id) & (Task.state == RUNNING) & (Task.attempts == task.attempts)
    if not await _end(session, mine, state, reason):
        raise Lost(task.id)


async def _end(
    session: AsyncSession,
    which: ColumnElement[bool],
    state: str,
    reason: str,
    kept: dict[str, Any] | None = None,
) -> bool:
    values: dict[str, Any] = {
        "state": state,
        "reason": plain(reason),
        "slot": None,
        "finished_at": utc_now(),
    }
    if state == DONE:
        # What was done needs no words any more: they may have been private.
        values |= {"progress": 100, "arguments": kept or {}, "cursor": None}
    row = (
        await session.execute(
            update(Task)
            .where(which, Task.state.in_(ACTIVE))
            .values(**values)
            .returning(Task.id, Task.user_id, Task.name, Task.progress)
            .execution_options(synchronize_session=False)
        )
    ).first()
    if row is None:
        return False
    task_id, user_id, name, progress = row
    if user_id is not None:
        await tell(session, user_id, task_id, name, state, progress)
    return True
