"""Who acts: the person behind a request, a socket or a command, as plain values."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who is let in. ``session_id`` is the login used, if there is one;
    ``token_id`` is the access token used, which permits no more than its ``scopes``, and
    ``token_used_at`` when that was last written down. ``ends_at`` is when the way in is over.

    ``unread_messages`` and ``has_tasks`` are as they were when the person was recognised: every
    page shows them, and so no page asks for them. ``notified_at`` is when the last notification
    was that they reckon with, in seconds since 1970, or 0. Programs are shown no page, and have
    none of these.
    """

    id: int
    username: str
    display_name: str = ""
    language: str | None = None
    session_id: int | None = None
    last_seen_at: datetime | None = None
    time_zone: str | None = None
    is_confirmed: bool = True
    unread_messages: int = 0
    has_tasks: bool = False
    # As the account has them: see :mod:`microblog.domain.tongues`.
    reads: str = ""
    writes: str | None = None
    translates_live: bool = False
    notified_at: float = 0.0
    ends_at: datetime | None = field(default=None, kw_only=True)
    token_id: int | None = field(default=None, kw_only=True)
    token_used_at: datetime | None = field(default=None, kw_only=True)
    scopes: frozenset[str] = field(default=frozenset(), kw_only=True)
