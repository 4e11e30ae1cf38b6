"""Where it is counted how often something was tried, apart from what was tried.

What is counted only if it is done (a post, a message, an export) is counted in the transaction that
does it: see :mod:`microblog.domain.limits`. This is for the rest: tries that count in any case.
"""

from microblog.adapters.redis import Link
from microblog.adapters.tally.database import DatabaseTally
from microblog.adapters.tally.promise import Tally
from microblog.adapters.tally.redis import RedisTally
from microblog.database import Database

__all__ = ["DatabaseTally", "RedisTally", "Tally", "build"]


def build(database: Database, redis: Link | None) -> Tally:
    """The database's; with Redis that one, and the database's while it is away."""
    own = DatabaseTally(database)
    return own if redis is None else RedisTally(redis, own)
