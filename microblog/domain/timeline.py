"""Lists of posts, newest first: home, explore, one person's own.

Every list is read by date and id from an index, and stops after one page: the cost does not grow
with the number of posts, nor with the number of anybody's followers.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import settled
from microblog.domain.actors import Actor
from microblog.domain.paging import DEEPEST_PAGE, Place, Slice
from microblog.domain.posts import PostView, view, viewing
from microblog.domain.stretches import Point, Stretch, find_point
from microblog.models import Follow, Post

# What a list has in a stretch of it: columns of posts go in, the query of those posts comes out.
_Cut = Callable[[Select[Any], Stretch], Select[Any]]


async def home(session: AsyncSession, actor: Actor, place: Place, *, size: int) -> Slice[PostView]:
    """What the actor reads: own posts and those of everybody followed, each once."""
    followed = select(Follow.followed_id.label("id")).where(Follow.follower_id == actor.id)
    people = followed.union_all(select(literal(actor.id)))
    if session.get_bind().dialect.name == "postgresql":
        authors = people.subquery("people")
        return await _slice(
            session,
            lambda posts, stretch: stretch.of(posts.where(stretch.of_each(authors))),
            place,
            size,
        )
    # SQLite walks the authors' parts of the index by itself, and leaves each as soon as it can.
    theirs = Post.user_id.in_(people)
    return await _slice(
        session, lambda posts, stretch: stretch.of(posts.where(theirs)), place, size
    )


async def explore(session: AsyncSession, place: Place, *, size: int) -> Slice[PostView]:
    """Everybody's posts."""
    return await _slice(session, lambda posts, stretch: stretch.of(posts), place, size)


async def by_author(
    session: AsyncSession, author_id: int, place: Place, *, size: int
) -> Slice[PostView]:
    """One person's posts."""
    return await _slice(
        session, lambda posts, stretch: stretch.of_author(posts, author_id), place, size
    )


async def _slice(session: AsyncSession, cut: _Cut, place: Place, size: int) -> Slice[PostView]:
    if place.page > DEEPEST_PAGE:
        return Slice(newer=Place())
    if place.exact:
        return await _exactly(session, cut, place, size)
    if place.before is not None:
        before = await find_point(session, place.before)
        return await _before(session, cut, before, size) if before else Slice()
    if place.after is not None:
        after = await find_point(session, place.after)
        return await _after(session, cut, after, size) if after else Slice()
    return await _page(session, cut, place.page, size)


async def _page(session: AsyncSession, cut: _Cut, number: int, size: int) -> Slice[PostView]:
    offset = (number - 1) * size
    items, older = await _downwards(session, cut, Stretch(size, offset))
    newer = Place(after=items[0].id) if items else Place()
    return Slice(items=items, newer=newer if number > 1 else None, older=older)


async def _before(session: AsyncSession, cut: _Cut, before: Point, size: int) -> Slice[PostView]:
    items, older = await _downwards(session, cut, Stretch(size, below=before))
    # The post that the reader came from lies above, too.
    above = Stretch(1, above=before._replace(id=before.id - 1))
    if await session.scalar(cut(select(Post.id), above)) is None:
        return Slice(items=items, older=older)
    return Slice(items=items, newer=Place(after=items[0].id) if items else Place(), older=older)


async def _after(session: AsyncSession, cut: _Cut, after: Point, size: int) -> Slice[PostView]:
    found = await _read(session, cut, Stretch(size + 1, above=after, upwards=True))
    if len(found) <= size:
        # Nothing lies above these: this is the top, and the top is shown whole.
        return await _page(session, cut, 1, size)
    items = found[size - 1 :: -1]
    return Slice(items=items, newer=Place(after=items[0].id), older=Place(before=items[-1].id))


async def _exactly(session: AsyncSession, cut: _Cut, place: Place, size: int) -> Slice[PostView]:
    """As asked, however little it is; whoever goes on upwards from there misses nothing."""
    cursor = place.before or place.after
    point = None if cursor is None else await find_point(session, cursor)
    if cursor is not None and point is None:
        return Slice()
    if place.before is not None:
        return await _below(session, cut, point, size)
    newest = await settled.find_newest(session)
    top = newest.point._replace(id=newest.point.id + 1) if newest else None
    if point is None:
        return await _below(session, cut, top, size)
    if newest and not newest.is_settled:
        # Better nothing new for a while than something new that hides what comes below it.
        top = point
    return await _exactly_after(session, cut, Stretch(size, below=top, above=point, upwards=True))


async def _below(session: AsyncSession, cut: _Cut, top: Point | None, size: int) -> Slice[PostView]:
    items, older = await _downwards(session, cut, Stretch(size, below=top))
    return Slice(items=items, older=older)


async def _exactly_after(session: AsyncSession, cut: _Cut, stretch: Stretch) -> Slice[PostView]:
    size = stretch.limit
    found = await _read(session, cut, replace(stretch, limit=size + 1))
    items = found[:size][::-1]
    newer = Place(after=items[0].id) if len(found) > size else None
    below = Stretch(1, below=Point(items[-1].created_at, items[-1].id) if items else None)
    if await session.scalar(cut(select(Post.id), below)) is None:
        return Slice(items=items, newer=newer)
    # Below an empty part is the whole list, as it is now.
    older = Place(before=items[-1].id) if items else Place()
    return Slice(items=items, newer=newer, older=older)


async def _downwards(
    session: AsyncSession, cut: _Cut, stretch: Stretch
) -> tuple[list[PostView], Place | None]:
    """What the stretch holds, and the place below it if there is more."""
    found = await _read(session, cut, replace(stretch, limit=stretch.limit + 1))
    items = found[: stretch.limit]
    return items, Place(before=items[-1].id) if len(found) > len(items) else None


async def _read(session: AsyncSession, cut: _Cut, stretch: Stretch) -> list[PostView]:
    return [view(row) for row in await session.execute(cut(viewing(), stretch))]
