"""What a database says when it is in trouble, as opposed to a mistake of ours."""

import sqlite3
from socket import gaierror

import asyncpg
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# What a query raises when the database is gone, full or locked: the service is busy, not broken.
UNAVAILABLE: tuple[type[Exception], ...] = (
    OperationalError,
    InterfaceError,
    PoolTimeout,
    # A server that is out of reach: asyncpg lets these through as they are.
    ConnectionError,
    TimeoutError,
    FileNotFoundError,
    gaierror,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)
# Classes of SQLSTATE (PostgreSQL, appendix A) in which the statement is not to blame: connection,
# rollback by the server, resources, locks, an operator's intervention, system.
_NOT_OUR_FAULT = ("08", "40", "53", "55", "57", "58")
# Serialisation failure, and deadlock: the server has rolled one of two transactions back.
_COLLISIONS = frozenset({"40001", "40P01"})
_DISK_FULL = "53100"


def is_full(error: Exception) -> bool:
    """Whether there is no room left where the database lies."""
    full = getattr(getattr(error, "orig", None), "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return full or _sqlstate(error) == _DISK_FULL


def is_collision(error: Exception) -> bool:
    """Whether a transaction ended for the sake of another one, and might just as well succeed."""
    return _sqlstate(error) in _COLLISIONS


def tell_apart(context: ExceptionContext) -> OperationalError | None:
    """An outage in place of SQLAlchemy's one plain error for nearly all that asyncpg raises.

    Else a server that shuts down, is full or takes too long would pass for a mistake of ours.
    """
    if isinstance(context.original_exception, TimeoutError):
        # Nobody has answered: this connection is worth nothing, nor are those from before.
        context.is_disconnect = True
    error = context.sqlalchemy_exception
    if not isinstance(error, DBAPIError) or error.orig is None:
        return None
    if isinstance(error.orig.__cause__, asyncpg.InternalClientError):
        # The connection was lost between two steps of the driver, which stumbles over it.
        context.is_disconnect = True
    elif type(error) is not DBAPIError or not _sqlstate(error).startswith(_NOT_OUR_FAULT):
        return None
    return OperationalError(
        error.statement, error.params, error.orig, connection_invalidated=context.is_disconnect
    )


def _sqlstate(error: Exception) -> str:
    return str(getattr(getattr(error, "orig", None), "sqlstate", ""))
