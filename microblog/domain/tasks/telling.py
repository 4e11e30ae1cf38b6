"""What a person's open pages are told about the tasks that they have begun."""

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import notifications
from microblog.domain.tasks.kinds import ACTIVE, DESCRIPTIONS


async def tell(
    session: AsyncSession, user_id: int, task_id: str, name: str, state: str, progress: int
) -> None:
    """Say how far one is, if it is of a kind that pages show."""
    if name in DESCRIPTIONS:
        # Over is over: whoever knows nothing but the number must not wait for the rest.
        data = {
            "task_id": task_id,
            "progress": progress if state in ACTIVE else 100,
            "name": name,
            "state": state,
        }
        await notifications.notify(session, user_id, notifications.TASK_PROGRESS, data)
