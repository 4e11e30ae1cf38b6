"""Lists of posts, newest first: home, explore, one person's own.

Every list is read by post id from an index, and stops after one page: the cost does not grow with
the number of posts, nor with the number of anybody's followers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.actors import Actor
from microblog.domain.paging import DEEPEST_PAGE, Place, Slice
from microblog.domain.posts import PostView, view, viewing
from microblog.models import Follow, Post


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A part of a list: ``limit`` posts after leaving out ``offset``, with ids between bounds."""

    limit: int
    offset: int = 0
    below: int | None = None
    above: int | None = None
    upwards: bool = False


# Which posts are in a list; a condition may use that only a stretch of them is wanted.
_Which = Callable[[_Stretch], ColumnElement[bool]]


async def home(session: AsyncSession, actor: Actor, place: Place, *, size: int) -> Slice[PostView]:
    """What the actor reads: own posts and those of everybody followed, each once."""
    followed = select(Follow.followed_id.label("id")).where(Follow.follower_id == actor.id)
    people = followed.union_all(select(literal(actor.id)))
    if session.get_bind().dialect.name == "postgresql":
        return await _slice(session, lambda stretch: _each_of(people, stretch), place, size)
    # SQLite merges the authors' parts of the index by itself, and stops in time.
    return await _slice(session, lambda _: Post.user_id.in_(people), place, size)


async def explore(session: AsyncSession, place: Place, *, size: int) -> Slice[PostView]:
    """Everybody's posts."""
    return await _slice(session, lambda _: true(), place, size)


async def by_author(
    session: AsyncSession, author_id: int, place: Place, *, size: int
) -> Slice[PostView]:
    """One person's posts."""
    return await _slice(session, lambda _: Post.user_id == author_id, place, size)


def _each_of(people: Any, stretch: _Stretch) -> ColumnElement[bool]:
    """The stretch of these people's posts, taking no more than that from each of them.

    PostgreSQL's planner guesses: for people who post little it would walk back through everybody's
    posts, for people who post much sort all of theirs. Asked person by person it reads a page each.
    """
    authors = people.subquery("people")
    whole = _Stretch(
        stretch.limit + stretch.offset, 0, stretch.below, stretch.above, stretch.upwards
    )
    theirs = select(Post.id).where(Post.user_id == authors.c.id).correlate(authors)
    each = _bounded(theirs, whole).lateral("each")
    ids = select(each.c.id).select_from(authors.join(each, true()))
    order = each.c.id.asc() if stretch.upwards else each.c.id.desc()
    return Post.id.in_(ids.order_by(order).limit(whole.limit).subquery("found").select())


def _bounded(posts: Select[Any], stretch: _Stretch) -> Select[Any]:
    if stretch.below is not None:
        posts = posts.where(Post.id < stretch.below)
    if stretch.above is not None:
        posts = posts.where(Post.id > stretch.above)
    if stretch.offset:
        posts = posts.offset(stretch.offset)
    return posts.order_by(Post.id if stretch.upwards else Post.id.desc()).limit(stretch.limit)


async def _read(session: AsyncSession, which: _Which, stretch: _Stretch) -> list[PostView]:
    query = _bounded(viewing().where(which(stretch)), stretch)
    return [view(row) for row in await session.execute(query)]


async def _slice(session: AsyncSession, which: _Which, place: Place, size: int) -> Slice[PostView]:
    if place.page > DEEPEST_PAGE:
        return Slice(newer=Place())
    if place.after is not None:
        return await _nearest_newer(session, which, place.after, size)
    return await _downwards(session, which, place, size)


async def _downwards(
    session: AsyncSession, which: _Which, place: Place, size: int
) -> Slice[PostView]:
    offset = (place.page - 1) * size
    found = await _read(session, which, _Stretch(size + 1, offset, below=place.before))
    items = found[:size]
    return Slice(
        items=items,
        newer=await _newer(session, which, place, items),
        older=Place(before=items[-1].id) if len(found) > size else None,
    )


async def _newer(
    session: AsyncSession, which: _Which, place: Place, items: list[PostView]
) -> Place | None:
    if place.is_newest:
        return None
    if place.before is not None:
        above = _Stretch(1, above=place.before - 1)
        query = _bounded(select(Post.id).where(which(above)), above)
        if await session.scalar(query) is None:
            return None
    return Place(after=items[0].id) if items else Place()


async def _nearest_newer(
    session: AsyncSession, which: _Which, after: int, size: int
) -> Slice[PostView]:
    found = await _read(session, which, _Stretch(size + 1, above=after, upwards=True))
    if len(found) <= size:
        # Nothing lies above these: this is the top, and the top is shown whole.
        return await _downwards(session, which, Place(), size)
    items = found[size - 1 :: -1]
    return Slice(items=items, newer=Place(after=items[0].id), older=Place(before=items[-1].id))
