"""Posts that a query finds, in the order of their relevance, and of two alike the newer first.

Both databases are asked for the same: of the posts that match, those that were added last, no more
than :data:`MOST_FOUND`, whatever the word. They are put in order here, so that the order does not
depend on the engine. Posts are mostly added in the order of their dates; those of an archive are
not, and many of them can stand before newer ones until a date is asked for.
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import posts
from microblog.domain.posts import PostView
from microblog.domain.search import matching
from microblog.domain.search.query import Query
from microblog.domain.search.relevance import score

MOST_FOUND = 500


@dataclass(frozen=True, slots=True)
class Found:
    """The ids of the posts found, best first, and whether there may be more than were looked at."""

    post_ids: tuple[int, ...] = ()
    is_cut: bool = False


async def find(session: AsyncSession, query: Query) -> Found:
    """Which posts match."""
    if query.is_empty:
        return Found()
    on_postgresql = session.get_bind().dialect.name == "postgresql"
    statement = matching.on_postgresql(query) if on_postgresql else matching.on_sqlite(query)
    rows = (await session.execute(statement.limit(MOST_FOUND))).all()
    ranked = sorted(
        ((score(query.phrases, terms), moment, post_id) for post_id, moment, terms in rows),
        reverse=True,
    )
    return Found(tuple(post_id for _, _, post_id in ranked), is_cut=len(rows) == MOST_FOUND)


async def read(session: AsyncSession, post_ids: tuple[int, ...]) -> list[PostView]:
    """These posts in this order; those that are gone by now are left out."""
    there = await posts.by_ids(session, post_ids)
    return [there[post_id] for post_id in post_ids if post_id in there]
