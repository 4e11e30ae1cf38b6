"""Exports and imports: begun, watched, called off."""

from typing import Any

from quart import flash, redirect, request, url_for

from microblog.domain import tasks
from microblog.domain.tasks import UnderWay
from microblog.i18n import gettext as _
from microblog.i18n import language
from microblog.web import access, boxes, limiting, scope, uploads
from microblog.web.main.blueprint import bp
from microblog.web.negotiation import prefers_json
from microblog.web.rendering import snippet, user_url


@bp.post("/export_posts")
@access.members
async def export_posts() -> Any:
    """Promise an archive of all that the person has here."""
    try:
        boxes.note(
            await tasks.launch(
                scope.session(), scope.viewer(), tasks.EXPORT_POSTS, language=language()
            )
        )
    except UnderWay:
        await flash(_("An export task is currently in progress"))
    else:
        await limiting.spend_export(scope.viewer())
    return redirect(user_url(scope.viewer().username))


async def _look() -> Any:
    actor = scope.viewer()
    async with scope.resources().database.reading() as session:
        is_importing = await tasks.find_active(session, actor, tasks.IMPORT_POSTS) is not None
    if is_importing or uploads.is_sending(actor):
        await flash(_("An import task is currently in progress"))
        return redirect(url_for("auth.account"))
    await limiting.check_import(actor)
    return None


@bp.post("/import_posts")
@access.members
@access.looking_first(_look)
async def import_posts() -> Any:
    """Promise that the posts of an archive come back."""
    await request.form  # nobody has read it where the token came in a header
    upload = uploads.received()
    if upload is None or await upload.is_empty():
        await flash(_("Please choose a file."))
        return redirect(url_for("auth.account"))
    try:
        # It must lie there before anybody can learn of the task.
        name = await upload.keep()
        boxes.note(
            await tasks.launch(scope.session(), scope.viewer(), tasks.IMPORT_POSTS, upload=name)
        )
        await limiting.spend_import(scope.viewer())
    except UnderWay:
        await upload.drop()
        await flash(_("An import task is currently in progress"))
    except BaseException:
        await upload.drop()
        raise
    return redirect(url_for("auth.account"))


@bp.post("/tasks/<task_id>/cancel")
@access.members
async def cancel_task(task_id: str) -> Any:
    """Call it off, and go back to where one was."""
    await tasks.cancel(scope.session(), scope.viewer(), task_id)
    if prefers_json():
        return "", 204
    await flash(_("It has been called off."))
    wish = access.safe_next((await request.form).get("next"))
    return redirect(wish or user_url(scope.viewer().username))


@bp.get("/tasks")
@access.members_by_script
async def show_tasks() -> Any:
    """The boxes, and that of the task ``with`` even if it is over, for open pages."""
    session, actor = scope.session(), scope.viewer()
    named = request.args.get("with", "")
    found = [
        task for task in await tasks.of_actor(session, actor) if task.is_active or task.id == named
    ]
    return snippet("_tasks.html", boxes=found, here_path="")
