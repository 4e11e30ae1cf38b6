"""Pages: templates and what they may use. Plain values go in, text comes out; nothing is awaited.

A post's fragment is the same for every reader of a language. It is rendered once and kept, by all
that it shows: a post that changes is another key, so what is kept can never be out of date.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from quart import Quart, Response, current_app, get_flashed_messages, request

from microblog import i18n
from microblog.domain.links import linkify
from microblog.domain.paging import Place, Slice
from microblog.domain.posts import PostView
from microblog.live.wire import iso
from microblog.web import csrf, devices, scope
from microblog.web.static import StaticFiles

EXTENSION = "microblog.pages"
_FRAGMENTS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Pager:
    """Where the two links below a list lead; ``None`` for a way that leads nowhere."""

    newer: str | None
    older: str | None


class Pages:
    """The templates of one application."""

    def __init__(self, app: Quart, static: StaticFiles) -> None:
        """Compile as they are asked for; addresses come from the application's routes."""
        self._adapter = app.url_map.bind("localhost")
        self.environment = Environment(
            loader=PackageLoader("microblog"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
            auto_reload=False,
            extensions=["jinja2.ext.i18n"],
        )
        self.environment.install_gettext_callables(  # type: ignore[attr-defined]  # from the extension
            i18n.translated, i18n.translated_plural, newstyle=True
        )
        self.fragment: Callable[[PostView, str], Markup] = lru_cache(_FRAGMENTS_KEPT)(
            self._fragment
        )
        self.environment.globals |= {
            "url_for": self.url_for,
            "static_url": static.url,
            "user_url": user_url,
            "post_url": post_url,
            "avatar_url": avatar_url,
            "post_html": linkify,
            "post_fragment": lambda post: self.fragment(post, i18n.language()),
            "iso": iso,
            "long_date": i18n.long_date,
            "device_name": devices.name,
        }

    def url_for(self, endpoint: str, **values: Any) -> str:
        """The path of a route; needs no request."""
        return self._adapter.build(endpoint, values)

    def render(self, template: str, **context: Any) -> str:
        """A template in the language of the moment."""
        language = i18n.language()
        frame = {"language": i18n.tag(language), "direction": i18n.direction(language)}
        return self.environment.get_template(template).render(frame | context)

    def _fragment(self, post: PostView, language: str) -> Markup:
        # The same for readers in every time zone: in UTC, which the browser makes local.
        with i18n.speaking(language):
            module: Any = self.environment.get_template("_post.html").module
            return Markup(module.post(post))  # noqa: S704 (the macro has escaped all that it shows)


def page(template: str, *, status: int = 200, **context: Any) -> Response:
    """A page for the person who is here."""
    pages: Pages = current_app.extensions[EXTENSION]
    text = pages.render(
        template,
        **{
            "status": status,
            "viewer": scope.find_viewer(),
            "csrf_token": csrf.token(),
            "flashes": get_flashed_messages(),
            "title": None,
            "confirmation_wanted": _confirmation_wanted(),
            "languages": _languages(),
            "here_path": request.full_path.rstrip("?") if request.method == "GET" else "",
            "live_channels": None,
            "live_since": 0,
            **context,
        },
    )
    return Response(text, status=status, content_type="text/html; charset=utf-8")


def _confirmation_wanted() -> bool:
    actor = scope.find_viewer()
    wanted = scope.settings().accounts.confirm_email != "off"
    return wanted and actor is not None and not actor.is_confirmed


def _languages() -> list[tuple[str, str]]:
    offered = scope.settings().languages.offered
    return [(code, i18n.autonym(code)) for code in offered] if len(offered) > 1 else []


def pager(base: str, part: Slice[PostView]) -> Pager:
    """The links beside a part of a list that is shown at ``base``."""
    return Pager(
        newer=None if part.newer is None else base + _query(part.newer),
        older=None if part.older is None else base + _query(part.older),
    )


def _query(place: Place) -> str:
    if place.before is not None:
        return "?" + urlencode({"before": place.before})
    if place.after is not None:
        return "?" + urlencode({"after": place.after})
    return ""


def user_url(username: str) -> str:
    """The path of a profile."""
    return f"/user/{quote(username)}"


def post_url(post_id: int) -> str:
    """The path of a post by itself."""
    return f"/post/{post_id}"


def avatar_url(user_id: int, size: int) -> str:
    """The path of a person's picture, ``size`` pixels wide."""
    return f"/avatar/{user_id}?size={size}"
