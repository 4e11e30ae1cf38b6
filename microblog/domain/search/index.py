"""The index inside the database: the terms of every post, written in the post's own transaction.

What is rolled back was never found, what is deleted is found no longer, and both at once. Nothing
is lost with it: :func:`renew` makes it anew from the posts.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import direct
from microblog.domain.search import outbox
from microblog.domain.search.analysis import document
from microblog.models import Post
from microblog.models.search import POST_SEARCH

_ADD_TO_FTS5 = text("INSERT OR REPLACE INTO post_search (rowid, terms) VALUES (:post_id, :terms)")
_ADDING = insert(POST_SEARCH)
_ADD_TO_TABLE = _ADDING.on_conflict_do_update(
    index_elements=[POST_SEARCH.c.post_id],
    set_={"terms": _ADDING.excluded.terms, "vector": _ADDING.excluded.vector},
)
_REMOVE_FROM_FTS5 = text("DELETE FROM post_search WHERE rowid = :post_id")
_SWEEP_FTS5 = text("DELETE FROM post_search WHERE rowid NOT IN (SELECT id FROM post)")


async def add(session: AsyncSession, bodies: Iterable[tuple[int, str]]) -> None:
    """Keep what these posts say, by id; what they said before is forgotten."""
    documents = [(post_id, document(body)) for post_id, body in bodies]
    await outbox.note(session, [post_id for post_id, _ in documents])
    await _keep(session, documents)


async def _keep(session: AsyncSession, documents: Sequence[tuple[int, str]]) -> None:
    if not documents:
        return
    connection = await direct.connection(session)
    if not _is_postgresql(session):
        rows = [{"post_id": post_id, "terms": terms} for post_id, terms in documents]
        await connection.execute(_ADD_TO_FTS5, rows)
        return
    await connection.execute(
        _ADD_TO_TABLE,
        [
            {"post_id": post_id, "terms": terms, "vector": vector(terms)}
            for post_id, terms in documents
        ],
    )


async def remove(session: AsyncSession, post_ids: Sequence[int]) -> None:
    """Forget posts that are deleted."""
    await outbox.note(session, post_ids)
    # On PostgreSQL the foreign key has seen to it; a virtual table cannot have any.
    if post_ids and not _is_postgresql(session):
        connection = await direct.connection(session)
        await connection.execute(_REMOVE_FROM_FTS5, [{"post_id": each} for each in post_ids])


async def renew(session: AsyncSession, *, above: int, limit: int) -> list[int]:
    """Read the next posts and keep what they say; returns their ids, none at the end."""
    posts = await session.execute(
        select(Post.id, Post.body)
        .where(Post.id > above)
        .order_by(Post.id)
        .limit(limit)
        # Nobody edits them meanwhile, or the older words could be written last.
        .with_for_update(read=True)
    )
    bodies = [(row.id, row.body) for row in posts]
    await _keep(session, [(post_id, document(body)) for post_id, body in bodies])
    return [post_id for post_id, _ in bodies]


async def sweep(session: AsyncSession) -> None:
    """Forget posts that are gone, if any were left behind."""
    if not _is_postgresql(session):
        await session.execute(_SWEEP_FTS5)


def vector(terms: str) -> str:
    """The terms of a text as PostgreSQL writes a ``tsvector``: each with its places, from 1 on."""
    places: dict[str, list[str]] = {}
    for place, term in enumerate(terms.split(), start=1):
        places.setdefault(term, []).append(str(place))
    return " ".join(f"'{term}':{','.join(found)}" for term, found in places.items())


def _is_postgresql(session: AsyncSession) -> bool:
    return session.get_bind().dialect.name == "postgresql"
