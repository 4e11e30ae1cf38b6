"""The follow button, both ways; a script that presses it is told in JSON and led nowhere."""

import json
from typing import Any

from quart import Response, flash, redirect, url_for

from microblog.domain import follows, users
from microblog.domain.errors import NotFound, Refusal
from microblog.i18n import gettext as _
from microblog.web import access, limiting, scope
from microblog.web.main.blueprint import bp
from microblog.web.negotiation import JSON, prefers_json
from microblog.web.rendering import user_url


@bp.post("/follow/<username>")
@access.members
async def follow(username: str) -> Any:
    """Read this person from now on."""
    return await _change(follows.follow, username, _("You are following %(name)s!"))


@bp.post("/unfollow/<username>")
@access.members
async def unfollow(username: str) -> Any:
    """Read this person no longer."""
    return await _change(follows.unfollow, username, _("You are not following %(name)s."))


async def _change(verb: Any, username: str, done: str) -> Any:
    await limiting.spend_write(scope.viewer())
    if prefers_json():
        user = await users.by_username(scope.session(), username)
        await verb(scope.session(), scope.viewer(), user)
        text = json.dumps({"text": done % {"name": user.username}}, ensure_ascii=False)
        return Response(text, content_type=JSON)
    try:
        user = await users.by_username(scope.session(), username)
    except NotFound as refusal:
        await flash(_(refusal.message, **refusal.values))
        return redirect(url_for("main.index"))
    try:
        await verb(scope.session(), scope.viewer(), user)
    except Refusal as refusal:
        await flash(_(refusal.message, **refusal.values))
    else:
        await flash(done % {"name": user.username})
    return redirect(user_url(user.username))
