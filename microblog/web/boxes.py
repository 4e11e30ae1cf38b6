"""The boxes above every page of a person: what they have begun and is not over.

Something short may be over before the page comes that is to show it. So the browser keeps in its
cookie what was begun last, and the next page shows that in any case.
"""

from collections.abc import Sequence
from contextlib import suppress

from quart import g, request
from quart import session as cookie
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import tasks
from microblog.domain.actors import Actor
from microblog.domain.errors import NotFound
from microblog.domain.tasks import TaskView
from microblog.web import scope

_BEGUN = "begun"


def note(task_id: str) -> None:
    """Have the next page show this task, over or not."""
    cookie[_BEGUN] = task_id


async def look(actor: Actor, *, as_page: bool) -> None:
    """Ask for what is under way, if the login said that anything is."""
    begun = cookie.pop(_BEGUN) if as_page and _shows() and _BEGUN in cookie else None
    if not actor.has_tasks and begun is None:
        return
    if _shows():
        g.boxes = await _ask(scope.session(), actor, begun)
        return
    async with scope.resources().database.reading() as session:
        g.boxes = await _ask(session, actor, begun)


def _shows() -> bool:
    return request.method in scope.SAFE_METHODS


async def _ask(session: AsyncSession, actor: Actor, begun: str | None) -> list[TaskView]:
    found = await tasks.active(session, actor)
    if begun is not None and all(task.id != begun for task in found):
        with suppress(NotFound):
            found.append(await tasks.by_id(session, actor, begun))
    return found


def shown() -> Sequence[TaskView]:
    """What this page shows."""
    found: Sequence[TaskView] = g.get("boxes", ())
    return found


def has(name: str) -> bool:
    """Whether something of that name is under way."""
    return any(task.name == name and task.is_active for task in shown())
