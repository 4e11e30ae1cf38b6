"""PostgreSQL: two pools of connections, and servers that come and go."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from microblog.database import outages
from microblog.settings import Database as DatabaseSettings


def engines(url: str, settings: DatabaseSettings) -> tuple[AsyncEngine, AsyncEngine]:
    """The engine that writes, and the one that reads."""
    options: dict[str, Any] = {
        "pool_size": settings.pool_size,
        "pool_timeout": settings.pool_timeout,
        "pool_pre_ping": True,
        "hide_parameters": True,
        "connect_args": _arguments(settings),
    }
    # Two pools: writers may wait for each other's rows, and readers must not wait for writers.
    writer = create_async_engine(url, max_overflow=0, **options)
    reader = create_async_engine(
        url,
        max_overflow=settings.pool_size,
        isolation_level="AUTOCOMMIT",
        # There is never a transaction to roll back when a reader is returned.
        pool_reset_on_return=None,
        **options,
    )
    for engine in (writer, reader):
        event.listen(engine.sync_engine, "handle_error", outages.tell_apart)
    return writer, reader


def _arguments(settings: DatabaseSettings) -> dict[str, Any]:
    return {
        "timeout": settings.pool_timeout,
        # The server ends what takes too long; a server that is frozen, or out of reach, cannot.
        "command_timeout": settings.statement_timeout + settings.pool_timeout,
        "server_settings": {
            "application_name": "microblog",
            "statement_timeout": str(int(settings.statement_timeout * 1000)),
            # A transaction that a vanished client left open must not hold its locks for ever.
            "idle_in_transaction_session_timeout": "60000",
            "timezone": "UTC",
        },
    }
