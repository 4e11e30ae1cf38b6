"""How the edge, which stands before the application, draws its refusals: in the site's layout."""

from functools import lru_cache
from typing import Any

from quart import Quart
from werkzeug.datastructures import Headers
from werkzeug.http import parse_cookie

from microblog import i18n
from microblog.i18n import gettext as _
from microblog.web import cors, negotiation, problems, refusals, rendering, scope
from microblog.web.edge import Beside, Refuse
from microblog.web.edge.asgi import Scope

_KEPT = 64


def build(app: Quart) -> Refuse:
    """What the edge of this application calls; nothing of it waits."""
    resources: Any = app.extensions[scope.EXTENSION]
    offered: tuple[str, ...] = resources.settings.languages.offered
    draw = _drawing(app.extensions[rendering.EXTENSION])

    def refuse(asgi: Scope, status: int, detail: str) -> tuple[str, str]:
        path = asgi.get("path", "")
        # What is no path, as in `OPTIONS *`, no page has asked for.
        if negotiation.is_api(path) or not path.startswith("/"):
            return problems.CONTENT_TYPE, problems.told(status, detail)
        sent = Headers([(k.decode("latin-1"), v.decode("latin-1")) for k, v in asgi["headers"]])
        chosen = parse_cookie("; ".join(sent.getlist("Cookie"))).get("language")
        language = i18n.choose(offered, chosen, sent.get("Accept-Language"))
        if "text/html" in ",".join(sent.getlist("Accept")):
            return "text/html; charset=utf-8", draw(language, status, detail)
        with i18n.speaking(language):
            return problems.CONTENT_TYPE, refusals.problem(status, _(detail))

    return refuse


def beside(app: Quart) -> Beside:
    """What scripts of other sites need to read a refusal of the edge, as any other answer."""
    resources: Any = app.extensions[scope.EXTENSION]
    allowed: tuple[str, ...] = resources.settings.api.cors_origins

    def tell(asgi: Scope) -> list[tuple[bytes, bytes]]:
        if not allowed or not negotiation.is_api(asgi.get("path", "")):
            return []
        sent = [value for name, value in asgi["headers"] if name.lower() == b"origin"]
        origin = sent[0].decode("latin-1") if len(sent) == 1 else None
        told = {"Vary": "Origin"} | cors.beside(origin, allowed)
        return [(name.lower().encode(), value.encode()) for name, value in told.items()]

    return tell


def _drawing(pages: rendering.Pages) -> Any:
    # A crowd is told the same again and again.
    @lru_cache(_KEPT)
    def draw(language: str, status: int, detail: str) -> str:
        with i18n.speaking(language):
            heading, _usual = refusals.words(status)
            return pages.render_for_nobody(
                "errors/error.html",
                status=status,
                heading=heading,
                text=_(detail),
                request_id="",
            )

    return draw
