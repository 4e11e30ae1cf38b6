"""Stretches of lists of posts: from where to where, in which order, and how a database reads them.

Newest first is by date, and by id within one moment: a post out of an archive has a new id and an
old date, and stands where its date belongs.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Select, Subquery, func, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.models import Post

Posts = TypeVar("Posts", bound=Select[*tuple[Any, ...]])


class Point(NamedTuple):
    """A post's place in the order."""

    at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a list: ``limit`` posts after leaving out ``offset``, strictly between bounds."""

    limit: int
    offset: int = 0
    below: Point | None = None
    above: Point | None = None
    upwards: bool = False

    def of(self, posts: Posts) -> Posts:
        """These of the posts, in their order."""
        return self._cut(posts, (Post.timestamp, Post.id))

    def of_author(self, posts: Posts, author: Any) -> Posts:
        """These of what one person wrote among the posts; ``author`` is an id.

        Two bounds instead of an equation: that would leave PostgreSQL free to look for the author
        by walking through everybody's posts, past all that were written since the author's last.
        """
        if self.below is None:
            posts = posts.where(Post.user_id <= author)
        if self.above is None:
            posts = posts.where(Post.user_id >= author)
        return self._cut(posts, (Post.user_id, Post.timestamp, Post.id), author)

    def of_each(self, people: Subquery) -> ColumnElement[bool]:
        """Which posts of these people: asks for one of each, and for more of those in front.

        PostgreSQL's planner guesses: for people who post little it would walk back through
        everybody's posts, for people who post much sort all of theirs. Nobody has a post in a
        stretch whose first one is not among the first ones of as many people as it has posts.
        """
        whole = replace(self, limit=self.limit + self.offset, offset=0)
        in_front = _first(whole, people, "user_id", of_each=1)
        found = _first(whole, in_front.subquery("in_front"), "id", of_each=whole.limit)
        return Post.id.in_(found.subquery("found").select())

    def order(self, *columns: Any) -> list[ColumnElement[Any]]:
        """How to sort by these columns."""
        return [column.asc() if self.upwards else column.desc() for column in columns]

    def _cut(self, posts: Posts, key: tuple[Any, ...], *first: Any) -> Posts:
        here = tuple_(*key)
        types = [column.type for column in key]
        if self.below is not None:
            posts = posts.where(here < tuple_(*first, *self.below, types=types))
        if self.above is not None:
            posts = posts.where(here > tuple_(*first, *self.above, types=types))
        if self.offset:
            posts = posts.offset(self.offset)
        return posts.order_by(*self.order(*key)).limit(self.limit)


def _first(stretch: Stretch, people: Subquery, column: str, *, of_each: int) -> Select[Any]:
    (person,) = people.c
    columns = select(Post.id, Post.user_id, Post.timestamp).correlate(people)
    posts = replace(stretch, limit=of_each).of_author(columns, person).lateral()
    first = select(posts.c[column]).join_from(people, posts, true())
    return first.order_by(*stretch.order(posts.c.timestamp, posts.c.id)).limit(stretch.limit)


async def find_point(session: AsyncSession, post_id: int) -> Point | None:
    """Where the post with this id stands, or stood; ``None`` if there are no posts at all.

    The date of a post that was deleted goes with it. Whoever reads on from there is put between the
    posts that were written just before and after it, as the later of their dates says (one of them
    may be out of an archive): nothing is skipped or comes twice, save out of archives.
    """
    before = select(func.max(Post.id)).where(Post.id <= post_id).scalar_subquery()
    after = select(func.min(Post.id)).where(Post.id >= post_id).scalar_subquery()
    beside = select(func.max(Post.timestamp)).where(Post.id.in_((before, after)))
    at = await session.scalar(beside)
    return None if at is None else Point(at, post_id)
