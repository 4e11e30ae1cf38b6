"""How the town reaches the tables: many rows at a time, past the verbs that make events."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import direct, events
from microblog.domain.demo.people import Resident
from microblog.models import Base, Follow, Post, User


async def add_residents(
    session: AsyncSession, people: Sequence[Resident], password_hash: str
) -> None:
    """Open their accounts, all with the same password, and give each their id."""
    await add(session, User, [person.row(password_hash) for person in people])
    names = [person.username for person in people]
    rows = await session.execute(select(User.username, User.id).where(User.username.in_(names)))
    ids = {row.username: row.id for row in rows}
    for person in people:
        person.id = ids[person.username]


async def add(session: AsyncSession, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Write rows of one table."""
    # On the connection it is one plain statement; the session would look at every row.
    connection = await direct.connection(session)
    await connection.execute(insert(model), rows)
    events.record_change(session, events.ANYBODY)


async def note_presence(session: AsyncSession, people: Sequence[Resident]) -> None:
    """Whoever wrote was there."""
    seen = [
        {"user_id": person.id, "moment": person.last_wrote_at}
        for person in people
        if person.last_wrote_at is not None
    ]
    if seen:
        connection = await direct.connection(session)
        await connection.execute(
            update(User)
            .where(User.id == bindparam("user_id"))
            .values(last_seen_at=bindparam("moment")),
            seen,
        )


async def refresh_statistics(session: AsyncSession) -> None:
    """Let the database look at what it holds now, or it would plan for empty tables."""
    for model in (User, Post, Follow):
        await session.execute(text(f'ANALYZE "{model.__tablename__}"'))
