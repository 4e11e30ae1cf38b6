"""No change goes unsaid: what a writing unit of work does to people, their ways in and their posts.

Whoever keeps in memory what was read goes by the event log, so every such change must be an event.
Most verbs record one that says what has happened. For a change without one
:data:`~microblog.domain.events.ACCOUNT_CHANGED` is recorded here: for the person concerned, if the
statement or the object names one, or else for anybody. A statement whose change nobody needs to
hear of says so with :data:`~microblog.domain.events.UNTOLD`.

Statements that go past the session, straight to its connection, are not seen here.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import ORMExecuteState, UOWTransaction
from sqlalchemy.orm import Session as SyncSession
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList

from microblog.domain import events

# By table: the column that says whose row it is, whether a new row is a change of anything that was
# there, and the events that say of a change what happened. An end of an account says everything.
_WATCHED: dict[str, tuple[str, bool, tuple[str, ...]]] = {
    "user": ("id", False, (events.ACCOUNT_ENDED,)),
    "ban": ("user_id", True, (events.ACCOUNT_ENDED,)),
    "operator": ("user_id", True, (events.ACCOUNT_ENDED,)),
    "session": ("user_id", False, (events.SESSION_ENDED, events.ACCOUNT_ENDED)),
    "token": ("user_id", False, (events.SESSION_ENDED, events.ACCOUNT_ENDED)),
    "post": (
        "user_id",
        True,
        (events.POST_CREATED, events.POST_UPDATED, events.POST_DELETED, events.ACCOUNT_ENDED),
    ),
    "followers": (
        "follower_id",
        True,
        (events.FOLLOWED, events.UNFOLLOWED, events.ACCOUNT_ENDED),
    ),
}
# Who is concerned by a statement that names nobody, where an event of anybody says what it was.
_SOMEBODY = -1
_NOTICED = "noticed"


class WritingSession(SyncSession):
    """A session that notes which rows it changes; :func:`say` makes events of that."""


def say(session: AsyncSession) -> None:
    """Record an event for each change that none of the recorded ones tells of."""
    for table, user_id in sorted(session.info.pop(_NOTICED, ())):
        _, _, kinds = _WATCHED[table]
        told = {event["actor_id"] for event in events.recorded(session, *kinds)}
        changed = {event["actor_id"] for event in events.recorded(session, events.ACCOUNT_CHANGED)}
        if user_id == _SOMEBODY:
            # Accounts are named one by one: an event of one says nothing of another.
            if not (told | changed) or table == "user":
                events.record_change(session, events.ANYBODY)
        elif user_id not in told | changed:
            events.record_change(session, user_id)


def _note(session: SyncSession, table: str, user_id: int) -> None:
    session.info.setdefault(_NOTICED, set()).add((table, user_id))


@event.listens_for(WritingSession, "do_orm_execute")
def _executed(state: ORMExecuteState) -> Any:
    if not (state.is_update or state.is_delete or state.is_insert):
        return None
    statement: Any = state.statement
    table = statement.table.name
    if table not in _WATCHED or state.execution_options.get("untold"):
        return None
    column, counts_new, _ = _WATCHED[table]
    if state.is_insert:
        if counts_new:
            _note(state.session, table, _SOMEBODY)
        return None
    result: Any = state.invoke_statement()
    # Where no row was there, nothing has changed; with RETURNING that is not known.
    if getattr(result, "rowcount", -1) != 0:
        _note(state.session, table, _named(statement.whereclause, column))
    return result


@event.listens_for(WritingSession, "before_flush")
def _flushing(session: SyncSession, _flush: UOWTransaction, _instances: object) -> None:
    changed = [*session.deleted, *filter(session.is_modified, session.dirty)]
    for rows, are_new in ((changed, False), (list(session.new), True)):
        _note_rows(session, rows, are_new=are_new)


def _note_rows(session: SyncSession, rows: Iterable[Any], *, are_new: bool) -> None:
    for row in rows:
        table = row.__tablename__
        if table in _WATCHED:
            column, counts_new, _ = _WATCHED[table]
            if counts_new or not are_new:
                _note(session, table, getattr(row, column))


def _named(condition: ColumnElement[bool] | None, column: str) -> int:
    """Whose rows a condition picks, if it says ``column = value``, and perhaps more."""
    for part in _parts(condition):
        if (
            isinstance(part, BinaryExpression)
            and part.operator is operators.eq
            and getattr(part.left, "key", None) == column
            and isinstance(part.right, BindParameter)
            and isinstance(part.right.effective_value, int)
        ):
            return part.right.effective_value
    return _SOMEBODY


def _parts(condition: ColumnElement[bool] | None) -> Iterator[Any]:
    if isinstance(condition, BooleanClauseList):
        if condition.operator is operators.and_:
            yield from condition.clauses
    elif condition is not None:
        yield condition
