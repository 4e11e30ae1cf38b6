"""The tables: one noun, one file. Tables only; verbs live in :mod:`microblog.domain`."""

from microblog.models.base import Base, utc_now
from microblog.models.event import Event
from microblog.models.follow import Follow
from microblog.models.grant import Grant
from microblog.models.letter import Letter
from microblog.models.post import Post, PostVersion
from microblog.models.rate import Rate
from microblog.models.role import Ban, Operator
from microblog.models.session import Session
from microblog.models.user import User

__all__ = [
    "Ban",
    "Base",
    "Event",
    "Follow",
    "Grant",
    "Letter",
    "Operator",
    "Post",
    "PostVersion",
    "Rate",
    "Session",
    "User",
    "utc_now",
]
