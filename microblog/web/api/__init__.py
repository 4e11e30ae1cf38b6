"""The API: what the pages can do, for programs."""

from microblog.web.api import (
    answers,
    docs,
    exports,
    following,
    messages,
    notifications,
    openapi,
    posts,
    search,
    tokens,
    translation,
    users,
)
from microblog.web.api.blueprint import bp
from microblog.web.api.openapi import install

__all__ = [
    "answers",
    "bp",
    "docs",
    "exports",
    "following",
    "install",
    "messages",
    "notifications",
    "openapi",
    "posts",
    "search",
    "tokens",
    "translation",
    "users",
]
