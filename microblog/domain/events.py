"""What happened, said in the same transaction that made it true.

A verb of the domain calls :func:`record`; nothing is written yet. The last thing that a unit of
work does before its commit is :func:`write`. Thus on PostgreSQL the lock that puts commits in
order is held only for the length of a commit, and ids appear in the order in which they were given:
a reader of the log that remembers the last id misses nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.domain import direct
from microblog.domain.brief import brief
from microblog.models import Event, utc_now

POST_CREATED = "post.created"
POST_UPDATED = "post.updated"
POST_DELETED = "post.deleted"
POST_TRANSLATED = "post.translated"
FOLLOWED = "follow.created"
UNFOLLOWED = "follow.deleted"
SESSION_ENDED = "session.ended"
ACCOUNT_ENDED = "account.ended"
ACCOUNT_CHANGED = "account.changed"
NOTIFIED = "notified"
MESSAGE_CREATED = "message.created"
PING = "ping"

# Whose account has changed where that is not known.
ANYBODY = 0
# Execution options of a statement that changes only what nobody needs to be told of: when somebody
# was last here, and what time has ended.
UNTOLD = {"untold": True}

# The channel of PostgreSQL's NOTIFY, and the key of the lock that orders commits.
NOTIFY_CHANNEL = "microblog_event"
_COMMIT_ORDER_LOCK = 0x6D6963726F

_INSERT = insert(Event)
_COLUMNS = ("kind", "actor_id", "subject_id", "payload", "created_at")
# The lock, the wake-up and the first event in one go, as nobody else commits meanwhile. The row's
# number is given when the lock is there: it is a default, and those are added to what was selected.
_TURN = select(
    func.pg_advisory_xact_lock(_COMMIT_ORDER_LOCK), func.pg_notify(NOTIFY_CHANNEL, "")
).cte("turn")
_INSERT_IN_TURN = insert(Event).from_select(
    _COLUMNS,
    select(*(bindparam(name, type_=Event.__table__.c[name].type) for name in _COLUMNS)).select_from(
        _TURN
    ),
    include_defaults=False,
)
# Made once, of columns and not of attributes: to make it costs more than to run it.
_EVENTS = Event.__table__.c
_AFTER = brief(
    select(_EVENTS.id, _EVENTS.kind, _EVENTS.actor_id, _EVENTS.subject_id, _EVENTS.payload)
    .where(_EVENTS.id > bindparam("position"))
    .order_by(_EVENTS.id)
    .limit(bindparam("most"))
)
_AFTER_UNTIL = _AFTER.where(_EVENTS.id <= bindparam("until"))


@dataclass(frozen=True, slots=True)
class Logged:
    """One row of the log, read back."""

    id: int
    kind: str
    actor_id: int
    subject_id: int
    payload: dict[str, Any] | None


def record(
    session: AsyncSession,
    kind: str,
    *,
    actor_id: int,
    subject_id: int,
    payload: dict[str, Any] | None = None,
) -> None:
    """Promise an event: it becomes a row when this unit of work commits, and never otherwise."""
    session.info.setdefault("events", []).append(
        {
            "kind": kind,
            "actor_id": actor_id,
            "subject_id": subject_id,
            "payload": payload,
            "created_at": utc_now(),
        }
    )


def record_change(session: AsyncSession, user_id: int) -> None:
    """Promise the event of an account that is not as it was, or that wrote what is no news.

    Nobody is told; it is for those who keep in memory what they have read.
    """
    if all(event["actor_id"] != user_id for event in recorded(session, ACCOUNT_CHANGED)):
        record(session, ACCOUNT_CHANGED, actor_id=user_id, subject_id=user_id)


def recorded(session: AsyncSession, *kinds: str) -> list[dict[str, Any]]:
    """What has been promised of these kinds."""
    return [event for event in session.info.get("events", ()) if event["kind"] in kinds]


async def write(session: AsyncSession) -> bool:
    """Write what was recorded, as the last step before the commit. True if there was anything.

    On PostgreSQL this also sends the wake-up, which the server delivers with the commit.
    """
    rows = session.info.pop("events", None)
    if not rows:
        return False
    connection = await direct.connection(session)
    if connection.dialect.name != "postgresql":
        await connection.execute(_INSERT, rows)
        return True
    first, *others = rows
    await connection.execute(_INSERT_IN_TURN, first)
    if others:
        await connection.execute(_INSERT, others)
    return True


async def newest(session: AsyncSession) -> int:
    """The id of the newest event, 0 when there is none."""
    return await session.scalar(select(func.max(Event.id))) or 0


async def oldest(session: AsyncSession) -> int | None:
    """The id of the oldest event that is still kept."""
    return await session.scalar(select(func.min(Event.id)))


async def after(
    session: AsyncSession, position: int, *, limit: int, until: int | None = None
) -> list[Logged]:
    """What follows ``position``, oldest first, at most ``limit``, nothing above ``until``."""
    values = {"position": position, "most": limit}
    if until is None:
        rows = await session.execute(_AFTER, values)
    else:
        rows = await session.execute(_AFTER_UNTIL, values | {"until": until})
    return [Logged(*row) for row in rows]


async def sweep(session: AsyncSession, *, keep_hours: float, keep_events: int) -> int:
    """Forget events that are too old or too many; the newest one always stays. Returns how many.

    Always the first ones, whatever the clock said when: so the oldest that is left tells what is
    gone, and whoever is behind it knows that something was missed.
    """
    last = await newest(session)
    stale: datetime = utc_now() - timedelta(hours=keep_hours)
    fresh = select(Event.id).where(Event.created_at >= stale).order_by(Event.id).limit(1)
    oldest_kept = max(await session.scalar(fresh) or last, last - keep_events + 1)
    result = await session.execute(delete(Event).where(Event.id < min(last, oldest_kept)))
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has a rowcount
