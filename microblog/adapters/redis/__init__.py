"""Redis beside the database, where the operator has one: nothing in it is worth keeping.

Its client is installed only where it is wanted, so its module is found by name when it is needed.
"""

from importlib import import_module

from microblog.adapters.redis.promise import Link, RedisDown
from microblog.settings import Redis

__all__ = ["Link", "RedisDown", "build"]

_CONNECTION = "microblog.adapters.redis.connection"


def build(settings: Redis) -> Link | None:
    """The link that the settings ask for; it opens nothing yet."""
    if not settings.url:
        return None
    link: Link = import_module(_CONNECTION).Connection(settings.url)
    return link
