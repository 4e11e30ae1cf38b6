"""Statements that go past the session, straight to its connection.

Those that are made once and run often: what the session would do about them takes longer.
"""

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

_CONNECTION = "connection"


async def connection(session: AsyncSession) -> AsyncConnection:
    """The connection of the session's transaction, which begins with it if it has not begun."""
    kept: AsyncConnection | None = session.info.get(_CONNECTION)
    # It is closed with its transaction. To ask the session each time costs a switch to a greenlet;
    # but it is the session that begins a savepoint, when it is asked there.
    if kept is None or kept.closed or session.in_nested_transaction():
        kept = session.info[_CONNECTION] = await session.connection()
    return kept
