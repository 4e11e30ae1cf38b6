"""People's pictures: drawn by us, or from Gravatar where the operator says so."""

from typing import Any

from quart import Response, redirect, request

from microblog.domain import users
from microblog.domain.identicon import gravatar_url, identicon
from microblog.web import access, scope
from microblog.web.main.blueprint import bp

_SMALLEST, _USUAL, _LARGEST = 16, 80, 512


@bp.route("/avatar/<int(max=2147483647):user_id>")
@access.machines
async def avatar(user_id: int) -> Any:
    """A picture of ``size`` pixels, 16 to 512; what is no such number is 80."""
    size = _size(request.args.get("size", ""))
    if scope.settings().avatars.provider == "gravatar":
        user = await users.by_id(scope.session(), user_id)
        response: Any = redirect(gravatar_url(user.email, size))
    else:
        # Drawn from the number alone: whether somebody has it is not told.
        response = Response(identicon(str(user_id), size), content_type="image/svg+xml")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


def _size(raw: str) -> int:
    if not raw.isascii() or not raw.isdigit() or len(raw) > 4:
        return _USUAL
    return min(max(int(raw), _SMALLEST), _LARGEST)
