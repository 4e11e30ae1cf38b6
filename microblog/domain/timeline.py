"""Lists of posts, newest first: home, explore, one person's own.

Every list is read by post id, downwards, from an index, and stops after one page: the cost does not
grow with the number of posts, nor with the number of anybody's followers.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.actors import Actor
from microblog.domain.paging import DEEPEST_PAGE, Place, Slice
from microblog.domain.posts import PostView, view, viewing
from microblog.models import Follow, Post


async def home(session: AsyncSession, actor: Actor, place: Place, *, size: int) -> Slice[PostView]:
    """What the actor reads: own posts and those of everybody followed, each once."""
    followed = select(Follow.followed_id).where(Follow.follower_id == actor.id)
    readable = followed.union_all(select(literal(actor.id)))
    return await _slice(session, Post.user_id.in_(readable), place, size)


async def explore(session: AsyncSession, place: Place, *, size: int) -> Slice[PostView]:
    """Everybody's posts."""
    return await _slice(session, None, place, size)


async def by_author(
    session: AsyncSession, author_id: int, place: Place, *, size: int
) -> Slice[PostView]:
    """One person's posts."""
    return await _slice(session, Post.user_id == author_id, place, size)


async def _slice(
    session: AsyncSession, which: ColumnElement[bool] | None, place: Place, size: int
) -> Slice[PostView]:
    posts = viewing() if which is None else viewing().where(which)
    if place.page > DEEPEST_PAGE:
        return Slice(newer=Place())
    if place.after is not None:
        return await _nearest_newer(session, posts, place.after, size)
    return await _downwards(session, posts, place, size)


async def _downwards(
    session: AsyncSession, posts: Select[Any], place: Place, size: int
) -> Slice[PostView]:
    query = posts.order_by(Post.id.desc()).limit(size + 1)
    if place.before is not None:
        query = query.where(Post.id < place.before)
    elif place.page > 1:
        query = query.offset((place.page - 1) * size)
    found = [view(row) for row in await session.execute(query)]
    items = found[:size]
    return Slice(
        items=items,
        newer=await _newer(session, posts, place, items),
        older=Place(before=items[-1].id) if len(found) > size else None,
    )


async def _newer(
    session: AsyncSession, posts: Select[Any], place: Place, items: list[PostView]
) -> Place | None:
    if place.is_newest:
        return None
    if place.before is not None:
        above = posts.where(Post.id >= place.before).with_only_columns(Post.id).limit(1)
        if await session.scalar(above) is None:
            return None
    return Place(after=items[0].id) if items else Place()


async def _nearest_newer(
    session: AsyncSession, posts: Select[Any], after: int, size: int
) -> Slice[PostView]:
    query = posts.where(Post.id > after).order_by(Post.id).limit(size + 1)
    found = [view(row) for row in await session.execute(query)]
    if len(found) <= size:
        # Nothing lies above these: this is the top, and the top is shown whole.
        return await _downwards(session, posts, Place(), size)
    items = found[size - 1 :: -1]
    return Slice(items=items, newer=Place(after=items[0].id), older=Place(before=items[-1].id))
