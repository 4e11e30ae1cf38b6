"""Statements that go past the session, straight to its connection: what is made once is run there
without the session's own work, which takes longer than the statement.
"""

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

_CONNECTION = "connection"


async def connection(session: AsyncSession) -> AsyncConnection:
    """The connection of the session's transaction, which begins with it if it has not begun."""
    kept: AsyncConnection | None = session.info.get(_CONNECTION)
    # It is closed with its transaction; to ask the session each time is a way to a greenlet.
    if kept is None or kept.closed:
        kept = session.info[_CONNECTION] = await session.connection()
    return kept
