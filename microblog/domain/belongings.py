"""Belongings: who a person is and what they have said, to be taken along; the oldest first.

Posts are read in parts. Each begins strictly above the last entry of the part before it, so that no
transaction stays open in between and what is read keeps its order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.errors import NotFound
from microblog.domain.stretches import Point, Stretch
from microblog.models import Post, User


@dataclass(frozen=True, slots=True)
class Self:
    """The person."""

    username: str
    email: str
    display_name: str
    about_me: str
    language: str | None
    time_zone: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OwnPost:
    """One post."""

    id: int
    body: str
    created_at: datetime
    edited_at: datetime | None
    language: str | None

    @property
    def point(self) -> Point:
        """Its place in the order."""
        return Point(self.created_at, self.id)


@dataclass(frozen=True, slots=True)
class Extent:
    """How many posts there are up to the newest of the moment; later ones do not belong to it."""

    posts: int
    last: Point | None


async def of_self(session: AsyncSession, user_id: int) -> Self:
    """The person. Raises :class:`NotFound` for one who is gone."""
    row = (
        await session.execute(
            select(
                User.username,
                User.email,
                User.display_name,
                User.about_me,
                User.language,
                User.time_zone,
                User.created_at,
            ).where(User.id == user_id)
        )
    ).first()
    if row is None:
        raise NotFound
    return Self(*row)


async def extent(session: AsyncSession, user_id: int) -> Extent:
    """How much there is of a person's posts at this moment."""
    newest = Stretch(1).of(select(Post.timestamp, Post.id).where(Post.user_id == user_id))
    row = (await session.execute(newest)).first()
    if row is None:
        return Extent(0, None)
    last = Point(*row)
    count = select(func.count()).where(Post.user_id == user_id, _up_to(last))
    return Extent(await session.scalar(count) or 0, last)


async def posts(
    session: AsyncSession, user_id: int, *, above: Point | None, last: Point, limit: int
) -> Sequence[OwnPost]:
    """The next posts above a point, ``last`` included."""
    columns = select(Post.id, Post.body, Post.timestamp, Post.edited_at, Post.language)
    stretch = Stretch(limit, above=above, upwards=True)
    rows = await session.execute(stretch.of(columns.where(Post.user_id == user_id, _up_to(last))))
    return [OwnPost(*row) for row in rows]


def _up_to(last: Point) -> ColumnElement[bool]:
    return tuple_(Post.timestamp, Post.id) <= last
