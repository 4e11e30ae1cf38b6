"""Exports: promised, watched, called off, fetched."""

from collections.abc import Collection
from typing import Any, Literal
from uuid import UUID

from pydantic import Field
from quart import request

from microblog import i18n
from microblog.domain import archives, tasks, tokens
from microblog.domain.errors import Busy
from microblog.domain.tasks import TaskView, UnderWay
from microblog.web import fetching, limiting, refusals, scope
from microblog.web.api.blueprint import bp
from microblog.web.api.operations import operation
from microblog.web.api.shapes import AN_HOUR, Moment, Shape

GROUP = "exports"
_PATH = "/api/exports"
_UNDER_WAY = "An export task is currently in progress"
_ID = "0b54f2c6-6d8e-4b6e-9a35-9c5d1f0d7a11"


class ExportLinks(Shape):
    """Where to go on from an export; `archive` is `null` as long as there is none."""

    self: str = Field(examples=[f"{_PATH}/{_ID}"])
    archive: str | None = Field(examples=[f"{_PATH}/{_ID}/archive"])


class Export(Shape):
    """An export. It is done when its letter is out; what it has made may be fetched before."""

    id: str = Field(examples=[_ID], json_schema_extra={"format": "uuid"})
    state: Literal["waiting", "running", "done", "failed", "cancelled"] = Field(
        examples=["running"]
    )
    progress: int = Field(ge=0, le=100, description="In percent.", examples=[57])
    created_at: Moment
    finished_at: Moment | None = Field(examples=[None, AN_HOUR])
    reason: str | None = Field(
        description="Why it rests, or has not been done.",
        examples=[None, "You have called it off."],
    )
    links: ExportLinks = Field(serialization_alias="_links")


class ExportsLinks(Shape):
    """This list."""

    self: str = Field(examples=[_PATH])


class Exports(Shape):
    """The latest exports of a person, newest first."""

    items: list[Export]
    links: ExportsLinks = Field(serialization_alias="_links")


@bp.get("/exports")
@operation(GROUP, scope=tokens.READ, answers={200: Exports})
async def get_exports() -> Any:
    """One's own exports of the last days, at most 20."""
    found = await tasks.of_actor(scope.session(), scope.viewer(), names=[tasks.EXPORT_POSTS])
    offered = await _offered()
    items = [_shown(task, offered) for task in found]
    return Exports(items=items, links=ExportsLinks(self=_PATH))


@bp.post("/exports")
@operation(
    GROUP,
    scope=tokens.WRITE,
    answers={202: Export},
    refuses=(409,),
    headers={202: ("Location",), 409: ("Location",)},
    repeatable=True,
)
async def create_export() -> Any:
    """Have all that one has here written into an archive.

    A letter says when it is there. While one export is under way there is no second one: 409, with
    the `Location` of the first.
    """
    actor = scope.viewer()
    try:
        task_id = await tasks.launch(
            scope.session(), actor, tasks.EXPORT_POSTS, language=_letter_language()
        )
    except UnderWay as refusal:
        if refusal.task_id is None:  # it ended just now
            raise Busy from refusal
        location = {"Location": f"{_PATH}/{refusal.task_id}"}
        return await refusals.answer(refusal.status, _UNDER_WAY, headers=location)
    await limiting.spend_export(actor)
    task = await _find(task_id)
    return _shown(task, ()), 202, {"Location": f"{_PATH}/{task_id}"}


@bp.get("/exports/<uuid:export>")
@operation(GROUP, scope=tokens.READ, answers={200: Export}, refuses=(404,))
async def get_export(export: UUID) -> Any:
    """How far an export is."""
    task = await _find(str(export))
    return _shown(task, await _offered())


@bp.delete("/exports/<uuid:export>")
@operation(GROUP, scope=tokens.WRITE, answers={204: None}, refuses=(404,))
async def cancel_export(export: UUID) -> Any:
    """Call an export off; one that is over stays as it ended, and what it has made stays, too."""
    task = await _find(str(export))
    await tasks.cancel(scope.session(), scope.viewer(), task.id)
    return "", 204


@bp.get("/exports/<uuid:export>/archive")
@operation(
    GROUP,
    # It holds private messages.
    scope=f"{tokens.READ} {tokens.MESSAGES}",
    answers={200: None},
    file=fetching.ZIP,
    refuses=(404,),
    headers={200: ("Content-Disposition",)},
)
async def get_archive(export: UUID) -> Any:
    """What an export has made, as long as it is offered."""
    found = await archives.by_task(scope.session(), scope.viewer(), str(export))
    return await fetching.answer(found)


async def _find(task_id: str) -> TaskView:
    return await tasks.by_id(scope.session(), scope.viewer(), task_id, name=tasks.EXPORT_POSTS)


async def _offered() -> set[str]:
    """The exports whose archives may be fetched."""
    found = await archives.of_actor(scope.session(), scope.viewer())
    return {archive.task_id for archive in found}


def _shown(task: TaskView, offered: Collection[str]) -> Export:
    path = f"{_PATH}/{task.id}"
    return Export(
        id=task.id,
        state=task.state,  # type: ignore[arg-type]  # one of the names of states
        progress=task.progress,
        created_at=task.created_at,
        finished_at=task.finished_at,
        reason=task.reason or None,
        links=ExportLinks(self=path, archive=f"{path}/archive" if task.id in offered else None),
    )


def _letter_language() -> str:
    # The API itself speaks English; a letter speaks to a person.
    offered = scope.settings().languages.offered
    accepted = request.headers.get("Accept-Language")
    return i18n.choose(offered, scope.viewer().language, accepted)
