"""Who reads whom: followed and unfollowed, once or many times with the same result."""

from collections.abc import Iterable

from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import events
from microblog.domain.actors import Actor
from microblog.domain.errors import Refusal
from microblog.models import Follow, User


async def follow(session: AsyncSession, actor: Actor, user: User) -> None:
    """Read this person from now on. Twice is once. Raises :class:`Refusal` for oneself."""
    if user.id == actor.id:
        raise Refusal("You cannot follow yourself!")
    if await is_following(session, actor, user):
        return
    try:
        async with session.begin_nested():
            session.add(Follow(follower_id=actor.id, followed_id=user.id))
    except IntegrityError:
        return  # Another tab was faster: the row is there, which is all that was wanted.
    events.record(session, events.FOLLOWED, actor_id=actor.id, subject_id=user.id)


async def unfollow(session: AsyncSession, actor: Actor, user: User) -> None:
    """Read this person no longer. Raises :class:`Refusal` for oneself."""
    if user.id == actor.id:
        raise Refusal("You cannot unfollow yourself!")
    result = await session.execute(
        delete(Follow).where(Follow.follower_id == actor.id, Follow.followed_id == user.id)
    )
    if result.rowcount:  # type: ignore[attr-defined]  # a DELETE's result has a rowcount
        events.record(session, events.UNFOLLOWED, actor_id=actor.id, subject_id=user.id)


async def is_following(session: AsyncSession, actor: Actor, user: User) -> bool:
    """Whether the actor reads this person."""
    return bool(
        await session.scalar(
            select(exists().where(Follow.follower_id == actor.id, Follow.followed_id == user.id))
        )
    )


async def follows_nobody(session: AsyncSession, actor: Actor) -> bool:
    """Whether the actor reads nobody but themselves."""
    anybody = exists().where(Follow.follower_id == actor.id)
    return not await session.scalar(select(anybody))


async def followed_by(session: AsyncSession, user_ids: Iterable[int]) -> dict[int, set[int]]:
    """The ids of all whom each of these people reads."""
    found: dict[int, set[int]] = {user_id: set() for user_id in user_ids}
    rows = await session.execute(
        select(Follow.follower_id, Follow.followed_id).where(Follow.follower_id.in_(found))
    )
    for follower_id, followed_id in rows:
        found[follower_id].add(followed_id)
    return found


async def followed_ids(session: AsyncSession, user_id: int) -> set[int]:
    """The ids of all whom this person reads."""
    return set(
        await session.scalars(select(Follow.followed_id).where(Follow.follower_id == user_id))
    )
