"""What a person can look up of their private messages: received, with one person, with everybody.

Lists are read by message id from an index and stop after one page; a message that the person has
taken away is in none of them.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain.actors import Actor
from microblog.domain.errors import NotFound
from microblog.domain.message_slices import MessageView, cut, received, sent, viewing
from microblog.domain.paging import Place, Slice
from microblog.models import Message, User


@dataclass(frozen=True, slots=True)
class Conversation:
    """One other person, the last word between the two, and how much of theirs is unread."""

    user_id: int
    username: str
    display_name: str
    unread: int
    last_id: int
    last_body: str
    last_at: datetime
    last_is_own: bool


async def inbox(
    session: AsyncSession, actor: Actor, place: Place, *, size: int
) -> Slice[MessageView]:
    """What the actor has received, newest first."""
    return await cut(session, [received(actor)], place, size)


async def conversation(
    session: AsyncSession, actor: Actor, other_id: int, place: Place, *, size: int
) -> Slice[MessageView]:
    """What the actor and one other person have written to each other, newest first."""
    parts = [
        received(actor) & (Message.sender_id == other_id),
        sent(actor) & (Message.recipient_id == other_id),
    ]
    return await cut(session, parts, place, size)


async def conversations(
    session: AsyncSession, actor: Actor, *, size: int, page: int = 1
) -> tuple[list[Conversation], bool]:
    """With whom the actor writes, the latest first, and whether there are more of them."""
    both = union_all(
        select(
            Message.sender_id.label("other_id"), Message.id, Message.read_at.is_(None).label("new")
        ).where(received(actor)),
        select(Message.recipient_id, Message.id, literal(value=False)).where(sent(actor)),
    ).subquery("both")
    people = (
        select(
            both.c.other_id,
            func.max(both.c.id).label("last_id"),
            func.count().filter(both.c.new).label("unread"),
        )
        .group_by(both.c.other_id)
        .subquery("people")
    )
    rows = await session.execute(
        select(
            User.id,
            User.username,
            User.display_name,
            people.c.unread,
            Message.id,
            Message.body,
            Message.timestamp,
            Message.sender_id == actor.id,
        )
        .join_from(people, User, User.id == people.c.other_id)
        .join(Message, Message.id == people.c.last_id)
        .order_by(Message.id.desc())
        .limit(size + 1)
        .offset((page - 1) * size)
    )
    found = [Conversation(*row) for row in rows]
    return found[:size], len(found) > size


async def by_id(session: AsyncSession, actor: Actor, message_id: int) -> MessageView:
    """A message that the actor has received or sent.

    Raises :class:`NotFound` for absent and foreign ones, and for those taken away, alike.
    """
    mine = received(actor) | sent(actor)
    row = (await session.execute(viewing().where(Message.id == message_id, mine))).first()
    if row is None:
        raise NotFound
    return MessageView(*row)


async def has_unread(session: AsyncSession, actor: Actor, sender_id: int | None = None) -> bool:
    """Whether anybody, or this person, has written something that the actor has not read."""
    found = select(Message.id).where(Message.recipient_id == actor.id, Message.read_at.is_(None))
    if sender_id is not None:
        found = found.where(Message.sender_id == sender_id)
    return await session.scalar(found.limit(1)) is not None
