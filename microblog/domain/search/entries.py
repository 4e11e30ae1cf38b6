"""What an engine beside the database is told of a post, and asked by a reader.

Authors are told by their id: a name may change, and no post is told again for that.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.search.query import Query
from microblog.models import Post, User


@dataclass(frozen=True, slots=True)
class Entry:
    """A post as an engine keeps it; ``language`` is without region."""

    post_id: int
    body: str
    author_id: int
    language: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """A part of the answer to a query: ``size`` posts from the one numbered ``offset`` on.

    ``author_ids`` stands for the names in the query; none of them means whoever wrote it.
    """

    query: Query
    author_ids: tuple[int, ...]
    offset: int
    size: int


async def by_ids(session: AsyncSession, post_ids: Collection[int]) -> list[Entry]:
    """Those of the posts that exist."""
    return await _entries(session, _columns().where(Post.id.in_(post_ids)))


async def above(session: AsyncSession, post_id: int, *, limit: int) -> list[Entry]:
    """The next posts by id; none at the end."""
    following = _columns().where(Post.id > post_id).order_by(Post.id).limit(limit)
    return await _entries(session, following)


async def count(session: AsyncSession) -> int:
    """How many posts there are."""
    return await session.scalar(select(func.count()).select_from(Post)) or 0


async def find_question(
    session: AsyncSession, query: Query, *, offset: int, size: int
) -> Question | None:
    """What an engine is to be asked; ``None`` if there is nothing to be found."""
    if query.is_empty:
        return None
    authors: tuple[int, ...] = ()
    if query.authors:
        named = select(User.id).where(User.username_key.in_(query.authors))
        authors = tuple(await session.scalars(named))
        if not authors:
            return None
    return Question(query, authors, offset, size)


def _columns() -> Select[Any]:
    found = select(Post.id, Post.body, Post.user_id, Post.language, Post.timestamp)
    return cast("Select[Any]", found)


async def _entries(session: AsyncSession, which: Select[Any]) -> list[Entry]:
    return [
        Entry(post_id, body, author_id, _primary(language or ""), created_at)
        for post_id, body, author_id, language, created_at in await session.execute(which)
    ]


def _primary(language: str) -> str:
    return language.lower().replace("_", "-").partition("-")[0]
