"""Pages for the person who is here."""

from collections.abc import Callable, Hashable, Mapping, MutableMapping
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, cast

from markupsafe import Markup, escape
from quart import Response, current_app, g, get_flashed_messages, request

from microblog import i18n
from microblog.domain.actors import Actor
from microblog.domain.paging import Place, Slice
from microblog.web import boxes, csrf, languages, scope, stencils
from microblog.web.drawing import HOLES, Pages, avatar_url, post_url, user_url
from microblog.web.stencils import Part, Stencil

__all__ = ["Pages", "avatar_url", "post_url", "user_url"]

EXTENSION = "microblog.pages"
# The category of a flash which says that what was written has arrived.
SENT = "sent"


# What no page shows of a person.
_UNSEEN = {"session_id", "last_seen_at", "notified_at", "ends_at"}
_shown = attrgetter(*(each.name for each in fields(Actor) if each.name not in _UNSEEN))


@dataclass(frozen=True, slots=True)
class Pager:
    """Where the two links below a list lead; ``None`` for a way that leads nowhere."""

    newer: str | None
    older: str | None


def page(template: str, *, status: int = 200, plain: bool = False, **context: Any) -> Response:
    """A page for the person who is here.

    ``plain``: everything in the context is a plain value, and nothing else is shown. Then the page
    is drawn once for all that it shows. It is packed, too: its one secret is in a hole.
    """
    pages: Pages = current_app.extensions[EXTENSION]
    viewer = scope.find_viewer()
    flashes = cast("list[tuple[str, str]]", get_flashed_messages(with_categories=True))
    holes: dict[str, str | Part] = {
        stencils.CSRF: csrf.token(),
        stencils.LIVE_SINCE: str(context.pop("live_since", 0)),
        stencils.SOCKET_SINCE: str(g.get("live_since", 0)),
        stencils.NOTIFIED: str(viewer.notified_at if viewer else 0.0),
    }
    whole = {
        "status": status,
        "viewer": viewer,
        "unread": viewer.unread_messages if viewer else 0,
        "flashes": [text for _kind, text in flashes],
        "is_sent": any(kind == SENT for kind, _text in flashes),
        "title": None,
        "confirmation_wanted": _confirmation_wanted(),
        "languages": _languages(),
        "here_path": request.full_path.rstrip("?") if request.method == "GET" else "",
        "boxes": boxes.shown(),
        "live_channels": None,
        **context,
    }
    kept = plain and not flashes and not whole["boxes"]
    if kept and whole.get("posts"):
        _cut_out_list(pages, whole, holes)
    stencil = pages.stencil(template, whole, _key(template, whole, viewer) if kept else None)
    return _answer(stencil, holes, status=status, packed=kept)


def _cut_out_list(
    pages: Pages, context: dict[str, Any], holes: MutableMapping[str, str | Part]
) -> None:
    """Have the list of posts and where it leads to fill holes of the page, which is then another
    one only where something else on it is.
    """
    ways: Pager = context["pager"]
    holes[stencils.POSTS] = pages.rows(context["posts"], i18n.language(), languages.read())
    holes[stencils.NEWER] = escape(ways.newer or "")
    holes[stencils.OLDER] = escape(ways.older or "")
    context["posts"] = Markup(stencils.POSTS)  # noqa: S704 (a hole)
    context["pager"] = Pager(ways.newer and stencils.NEWER, ways.older and stencils.OLDER)


def _key(template: str, context: Mapping[str, Any], viewer: Actor | None) -> Hashable:
    """All that the page depends on."""
    plain = viewer and _shown(viewer)
    shown = (tuple(value) if isinstance(value, list) else value for value in context.values())
    return (
        template,
        i18n.language(),
        str(i18n.time_zone()),
        languages.read(),
        plain,
        *(value for value in shown if value is not viewer),
    )


def _answer(stencil: Stencil, holes: stencils.Values, *, status: int, packed: bool) -> Response:
    wanted = packed and stencils.takes_gzip(request.headers.get("Accept-Encoding", ""))
    body = stencil.fill_packed(holes) if wanted else stencil.fill(holes)
    response = Response(body, status=status, content_type="text/html; charset=utf-8")
    # Who is here says the login cookie, which the framework does not know of.
    response.headers["Vary"] = "Cookie, Accept-Encoding" if packed else "Cookie"
    if wanted:
        response.content_encoding = "gzip"
    return response


def drawn(template: str, **context: Any) -> Markup:
    """A part of a page, to be handed to :func:`page`."""
    pages: Pages = current_app.extensions[EXTENSION]
    return Markup(pages.render(template, **context, **HOLES))  # noqa: S704 (a template has escaped it)


def chunk(template: str, key: Hashable, make: Callable[[], Mapping[str, Any]]) -> Markup:
    """As :func:`drawn`, kept by its key and the language."""
    pages: Pages = current_app.extensions[EXTENSION]
    return pages.chunk(template, key, make)


def address(endpoint: str) -> str:
    """The path of a route that needs no values."""
    pages: Pages = current_app.extensions[EXTENSION]
    build: Callable[[str], str] = pages.environment.globals["url_for"]  # type: ignore[assignment]
    return build(endpoint)


def snippet(template: str, **context: Any) -> Response:
    """A part of a page, for a script to put into one; what is to be flashed waits for a page."""
    pages: Pages = current_app.extensions[EXTENSION]
    text = pages.render(template, viewer=scope.find_viewer(), csrf_token=csrf.token(), **context)
    return Response(text, content_type="text/html; charset=utf-8")


def _confirmation_wanted() -> bool:
    actor = scope.find_viewer()
    wanted = scope.settings().accounts.confirm_email != "off"
    return wanted and actor is not None and not actor.is_confirmed


def _languages() -> list[tuple[str, str]]:
    offered = scope.settings().languages.offered
    return [(code, i18n.autonym(code)) for code in offered] if len(offered) > 1 else []


def pager(base: str, part: Slice[Any]) -> Pager:
    """The links beside a part of a list that is shown at ``base``."""
    return Pager(
        newer=None if part.newer is None else base + _query(part.newer),
        older=None if part.older is None else base + _query(part.older),
    )


def _query(place: Place) -> str:
    if place.before is not None:
        return f"?before={place.before}"
    if place.after is not None:
        return f"?after={place.after}"
    return ""
