"""Private messages: sent, read, taken away by one side or the other. Nobody else ever sees them.

Whatever changes how many unread messages a person has tells them so in the same transaction, and
has taken the lock of what is told to that person before it counts.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import events, notifications, text
from microblog.domain.actors import Actor
from microblog.domain.errors import NotFound, Refusal
from microblog.i18n import marked
from microblog.models import Message, User, utc_now


async def send(
    session: AsyncSession, actor: Actor, recipient: User, body: str, *, length: int
) -> Message:
    """Write 1 to ``length`` characters to somebody else.

    Raises :class:`Invalid` for the text, :class:`Refusal` for oneself, :class:`NotFound` if the
    recipient has just gone.
    """
    refuse_oneself(actor, recipient)
    body = text.clean(body, minimum=1, maximum=length, field="message")
    # The sender's too: an account that is being closed sends nothing any more.
    await notifications.lock(session, actor.id, recipient.id)
    message = Message(sender_id=actor.id, recipient_id=recipient.id, body=body)
    try:
        async with session.begin_nested():
            session.add(message)
    except IntegrityError as error:
        raise NotFound from error
    await _tell_count(session, recipient.id)
    events.record(
        session,
        events.MESSAGE_CREATED,
        actor_id=actor.id,
        subject_id=recipient.id,
        payload={"message_id": message.id},
    )
    return message


def refuse_oneself(actor: Actor, recipient: User) -> None:
    """Raise :class:`Refusal` where the two are one."""
    if recipient.id == actor.id:
        raise Refusal(marked("You cannot write to yourself."))


async def mark_read(
    session: AsyncSession, actor: Actor, sender_id: int | None = None
) -> tuple[int, datetime]:
    """Take all that the actor has received, or all by one person, for read.

    Only what is committed at this moment: what comes a moment later stays unread, whether the
    reader gets to see it or not. Returns how many are unread now, and the time of reading, which
    the messages that were unread until now carry as their ``read_at``.
    """
    await notifications.lock(session, actor.id)
    moment = utc_now()
    unread = update(Message).where(Message.recipient_id == actor.id, Message.read_at.is_(None))
    if sender_id is not None:
        unread = unread.where(Message.sender_id == sender_id)
    await session.execute(unread.values(read_at=moment))
    return await _tell_count(session, actor.id), moment


async def is_settled(session: AsyncSession, actor: Actor) -> bool:
    """Whether reading everything would change nothing: none is unread, and that was told.

    As far as the actor's own count goes, which is as old as the actor.
    """
    if actor.unread_messages:
        return False
    told = await notifications.find(session, actor, notifications.UNREAD_MESSAGES)
    return told is not None and told.data == 0


async def take_away(session: AsyncSession, actor: Actor, message_id: int) -> None:
    """Take a message from one's own side; what neither side keeps is gone for good.

    Raises :class:`NotFound` for absent and foreign ones, and for those taken away before.
    """
    # First the lock that senders take first, too.
    await notifications.lock(session, actor.id)
    mine = (Message.recipient_id == actor.id) & Message.kept_by_recipient
    mine |= (Message.sender_id == actor.id) & Message.kept_by_sender
    message = await session.scalar(
        select(Message).where(Message.id == message_id, mine).with_for_update()
    )
    if message is None:
        raise NotFound
    was_unread = message.recipient_id == actor.id and message.read_at is None
    if message.recipient_id == actor.id:
        message.kept_by_recipient = False
        message.read_at = message.read_at or utc_now()
    else:
        message.kept_by_sender = False
    if not (message.kept_by_sender or message.kept_by_recipient):
        await session.delete(message)
    await session.flush()
    if was_unread:
        await _tell_count(session, actor.id)


async def unread_by(session: AsyncSession, sender_id: int) -> list[int]:
    """Who has unread messages by this person, who sends no more until the unit of work ends.

    What is told to all of them is locked.
    """
    await notifications.lock(session, sender_id, *await _unread_by(session, sender_id))
    # A message may have been committed before the lock was there; now there are no more.
    readers = await _unread_by(session, sender_id)
    await notifications.lock(session, *readers)
    return readers


async def _unread_by(session: AsyncSession, sender_id: int) -> list[int]:
    found = select(Message.recipient_id).where(
        Message.sender_id == sender_id, Message.read_at.is_(None)
    )
    return sorted(set(await session.scalars(found)))


async def tell_counts(session: AsyncSession, user_ids: Collection[int]) -> None:
    """Tell these people how many unread messages they have by now."""
    for user_id in user_ids:
        await _tell_count(session, user_id)


async def _tell_count(session: AsyncSession, user_id: int) -> int:
    count = await session.scalar(
        select(func.count()).where(Message.recipient_id == user_id, Message.read_at.is_(None))
    )
    await notifications.notify(session, user_id, notifications.UNREAD_MESSAGES, count or 0)
    return count or 0
