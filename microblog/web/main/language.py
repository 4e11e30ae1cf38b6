"""The language menu at the foot of every page."""

from typing import Any

from quart import redirect, request, url_for

from microblog import i18n
from microblog.domain import accounts
from microblog.web import access, scope
from microblog.web.main.blueprint import bp

_YEAR = 365 * 24 * 60 * 60


@bp.post("/language")
@access.visitors
async def language() -> Any:
    """Speak another language: in this browser, and to this account if there is one."""
    form = await request.form
    code = i18n.choose(scope.settings().languages.offered, form.get("language"))
    actor = scope.find_viewer()
    if actor is not None and actor.language is not None:
        await accounts.set_language(scope.session(), actor, code)
    response = redirect(access.safe_next(form.get("next")) or url_for("main.index"))
    https = scope.settings().server.https
    response.set_cookie(
        "language", code, max_age=_YEAR, secure=https, httponly=True, samesite="Lax"
    )
    return response
