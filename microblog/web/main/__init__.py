"""What people read and write: a file for a page and its buttons."""

from microblog.web.main import (
    avatar,
    conversations,
    exports,
    follows,
    language,
    messages,
    notifications,
    popup,
    post,
    profile,
    search,
    timeline,
    translate,
)
from microblog.web.main.blueprint import bp

__all__ = [
    "avatar",
    "bp",
    "conversations",
    "exports",
    "follows",
    "language",
    "messages",
    "notifications",
    "popup",
    "post",
    "profile",
    "search",
    "timeline",
    "translate",
]
