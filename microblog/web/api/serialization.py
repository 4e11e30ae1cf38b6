"""Posts as JSON, written once for all that they show.

A post is kept as the bytes that it makes, by the whole post as it was read: one that changes is
another key. A list is kept by the very part that memory holds, and goes with it: what is written
makes another list, and nobody asks for the last one again. So what is kept can never be out of
date, and nothing of it depends on who asks. It is made of the shapes that the description tells,
which check what is put into them.
"""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from quart import Response, current_app

from microblog.domain.paging import Slice
from microblog.domain.posts import PostView
from microblog.web.api import cursors, writing
from microblog.web.api.answers import quoted_tag
from microblog.web.api.cursors import Cursors
from microblog.web.negotiation import JSON

EXTENSION = "microblog.texts"
# What posts are kept by takes as much again.
MOST_BYTES = 8 * 1024 * 1024
# What a short one takes besides its letters.
FRAME_BYTES = 512


@dataclass(frozen=True, slots=True)
class Text:
    """JSON, and the headers that tell of it."""

    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Serialized(Response):
    """An answer whose body was made of the shape that its operation declares."""

    def __init__(self, text: Text) -> None:
        """Answer with this; the tag says which text it is."""
        super().__init__(text.body, content_type=JSON)
        self.headers.extend(text.headers)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A text; ``owner`` is what it goes with, and tells of its end as long as this is kept."""

    text: Text
    owner: "weakref.ref[Any] | None" = None


class Texts:
    """Those that were used last."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        """Keep up to ``most`` bytes; nothing with 0."""
        self.size = 0
        self._most = most
        self._kept: OrderedDict[Hashable, _Entry] = OrderedDict()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._kept)

    def find(self, key: Hashable, make: Callable[[], Text]) -> Text:
        """The text that says exactly this; made if it is not kept."""
        found = self._use(key)
        return self._keep(key, _Entry(make())) if found is None else found

    def find_beside(self, owner: object, asked: Hashable, make: Callable[[], Text]) -> Text:
        """What was made of this very object for whoever asked so; it is kept as long as that is."""
        # An object has its number to itself until it is gone, and then its texts are gone, too.
        key = id(owner), asked
        found = self._use(key)
        if found is not None:
            return found
        return self._keep(key, _Entry(make(), weakref.ref(owner, lambda _: self._drop(key))))

    def _use(self, key: Hashable) -> Text | None:
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found.text

    def _keep(self, key: Hashable, entry: _Entry) -> Text:
        if _size(entry.text) <= self._most:
            self._kept[key] = entry
            self.size += _size(entry.text)
        while self.size > self._most:
            self._drop(next(iter(self._kept)))
        return entry.text

    def _drop(self, key: Hashable) -> None:
        # An owner may come to its end at any moment.
        entry = self._kept.pop(key, None)
        if entry is not None:
            self.size -= _size(entry.text)


def post(shown: PostView) -> Serialized:
    """A post by itself."""
    return Serialized(_whole(_item(shown).body + b"\n"))


def created(shown: PostView, location: str) -> Serialized:
    """A post that has come to be, and where it is."""
    # Without a tag, which an answer that is given once more would have to repeat.
    answer = Serialized(Text(_item(shown).body + b"\n"))
    answer.status_code = 201
    answer.headers["Location"] = location
    return answer


def posts(part: Slice[PostView], path: str, query: Cursors) -> Serialized:
    """A part of the list of posts at this path, as :class:`~.writing.Posts` has it."""

    def make() -> Text:
        links = cursors.links(part, path, query)
        items = b",".join([_item(each).body for each in part.items])
        body = b'{"_links":%b,"items":[%b]}\n' % (_dumped(links), items)
        return _whole(body, cursors.header(links))

    if not query.place.is_newest:
        # It is read from the database each time, which takes much longer than this.
        return Serialized(make())
    # Whether a number was left out shows in the links.
    asked = path, query.limit, "limit" in query.model_fields_set
    return Serialized(_texts().find_beside(part, asked, make))


def _item(shown: PostView) -> Text:
    return _texts().find(shown, lambda: Text(_dumped(writing.shown(shown))))


def _whole(body: bytes, beside: dict[str, str] | None = None) -> Text:
    return Text(body, (("ETag", quoted_tag(body)), *(beside or {}).items()))


def _dumped(shape: BaseModel) -> bytes:
    # As the framework does it with what has no bytes yet.
    return current_app.json.dumps(shape.model_dump(), separators=(",", ":")).encode()


def _texts() -> Texts:
    found: Texts = current_app.extensions[EXTENSION]
    return found


def _size(text: Text) -> int:
    return len(text.body) + FRAME_BYTES
