"""People as programs see them: each with all counts, alone or in numbered pages of a list.

A page costs two statements, however many people are on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.errors import NotFound
from microblog.domain.paging import DEEPEST_PAGE
from microblog.models import Follow, Post, User


@dataclass(frozen=True, slots=True)
class Entry:
    """A person with all counts. ``email`` is for themselves only.

    ``last_seen_at`` of somebody who has not come back yet is when the account was opened.
    """

    id: int
    username: str
    email: str
    about_me: str
    last_seen_at: datetime
    post_count: int
    follower_count: int
    following_count: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list by id, and how many people are on all of them."""

    items: Sequence[Entry]
    total: int


async def by_id(session: AsyncSession, user_id: int) -> Entry:
    """One person. Raises :class:`NotFound`."""
    row = (await session.execute(_viewing().where(User.id == user_id))).first()
    if row is None:
        raise NotFound
    return Entry(*row)


async def everybody(session: AsyncSession, number: int, *, size: int) -> Page:
    """A page of all people."""
    total = await session.scalar(select(func.count()).select_from(User)) or 0
    return await _page(session, true(), total, number, size)


async def followers(session: AsyncSession, user_id: int, number: int, *, size: int) -> Page:
    """A page of those who read this person. Raises :class:`NotFound`."""
    total = await _total(session, user_id, Follow.followed_id == user_id)
    those = select(Follow.follower_id).where(Follow.followed_id == user_id)
    return await _page(session, User.id.in_(those), total, number, size)


async def following(session: AsyncSession, user_id: int, number: int, *, size: int) -> Page:
    """A page of those whom this person reads. Raises :class:`NotFound`."""
    total = await _total(session, user_id, Follow.follower_id == user_id)
    those = select(Follow.followed_id).where(Follow.follower_id == user_id)
    return await _page(session, User.id.in_(those), total, number, size)


async def _total(session: AsyncSession, user_id: int, which: ColumnElement[bool]) -> int:
    counted = select(func.count()).select_from(Follow).where(which).scalar_subquery()
    total = await session.scalar(select(counted).where(User.id == user_id))
    if total is None:
        raise NotFound
    return int(total)


async def _page(
    session: AsyncSession, which: ColumnElement[bool], total: int, number: int, size: int
) -> Page:
    if number > DEEPEST_PAGE:
        return Page((), total)
    query = _viewing().where(which).order_by(User.id).limit(size).offset((number - 1) * size)
    return Page([Entry(*row) for row in await session.execute(query)], total)


def _viewing() -> Any:
    return select(
        User.id,
        User.username,
        User.email,
        User.about_me,
        func.coalesce(User.last_seen_at, User.created_at),
        _count(Post.user_id == User.id),
        _count(Follow.followed_id == User.id),
        _count(Follow.follower_id == User.id),
    )


def _count(condition: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).where(condition).correlate(User).scalar_subquery()
