"""What a person's open pages are told: one current word under each name.

A word is kept, so that whoever asks later hears the latest one, and it is an event, so that open
sockets hear it at once. Only the person it is meant for ever gets it.
"""

import json
import math
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import events
from microblog.domain.actors import Actor
from microblog.models import Notification, User

UNREAD_MESSAGES = "unread_message_count"
TASK_PROGRESS = "task_progress"

# Two words to one person are at least this many seconds apart, whatever the clocks say.
_APART = 0.001


@dataclass(frozen=True, slots=True)
class Word:
    """One notification; ``timestamp`` is in seconds since 1970, UTC."""

    name: str
    data: Any
    timestamp: float


async def lock(session: AsyncSession, *user_ids: int) -> None:
    """Have what is told to these people told one after the other, until the unit of work ends.

    Whoever counts something in order to tell it must take this first: of two who count at the same
    time, the later one then sees what the earlier one has committed. Several are locked together
    and in the order of their ids, so that nobody waits in a circle.
    """
    # SQLite has one writer at a time anyway, and knows no such lock.
    await session.execute(
        select(User.id)
        .where(User.id.in_(sorted(user_ids)))
        .order_by(User.id)
        .with_for_update(key_share=True)
    )


async def notify(session: AsyncSession, user_id: int, name: str, data: Any) -> None:
    """Tell a person something; it replaces what was said under this name before.

    ``data`` is anything that JSON can say. Timestamps grow with every word to one person.
    """
    await lock(session, user_id)
    latest = await session.scalar(
        select(func.max(Notification.timestamp)).where(Notification.user_id == user_id)
    )
    timestamp = max(time.time(), (latest or 0.0) + _APART)
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    values = {"timestamp": timestamp, "payload_json": json.dumps(data, ensure_ascii=False)}
    statement = dialect.insert(Notification).values(user_id=user_id, name=name, **values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[Notification.user_id, Notification.name], set_=values
        )
    )
    events.record(
        session,
        events.NOTIFIED,
        actor_id=user_id,
        subject_id=user_id,
        payload={"name": name, "data": data, "timestamp": timestamp},
    )


def read_moment(raw: str) -> float:
    """A moment out of a query, in seconds since 1970; nonsense is the beginning of time."""
    try:
        return float(raw)
    except ValueError:
        return 0.0


async def since(session: AsyncSession, actor: Actor, moment: float) -> list[Word]:
    """What the actor was told strictly after a moment, oldest first."""
    if math.isnan(moment):
        moment = 0.0
    rows = await session.execute(
        select(Notification.name, Notification.payload_json, Notification.timestamp)
        .where(Notification.user_id == actor.id, Notification.timestamp > moment)
        .order_by(Notification.timestamp)
    )
    return [Word(name, json.loads(payload), timestamp) for name, payload, timestamp in rows]


async def find(session: AsyncSession, actor: Actor, name: str) -> Word | None:
    """The current word under one name."""
    row = (
        await session.execute(
            select(Notification.payload_json, Notification.timestamp).where(
                Notification.user_id == actor.id, Notification.name == name
            )
        )
    ).first()
    return None if row is None else Word(name, json.loads(row[0]), row[1])
