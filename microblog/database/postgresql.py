"""PostgreSQL: two pools of connections, and servers that come and go."""

import time
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from microblog.database import outages
from microblog.settings import Database as DatabaseSettings

_REST_SECONDS = 1.0


def engines(url: str, settings: DatabaseSettings) -> tuple[AsyncEngine, AsyncEngine]:
    """The engine that writes, and the one that reads."""
    options: dict[str, Any] = {
        # What is beyond the pool's size is closed whenever it is given back, and opened anew for
        # the next one, which costs more than most statements.
        "max_overflow": 0,
        "pool_timeout": settings.pool_timeout,
        "hide_parameters": True,
        "connect_args": _arguments(settings),
    }
    # Two pools: writers may wait for each other's rows, and readers must not wait for writers.
    writer = create_async_engine(url, pool_size=settings.pool_size, **options)
    reader = create_async_engine(
        url,
        pool_size=2 * settings.pool_size,
        isolation_level="AUTOCOMMIT",
        # There is never a transaction to roll back when a reader is returned.
        pool_reset_on_return=None,
        skip_autocommit_rollback=True,
        **options,
    )
    for engine in (writer, reader):
        event.listen(engine.sync_engine, "handle_error", outages.tell_apart)
        _ask_the_rested(engine)
    return writer, reader


def _ask_the_rested(engine: AsyncEngine) -> None:
    """Ask a connection whether it is alive before it is used, if it has rested for a while.

    Asking each time, as the pool can, is two more round trips for each change. Whoever was in use a
    moment ago has heard of the server's end, or the server's end is as old as that moment.
    """
    dialect: Dialect = engine.sync_engine.dialect

    def rest(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    def wake(connection: Any, record: Any, _proxy: Any) -> None:
        rested = time.monotonic() - record.info.get("rests_since", 0.0)
        if connection.driver_connection.is_closed() or (
            rested > _REST_SECONDS and not _answers(dialect, connection)
        ):
            # All that are older than this moment are opened anew.
            raise InvalidatePoolError

    event.listen(engine.sync_engine, "connect", rest)
    event.listen(engine.sync_engine, "checkin", rest)
    event.listen(engine.sync_engine, "checkout", wake)


def _answers(dialect: Dialect, connection: Any) -> bool:
    try:
        return dialect.do_ping(connection)
    except Exception:  # noqa: BLE001 (whatever it is, a new connection is asked next)
        return False


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
