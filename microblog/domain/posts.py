"""Posts: written, changed, taken back. Each is an event for open pages."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import direct, events, text
from microblog.domain.actors import Actor
from microblog.domain.brief import brief
from microblog.domain.errors import NotFound
from microblog.domain.search import index
from microblog.models import Post, PostVersion, User, utc_now


@dataclass(frozen=True, slots=True)
class PostView:
    """A post with its author, as every reader may see it: plain values, no rows."""

    id: int
    body: str
    created_at: datetime
    edited_at: datetime | None
    language: str | None
    author_id: int
    author_username: str
    author_display_name: str


@dataclass(frozen=True, slots=True)
class Version:
    """What a post said before it was changed, and since when it had said so."""

    body: str
    written_at: datetime


_POST, _USER = Post.__table__.c, User.__table__.c


def viewing() -> Select[Any]:
    """The columns of :class:`PostView`, in its order; whoever asks adds which posts."""
    columns = select(
        _POST.id,
        _POST.body,
        _POST.timestamp,
        _POST.edited_at,
        _POST.language,
        _USER.id,
        _USER.username,
        _USER.display_name,
    )
    return cast(
        "Select[Any]",
        columns.join_from(Post.__table__, User.__table__, _USER.id == _POST.user_id),
    )


def view(row: Row[Any]) -> PostView:
    """One row of :func:`viewing`."""
    return PostView(*tuple(row))


# Made once: to make a statement costs more than to run it.
_BY_IDS = brief(viewing().where(_POST.id.in_(bindparam("ids", expanding=True))))
# This one is run past the session: it says who is concerned with its event.
_NOW = bindparam("now", type_=Post.timestamp.type)
_AHEAD = select(func.max(Post.timestamp)).where(Post.timestamp > _NOW).scalar_subquery()
_PUBLISH = (
    insert(Post)
    .values(
        user_id=bindparam("author"),
        body=bindparam("words"),
        language=bindparam("tongue"),
        # Now, or the newest post's date if that is later.
        timestamp=func.coalesce(_AHEAD, _NOW),
    )
    .returning(Post.id, Post.timestamp)
)


async def publish(
    session: AsyncSession, actor: Actor, body: str, *, length: int, language: str | None = None
) -> PostView:
    """Write a post of 1 to ``length`` characters, the newest of all. Raises :class:`Invalid`.

    Its author is called as they were when they were recognised.

    A clock that steps back gives it the date of the newest there is, and one that was ahead for a
    while dates all posts wrongly until it is overtaken: times may be wrong, the order never.
    """
    body = text.clean(body, minimum=1, maximum=length, field="post")
    values = {"author": actor.id, "words": body, "tongue": language, "now": utc_now()}
    connection = await direct.connection(session)
    post_id, timestamp = (await connection.execute(_PUBLISH, values)).one()
    await index.add(session, [(post_id, body)])
    events.record(session, events.POST_CREATED, actor_id=actor.id, subject_id=post_id)
    author = actor.id, actor.username, actor.display_name
    return PostView(post_id, body, timestamp, None, language, *author)


async def edit(
    session: AsyncSession,
    actor: Actor,
    post_id: int,
    body: str,
    *,
    length: int,
    language: str | None = None,
    detected: str | None = None,
) -> None:
    """Change one's own post; what it said before is kept. The same text again changes nothing.

    A ``language`` that the writer has chosen is set, which by itself makes no version: no word is
    different. One that was ``detected`` counts for other words only; without, it stays what it was.
    """
    body = text.clean(body, minimum=1, maximum=length, field="post")
    post = await own(session, actor, post_id)
    if language is None:
        language = post.language if post.body == body else detected or post.language
    if (post.body, post.language) == (body, language):
        return
    values: dict[str, Any] = {"language": language}
    if post.body != body:
        written_at = post.edited_at or post.created_at
        session.add(PostVersion(post_id=post.id, body=post.body, written_at=written_at))
        values |= {"body": body, "edited_at": utc_now()}
        await index.add(session, [(post.id, body)])
    await session.execute(update(Post).where(Post.id == post.id).values(values))
    events.record(session, events.POST_UPDATED, actor_id=actor.id, subject_id=post.id)


async def remove(session: AsyncSession, actor: Actor, post_id: int) -> None:
    """Take back one's own post. Raises :class:`NotFound` for absent and foreign ones alike."""
    result = await session.execute(delete(Post).where(Post.id == post_id, Post.user_id == actor.id))
    if not result.rowcount:  # type: ignore[attr-defined]  # a DELETE's result has a rowcount
        raise NotFound
    await index.remove(session, [post_id])
    events.record(session, events.POST_DELETED, actor_id=actor.id, subject_id=post_id)


async def own(session: AsyncSession, actor: Actor, post_id: int) -> PostView:
    """The actor's own post. Raises :class:`NotFound` for absent and foreign ones alike."""
    row = (
        await session.execute(
            viewing().where(Post.id == post_id, Post.user_id == actor.id).with_for_update(of=Post)
        )
    ).first()
    if row is None:
        raise NotFound
    return view(row)


async def by_id(session: AsyncSession, post_id: int) -> PostView:
    """A post that readers may see. Raises :class:`NotFound`."""
    row = (await session.execute(viewing().where(Post.id == post_id))).first()
    if row is None:
        raise NotFound
    return view(row)


async def by_ids(session: AsyncSession, post_ids: Collection[int]) -> dict[int, PostView]:
    """Those of the posts that still exist, by id, in one statement."""
    if not post_ids:
        return {}
    rows = await session.execute(_BY_IDS, {"ids": list(post_ids)})
    return {row[0]: view(row) for row in rows}


async def versions(session: AsyncSession, post_id: int) -> list[Version]:
    """What the post said earlier, newest first."""
    rows = await session.execute(
        select(PostVersion.body, PostVersion.written_at)
        .where(PostVersion.post_id == post_id)
        .order_by(PostVersion.id.desc())
    )
    return [Version(*row) for row in rows]
