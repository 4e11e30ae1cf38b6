"""Wake-ups between processes: "there may be something new", never what.

A wake-up that is lost costs delay, not events: whoever is woken reads the log from where it stands,
and looks again after a while even if nobody calls. Nothing here looks at the time of day.
"""

from sqlalchemy.engine import URL

from microblog.adapters.bus.bell import Bell
from microblog.adapters.bus.postgresql import PostgreSQLBus
from microblog.adapters.bus.promise import SILENCE_SECONDS, Bus, Wake
from microblog.adapters.bus.redis import RedisBus
from microblog.adapters.bus.sqlite import SQLiteBus
from microblog.adapters.redis import Link

__all__ = [
    "SILENCE_SECONDS",
    "Bell",
    "Bus",
    "PostgreSQLBus",
    "RedisBus",
    "SQLiteBus",
    "Wake",
    "build",
]


def build(url: URL, *, sqlite_poll_seconds: float, redis: Link | None = None) -> Bus:
    """The bus that fits the database; with Redis that one, and the database's while it is away."""
    own: Bus
    if url.get_backend_name() == "sqlite":
        own = SQLiteBus(url.database or "", sqlite_poll_seconds)
    else:
        own = PostgreSQLBus(url)
    return own if redis is None else RedisBus(redis, own)
