"""Templates and what they may use. Plain values go in, text comes out; nothing is awaited.

A post's fragment is the same for every reader of a language who needs, or needs not, have the post
translated. It is rendered once and kept, by all that it shows: a post that changes is another key,
so what is kept can never be out of date.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from quart import Quart

from microblog import i18n
from microblog.domain import tongues
from microblog.domain.links import linkify
from microblog.domain.posts import PostView
from microblog.domain.search.marking import places
from microblog.domain.search.query import Phrase
from microblog.live.wire import iso
from microblog.web import devices, languages, stencils
from microblog.web.static import StaticFiles
from microblog.web.stencils import Drawn, Part, Stencil

# What no page knows while it is drawn.
HOLES = {
    "csrf_token": stencils.CSRF,
    "live_since": stencils.LIVE_SINCE,
    "socket_since": stencils.SOCKET_SINCE,
    "notified_at": stencils.NOTIFIED,
}
# What a page shows of a person and of a request, where there is neither.
_NOBODY: Mapping[str, Any] = {
    "viewer": None,
    "csrf_token": "",
    "confirmation_wanted": False,
    "languages": (),
    "here_path": "",
    "flashes": (),
    "title": None,
}
_FRAGMENTS_KEPT = 4096
_CHUNKS_KEPT = 256
_ADDRESSES_KEPT = 256


class Pages:
    """The templates of one application."""

    def __init__(self, app: Quart, static: StaticFiles) -> None:
        """Compile as they are asked for; addresses come from the application's routes."""
        self._adapter = app.url_map.bind("localhost")
        self.stencils: Drawn[Stencil] = Drawn()
        self.lists: Drawn[Part] = Drawn()
        self._chunks: dict[Hashable, Markup] = {}
        self._most_chunks = _CHUNKS_KEPT
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
        self.fragment: Callable[[PostView, str, bool], Markup] = lru_cache(_FRAGMENTS_KEPT)(
            self._fragment
        )
        self.environment.globals |= {
            "url_for": lru_cache(_ADDRESSES_KEPT)(self.url_for),
            "static_url": static.url,
            "user_url": user_url,
            "post_url": post_url,
            "avatar_url": avatar_url,
            "post_html": linkify,
            "post_rows": self._rows_here,
            "found_fragment": self._found_fragment,
            "iso": iso,
            "long_date": i18n.long_date,
            "file_size": i18n.file_size,
            # As `_`, for words that come from elsewhere: what they hold is escaped.
            "translated": i18n.translated,
            "device_name": devices.name,
        }

    def keep_nothing(self) -> None:
        """Draw all of it each time, which must come to the same; for who has drawn nothing yet."""
        self.stencils = Drawn(0)
        self.lists = Drawn(0)
        self._most_chunks = 0
        self.fragment = self._fragment
        self.environment.globals["url_for"] = self.url_for

    def url_for(self, endpoint: str, **values: Any) -> str:
        """The path of a route; needs no request."""
        return self._adapter.build(endpoint, values)

    def render(self, template: str, **context: Any) -> str:
        """A template in the language of the moment."""
        language = i18n.language()
        frame = {"language": i18n.tag(language), "direction": i18n.direction(language)}
        return self.environment.get_template(template).render(frame | context)

    def render_for_nobody(self, template: str, **context: Any) -> str:
        """A whole page in the language of the moment, the same for everybody; needs no request.

        It has no title beyond the site's own unless ``context`` says one.
        """
        return self.render(template, **{**_NOBODY, **context})

    def stencil(self, template: str, context: Mapping[str, Any], key: Hashable | None) -> Stencil:
        """A page with holes in it; with a key it is kept, and taken again for the same key."""
        found = None if key is None else self.stencils.find(key)
        if found is None:
            found = Stencil(self.render(template, **context, **HOLES))
            if key is not None:
                self.stencils.keep(key, found)
        return found

    def chunk(self, template: str, key: Hashable, make: Callable[[], Mapping[str, Any]]) -> Markup:
        """A part of a page that depends on the language and the key alone; ``make`` its context."""
        whole = (template, i18n.language(), key)
        found = self._chunks.get(whole)
        if found is None:
            text = self.render(template, **make(), **HOLES)
            found = Markup(text)  # noqa: S704 (a template has escaped it)
            if len(self._chunks) >= self._most_chunks:
                self._chunks.clear()
            if self._most_chunks:
                self._chunks[whole] = found
        return found

    def rows(self, posts: Sequence[PostView], language: str, reads: frozenset[str]) -> Part:
        """The rows of a list of posts, for who reads these languages."""
        key = language, reads, tuple(posts)
        found = self.lists.find(key)
        if found is None:
            found = Part(self._rows(posts, language, reads))
            self.lists.keep(key, found)
        return found

    def _rows(self, posts: Sequence[PostView], language: str, reads: frozenset[str]) -> Markup:
        foreign = (tongues.is_foreign(post.language, reads) for post in posts)
        fragments = map(self.fragment, posts, repeat(language), foreign)
        return Markup("\n  ".join(fragments))  # noqa: S704 (templates have escaped them)

    def _rows_here(self, posts: Sequence[PostView] | Markup) -> Markup:
        """The same as text; of what is a hole already, that hole."""
        if isinstance(posts, Markup):
            return posts
        return self._rows(posts, i18n.language(), languages.read())

    def _fragment(self, post: PostView, language: str, foreign: bool) -> Markup:
        # The same for readers in every time zone: in UTC, which the browser makes local.
        with i18n.speaking(language):
            module: Any = self.environment.get_template("_post.html").module
            return Markup(module.post(post, foreign=foreign))  # noqa: S704 (the macro has escaped all that it shows)

    def _found_fragment(self, post: PostView, phrases: Sequence[Phrase]) -> Markup:
        """A post with what it was found by standing out; such a fragment is nobody else's."""
        with i18n.speaking(i18n.language()):
            module: Any = self.environment.get_template("_post.html").module
            body = linkify(post.body, places(post.body, phrases))
            fragment = module.post(post, body, foreign=languages.is_foreign(post))
            return Markup(fragment)  # noqa: S704 (as above)


def user_url(username: str) -> str:
    """The path of a profile."""
    return f"/user/{quote(username)}"


def post_url(post_id: int) -> str:
    """The path of a post by itself."""
    return f"/post/{post_id}"


def avatar_url(user_id: int, size: int) -> str:
    """The path of a person's picture, ``size`` pixels wide."""
    return f"/avatar/{user_id}?size={size}"
