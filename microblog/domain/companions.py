"""Companions: whom a person follows, who follows them, and what they write to each other.

Read in parts, as :mod:`microblog.domain.belongings`. Of other people it says who they are, and what
they wrote to this person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from microblog.models import Follow, Message, User


@dataclass(frozen=True, slots=True)
class Bond:
    """Somebody whom the person follows, or who follows the person."""

    key: int
    username: str
    since: datetime


class Sent(NamedTuple):
    """A message's place among those that a person sent: by recipient, then by id."""

    recipient_id: int
    id: int


@dataclass(frozen=True, slots=True)
class OwnMessage:
    """One private message that the person keeps; ``key`` is its place in its list.

    When somebody else read what they were sent is their own business.
    """

    key: Any
    sender: str
    recipient: str
    body: str
    sent_at: datetime
    read_at: datetime | None


async def following(
    session: AsyncSession, user_id: int, *, above: int, limit: int
) -> Sequence[Bond]:
    """The next people whom the person follows, above an id."""
    rows = await session.execute(
        select(User.id, User.username, Follow.created_at)
        .join(Follow, Follow.followed_id == User.id)
        .where(Follow.follower_id == user_id, Follow.followed_id > above)
        .order_by(Follow.followed_id)
        .limit(limit)
    )
    return [Bond(*row) for row in rows]


async def followers(
    session: AsyncSession, user_id: int, *, above: int, limit: int
) -> Sequence[Bond]:
    """The next people who follow the person, above an id."""
    rows = await session.execute(
        select(User.id, User.username, Follow.created_at)
        .join(Follow, Follow.follower_id == User.id)
        .where(Follow.followed_id == user_id, Follow.follower_id > above)
        .order_by(Follow.follower_id)
        .limit(limit)
    )
    return [Bond(*row) for row in rows]


async def received(
    session: AsyncSession, user_id: int, *, above: int, limit: int
) -> Sequence[OwnMessage]:
    """The next messages that the person was sent, above an id."""
    recipient = aliased(User)
    rows = await session.execute(
        select(
            Message.id,
            User.username,
            recipient.username,
            Message.body,
            Message.timestamp,
            Message.read_at,
        )
        .join(User, User.id == Message.sender_id)
        .join(recipient, recipient.id == Message.recipient_id)
        .where(Message.recipient_id == user_id, Message.kept_by_recipient, Message.id > above)
        .order_by(Message.id)
        .limit(limit)
    )
    return [OwnMessage(*row) for row in rows]


async def sent(
    session: AsyncSession, user_id: int, *, above: Sent, limit: int
) -> Sequence[OwnMessage]:
    """The next messages that the person sent, above a place; by recipient."""
    sender = aliased(User)
    place = tuple_(Message.recipient_id, Message.id)
    rows = await session.execute(
        select(
            Message.recipient_id,
            Message.id,
            sender.username,
            User.username,
            Message.body,
            Message.timestamp,
        )
        .join(sender, sender.id == Message.sender_id)
        .join(User, User.id == Message.recipient_id)
        .where(Message.sender_id == user_id, Message.kept_by_sender, place > above)
        .order_by(Message.recipient_id, Message.id)
        .limit(limit)
    )
    return [OwnMessage(Sent(row[0], row[1]), *row[2:], read_at=None) for row in rows]
