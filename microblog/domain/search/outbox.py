"""What a search engine beside the database has yet to hear of: posts by id, in their order.

A note is written in the transaction of its change, and only where an engine is set up: what is
rolled back was never noted, and whatever was flushed before the commit is. It says no more than
*which* post. Whoever passes it on looks up what is true of the post by then, so that late, repeated
and forgotten notes of one post all come to the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.models import SearchNote

# A unit of work that is marked so belongs to a service with an engine.
ENGINE = "search_engine"
# The name under which a unit of work tells that it has noted something.
NOTED = "search_notes"


@dataclass(frozen=True, slots=True)
class Notes:
    """The oldest notes: their own ids, and the posts that they are about, each once."""

    ids: Sequence[int]
    post_ids: Sequence[int]


async def note(session: AsyncSession, post_ids: Iterable[int]) -> None:
    """Note that these posts are not what they were."""
    rows = [{"post_id": post_id} for post_id in post_ids]
    if rows and session.info.get(ENGINE):
        await session.execute(insert(SearchNote), rows)
        session.info.setdefault("promised", set()).add(NOTED)


async def oldest(session: AsyncSession, *, limit: int) -> Notes:
    """The notes that have waited longest."""
    rows = (
        await session.execute(
            select(SearchNote.id, SearchNote.post_id).order_by(SearchNote.id).limit(limit)
        )
    ).all()
    return Notes([row.id for row in rows], list(dict.fromkeys(row.post_id for row in rows)))


async def clear(session: AsyncSession, notes: Notes) -> None:
    """Throw notes away: they were passed on."""
    await session.execute(delete(SearchNote).where(SearchNote.id.in_(notes.ids)))


async def length(session: AsyncSession) -> int:
    """How many notes there are."""
    return await session.scalar(select(func.count()).select_from(SearchNote)) or 0
