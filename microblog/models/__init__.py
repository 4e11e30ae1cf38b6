"""The tables: one noun, one file. Tables only; verbs live in :mod:`microblog.domain`."""

from microblog.models.archive import Archive
from microblog.models.base import Base, utc_now
from microblog.models.event import Event
from microblog.models.follow import Follow
from microblog.models.grant import Grant
from microblog.models.message import Message
from microblog.models.notification import Notification
from microblog.models.outbox import SearchNote
from microblog.models.post import Post, PostVersion
from microblog.models.rate import Rate
from microblog.models.role import Ban, Operator
from microblog.models.session import Session
from microblog.models.task import Task
from microblog.models.token import Answer, Token
from microblog.models.translation import PostTranslation, TranslationDay
from microblog.models.user import User

__all__ = [
    "Answer",
    "Archive",
    "Ban",
    "Base",
    "Event",
    "Follow",
    "Grant",
    "Message",
    "Notification",
    "Operator",
    "Post",
    "PostTranslation",
    "PostVersion",
    "Rate",
    "SearchNote",
    "Session",
    "Task",
    "Token",
    "TranslationDay",
    "User",
    "utc_now",
]
