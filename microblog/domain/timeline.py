"""Lists of posts, newest first: home, explore, one person's own.

Every list is read by date and id from an index, and stops after one page: the cost does not grow
with the number of posts, nor with the number of anybody's followers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Integer, Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import direct, settled
from microblog.domain.actors import Actor
from microblog.domain.paging import DEEPEST_PAGE, Place, Slice
from microblog.domain.posts import PostView, view, viewing
from microblog.domain.stretches import Point, Stretch, find_point
from microblog.models import Follow, Post

# What a list has in a stretch of it: columns of posts go in, the query of those posts comes out.
_Cut = Callable[[Select[Any], Stretch], Select[Any]]

_READER, _AUTHOR = bindparam("reader", type_=Integer), bindparam("author", type_=Integer)
_PEOPLE = (
    select(Follow.followed_id.label("id"))
    .where(Follow.follower_id == _READER)
    .union_all(select(_READER.label("id")))
)


@dataclass(frozen=True, slots=True)
class _List:
    """How to cut it, and the values that the query leaves open."""

    cut: _Cut
    values: dict[str, int] = field(default_factory=dict)


async def home(session: AsyncSession, actor: Actor, place: Place, *, size: int) -> Slice[PostView]:
    """What the actor reads: own posts and those of everybody followed, each once."""
    on_postgresql = session.get_bind().dialect.name == "postgresql"
    cut = _home_on_postgresql if on_postgresql else _home_on_sqlite
    return await _slice(session, _List(cut, {"reader": actor.id}), place, size)


async def explore(session: AsyncSession, place: Place, *, size: int) -> Slice[PostView]:
    """Everybody's posts."""
    return await _slice(session, _List(_everything), place, size)


async def by_author(
    session: AsyncSession, author_id: int, place: Place, *, size: int
) -> Slice[PostView]:
    """One person's posts."""
    return await _slice(session, _List(_of_author, {"author": author_id}), place, size)


def _home_on_postgresql(posts: Select[Any], stretch: Stretch) -> Select[Any]:
    return stretch.of(posts.where(stretch.of_each(_PEOPLE.subquery("people"))))


def _home_on_sqlite(posts: Select[Any], stretch: Stretch) -> Select[Any]:
    # It walks the authors' parts of the index by itself, and leaves each as soon as it can.
    return stretch.of(posts.where(Post.user_id.in_(_PEOPLE)))


def _everything(posts: Select[Any], stretch: Stretch) -> Select[Any]:
    return stretch.of(posts)


def _of_author(posts: Select[Any], stretch: Stretch) -> Select[Any]:
    return stretch.of_author(posts, _AUTHOR)


async def _slice(session: AsyncSession, which: _List, place: Place, size: int) -> Slice[PostView]:
    if place.page > DEEPEST_PAGE:
        return Slice(newer=Place())
    if place.exact:
        return await _exactly(session, which, place, size)
    if place.before is not None:
        before = await find_point(session, place.before)
        return await _before(session, which, before, size) if before else Slice()
    if place.after is not None:
        after = await find_point(session, place.after)
        return await _after(session, which, after, size) if after else Slice()
    return await _page(session, which, place.page, size)


async def _page(session: AsyncSession, which: _List, number: int, size: int) -> Slice[PostView]:
    offset = (number - 1) * size
    items, older = await _downwards(session, which, Stretch(size, offset))
    newer = Place(after=items[0].id) if items else Place()
    return Slice(items=items, newer=newer if number > 1 else None, older=older)


async def _before(session: AsyncSession, which: _List, before: Point, size: int) -> Slice[PostView]:
    items, older = await _downwards(session, which, Stretch(size, below=before))
    # The post that the reader came from lies above, too.
    above = Stretch(1, above=before._replace(id=before.id - 1))
    if await _is_empty(session, which, above):
        return Slice(items=items, older=older)
    return Slice(items=items, newer=Place(after=items[0].id) if items else Place(), older=older)


async def _after(session: AsyncSession, which: _List, after: Point, size: int) -> Slice[PostView]:
    found = await _read(session, which, Stretch(size + 1, above=after, upwards=True))
    if len(found) <= size:
        # Nothing lies above these: this is the top, and the top is shown whole.
        return await _page(session, which, 1, size)
    items = found[size - 1 :: -1]
    return Slice(items=items, newer=Place(after=items[0].id), older=Place(before=items[-1].id))


async def _exactly(session: AsyncSession, which: _List, place: Place, size: int) -> Slice[PostView]:
    """As asked, however little it is; whoever goes on upwards from there misses nothing."""
    cursor = place.before or place.after
    point = None if cursor is None else await find_point(session, cursor)
    if cursor is not None and point is None:
        return Slice()
    if place.before is not None:
        return await _below(session, which, point, size)
    newest = await settled.find_newest(session)
    top = newest.point._replace(id=newest.point.id + 1) if newest else None
    if point is None:
        return await _below(session, which, top, size)
    if newest and not newest.is_settled:
        # Better nothing new for a while than something new that hides what comes below it.
        top = point
    return await _exactly_after(session, which, Stretch(size, below=top, above=point, upwards=True))


async def _below(
    session: AsyncSession, which: _List, top: Point | None, size: int
) -> Slice[PostView]:
    items, older = await _downwards(session, which, Stretch(size, below=top))
    return Slice(items=items, older=older)


async def _exactly_after(session: AsyncSession, which: _List, stretch: Stretch) -> Slice[PostView]:
    size = stretch.limit
    found = await _read(session, which, replace(stretch, limit=size + 1))
    items = found[:size][::-1]
    newer = Place(after=items[0].id) if len(found) > size else None
    below = Stretch(1, below=Point(items[-1].created_at, items[-1].id) if items else None)
    if await _is_empty(session, which, below):
        return Slice(items=items, newer=newer)
    # Below an empty part is the whole list, as it is now.
    older = Place(before=items[-1].id) if items else Place()
    return Slice(items=items, newer=newer, older=older)


async def _downwards(
    session: AsyncSession, which: _List, stretch: Stretch
) -> tuple[list[PostView], Place | None]:
    """What the stretch holds, and the place below it if there is more."""
    found = await _read(session, which, replace(stretch, limit=stretch.limit + 1))
    items = found[: stretch.limit]
    return items, Place(before=items[-1].id) if len(found) > len(items) else None


async def _is_empty(session: AsyncSession, which: _List, stretch: Stretch) -> bool:
    asked = which.cut(select(Post.id), stretch)
    return await session.scalar(asked, which.values) is None


async def _read(session: AsyncSession, which: _List, stretch: Stretch) -> list[PostView]:
    is_open = stretch.below is None and stretch.above is None
    statement = (_made if is_open else _make)(which.cut, stretch)
    connection = await direct.connection(session)
    return [view(row) for row in await connection.execute(statement, which.values)]


def _make(cut: _Cut, stretch: Stretch) -> Select[Any]:
    return cut(viewing(), stretch)


# To make a statement costs more than to run it, and most are for the newest posts.
_made = lru_cache(64)(_make)
