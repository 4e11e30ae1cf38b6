"""What a connection to PostgreSQL outside the pools is opened with, and what may befall it."""

from typing import Any

import asyncpg
from sqlalchemy.engine import URL

# What the driver may raise of a connection that is lost, out of reach or silent. The last one is
# what it says of a connection that the server is just ending.
TROUBLES = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
# The server, too, is to let go of a client whose machine has vanished.
_KEEPALIVE = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10"}


def connect_arguments(url: URL, application_name: str, **settings: str) -> dict[str, Any]:
    """What :func:`asyncpg.connect` is to be called with.

    Options of the address are understood as the pool does. ``application_name`` is how the server
    lists the connection; ``settings`` are more of the server's own, in its units.
    """
    _, arguments = url.get_dialect()().create_connect_args(url)
    # That is an option of what stands between the driver and the pool.
    arguments.pop("prepared_statement_cache_size", None)
    told = {"application_name": application_name, **_KEEPALIVE, **settings}
    return {**arguments, "server_settings": told}
