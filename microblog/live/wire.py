"""Events as they go over the wire: JSON objects, one a frame."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from microblog.domain.links import linkify
from microblog.domain.posts import PostView
from microblog.live.texts import Text


def frame(kind: str, seq: int, **members: Any) -> Text:
    """One frame: its type, its place in the log, and what belongs to the type."""
    said = {"type": kind, "seq": seq, **members}
    return Text(json.dumps(said, ensure_ascii=False, separators=(",", ":")))


def post_created(seq: int, channels: Iterable[str], post: PostView, html: str) -> str:
    """A post that this reader has not seen, with the fragment that pages show."""
    return frame("post.created", seq, channels=list(channels), post=post_shape(post), html=html)


def post_updated(seq: int, channels: Iterable[str], post: PostView, html: str) -> str:
    """A post that says something else now."""
    return frame("post.updated", seq, channels=list(channels), post=post_shape(post), html=html)


def post_deleted(seq: int, channels: Iterable[str], post_id: int) -> str:
    """A post that is gone."""
    return frame("post.deleted", seq, channels=list(channels), post_id=post_id)


def post_translated(seq: int, post_id: int, language: str, text: str) -> str:
    """What a post says in a reader's language; the text is anybody's, and no markup."""
    return frame("post.translated", seq, post_id=post_id, language=language, text=text)


def notification(seq: int, word: dict[str, Any]) -> str:
    """Something for one person: ``name``, ``data`` and ``timestamp``, as the list has them."""
    return frame("notification", seq, **word)


def message_created(seq: int, message_id: int, user_id: int) -> str:
    """A private message to or from this reader; ``user_id`` is the other side. No word of it."""
    return frame("message.created", seq, message_id=message_id, user_id=user_id)


def post_shape(post: PostView) -> dict[str, Any]:
    """A post as programs see it; the author's address is nobody's business."""
    return {
        "id": post.id,
        "body": post.body,
        "html": str(linkify(post.body)),
        "language": post.language or None,
        "timestamp": iso(post.created_at),
        "edited_at": iso(post.edited_at) if post.edited_at else None,
        "author": person_shape(post.author_id, post.author_username, post.author_display_name),
        "_links": {"self": f"/api/posts/{post.id}", "page": f"/post/{post.id}"},
    }


def person_shape(user_id: int, username: str, display_name: str) -> dict[str, Any]:
    """A person beside what they wrote, or what was written to them."""
    return {
        "id": user_id,
        "username": username,
        "display_name": display_name,
        "_links": {
            "self": f"/api/users/{user_id}",
            "avatar": f"/avatar/{user_id}",
            "page": f"/user/{quote(username)}",
        },
    }


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond, ending in ``Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
