"""What stands at the end of the event log, looked at past the pools, at each request.

A look costs next to nothing: no thread, no transaction, no place in a queue. So whoever keeps
something in memory can afford to ask each time whether it still holds.
"""

from sqlalchemy.engine import URL

from microblog.adapters.lookout.postgresql import PostgreSQLLookout
from microblog.adapters.lookout.promise import Blind, Fact, Lookout
from microblog.adapters.lookout.sqlite import SQLiteLookout

__all__ = ["Blind", "Fact", "Lookout", "PostgreSQLLookout", "SQLiteLookout", "build"]


def build(url: URL) -> Lookout:
    """The lookout that fits the database."""
    if url.get_backend_name() == "sqlite":
        return SQLiteLookout(url.database or "")
    return PostgreSQLLookout(url)
