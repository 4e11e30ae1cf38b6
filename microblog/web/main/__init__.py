"""What people read and write: a file for a page and its buttons."""

from microblog.web.main import avatar, follows, language, post, profile, timeline
from microblog.web.main.blueprint import bp

__all__ = ["avatar", "bp", "follows", "language", "post", "profile", "timeline"]
