"""Parts of lists of messages: which rows belong to one, and what stands in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from microblog.domain.actors import Actor
from microblog.domain.paging import DEEPEST_PAGE, Place, Slice
from microblog.models import Message, User


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message as the people of it see it; when it was read is the recipient's business alone."""

    id: int
    body: str
    created_at: datetime
    read_at: datetime | None
    author_id: int
    author_username: str
    author_display_name: str
    recipient_id: int
    recipient_username: str
    recipient_display_name: str


# The messages of a list: all that fulfil one of the conditions, which exclude each other.
_Parts = Sequence[ColumnElement[bool]]


def viewing() -> Select[Any]:
    """The columns of :class:`MessageView`, in its order; whoever asks adds which messages."""
    author, recipient = aliased(User), aliased(User)
    columns = select(
        Message.id,
        Message.body,
        Message.timestamp,
        Message.read_at,
        author.id,
        author.username,
        author.display_name,
        recipient.id,
        recipient.username,
        recipient.display_name,
    )
    joined = (
        columns.select_from(Message)
        .join(author, author.id == Message.sender_id)
        .join(recipient, recipient.id == Message.recipient_id)
    )
    return cast("Select[Any]", joined)


def received(actor: Actor) -> ColumnElement[bool]:
    """What the actor has received and keeps."""
    return (Message.recipient_id == actor.id) & Message.kept_by_recipient


def sent(actor: Actor) -> ColumnElement[bool]:
    """What the actor has sent and keeps."""
    return (Message.sender_id == actor.id) & Message.kept_by_sender


async def cut(session: AsyncSession, parts: _Parts, place: Place, size: int) -> Slice[MessageView]:
    """A part of a list, of at most ``size`` messages; see :class:`Place`."""
    if place.page > DEEPEST_PAGE:
        return Slice(newer=Place())
    if place.after is not None:
        found = await _read(session, parts, size + 1, above=place.after)
        if len(found) > size:
            items = found[1:]
            return Slice(items, newer=Place(after=items[0].id), older=Place(before=items[-1].id))
        if place.exact:
            return Slice(found, older=await _older(session, parts, found))
        # Nothing lies above these: this is the top, and the top is shown whole.
        place = Place()
    offset = (place.page - 1) * size
    found = await _read(session, parts, size + 1, offset=offset, below=place.before)
    items = found[:size]
    return Slice(
        items,
        newer=await _newer(session, parts, place, items),
        older=Place(before=items[-1].id) if len(found) > size else None,
    )


async def _older(session: AsyncSession, parts: _Parts, items: list[MessageView]) -> Place | None:
    below = items[-1].id if items else None
    if not await _read(session, parts, 1, below=below):
        return None
    # Below an empty part is the whole list, as it is now.
    return Place(before=below)


async def _newer(
    session: AsyncSession, parts: _Parts, place: Place, items: list[MessageView]
) -> Place | None:
    if place.is_newest:
        return None
    if place.before is not None and not await _read(session, parts, 1, above=place.before - 1):
        return None
    return Place(after=items[0].id) if items else Place()


async def _read(
    session: AsyncSession,
    parts: _Parts,
    limit: int,
    *,
    offset: int = 0,
    below: int | None = None,
    above: int | None = None,
) -> list[MessageView]:
    """Newest first; with ``above`` the ``limit`` ones next to it."""
    order = Message.id.desc() if above is None else Message.id.asc()

    def of(part: ColumnElement[bool]) -> Select[Any]:
        ids = select(Message.id).where(part)
        ids = ids if below is None else ids.where(Message.id < below)
        ids = ids if above is None else ids.where(Message.id > above)
        return select(ids.order_by(order).limit(limit + offset).subquery().c.id)

    # Asked part by part, as no index holds both directions of a conversation in one order.
    ids = union_all(*map(of, parts)).subquery("found")
    rows = await session.execute(
        viewing().join(ids, ids.c.id == Message.id).order_by(order).limit(limit).offset(offset)
    )
    found = [MessageView(*row) for row in rows]
    return found if above is None else found[::-1]
