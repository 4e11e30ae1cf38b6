"""Events as they go over the wire: JSON objects, one a frame."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from microblog.domain.links import linkify
from microblog.domain.posts import PostView


def frame(kind: str, seq: int, **members: Any) -> str:
    """One frame: its type, its place in the log, and what belongs to the type."""
    return json.dumps(
        {"type": kind, "seq": seq, **members}, ensure_ascii=False, separators=(",", ":")
    )


def post_created(seq: int, channels: Iterable[str], post: PostView, html: str) -> str:
    """A post that this reader has not seen, with the fragment that pages show."""
    return frame("post.created", seq, channels=list(channels), post=post_shape(post), html=html)


def post_updated(seq: int, channels: Iterable[str], post: PostView, html: str) -> str:
    """A post that says something else now."""
    return frame("post.updated", seq, channels=list(channels), post=post_shape(post), html=html)


def post_deleted(seq: int, channels: Iterable[str], post_id: int) -> str:
    """A post that is gone."""
    return frame("post.deleted", seq, channels=list(channels), post_id=post_id)


def post_shape(post: PostView) -> dict[str, Any]:
    """A post as programs see it; the author's address is nobody's business."""
    return {
        "id": post.id,
        "body": post.body,
        "html": str(linkify(post.body)),
        "language": post.language,
        "timestamp": iso(post.created_at),
        "edited_at": iso(post.edited_at) if post.edited_at else None,
        "author": {
            "id": post.author_id,
            "username": post.author_username,
            "display_name": post.author_display_name,
            "_links": {
                "self": f"/api/users/{post.author_id}",
                "avatar": f"/avatar/{post.author_id}",
                "page": f"/user/{quote(post.author_username)}",
            },
        },
        "_links": {"self": f"/api/posts/{post.id}", "page": f"/post/{post.id}"},
    }


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond, ending in ``Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
