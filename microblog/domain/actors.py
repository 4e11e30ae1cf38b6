"""Who acts: the person behind a request, a socket or a command, as plain values."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who is let in. ``session_id`` is the login used, if there is one."""

    id: int
    username: str
    display_name: str = ""
    language: str | None = None
    session_id: int | None = None
    last_seen_at: datetime | None = None
    time_zone: str | None = None
    is_confirmed: bool = True
