"""Who somebody is, in a few words: what opens beside a name."""

from typing import Any

from microblog.domain import users
from microblog.web import access, scope
from microblog.web.main.blueprint import bp
from microblog.web.rendering import snippet


@bp.route("/user/<username>/popup")
@access.members
async def user_popup(username: str) -> Any:
    """A part of a page, and a small page by itself."""
    user = await users.profile(scope.session(), scope.viewer(), username)
    return snippet("_user_popup.html", user=user, is_self=user.id == scope.viewer().id)
