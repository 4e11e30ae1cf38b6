"""Letters become tasks like all promised work; what waits goes on waiting."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from alembic import op
from microblog.models.base import UTCDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_AT_ONCE = 500
_NAME = "send_letter"
# Letters of this kind announce what an older version knows nothing of.
_NEWER = "export_posts"

_TASK = sa.table(
    "task",
    sa.column("id", sa.String),
    sa.column("name", sa.String),
    sa.column("subject_id", sa.Integer),
    sa.column("arguments", sa.JSON),
    sa.column("state", sa.String),
    sa.column("progress", sa.Integer),
    sa.column("attempts", sa.Integer),
    sa.column("due_at", UTCDateTime()),
    sa.column("reason", sa.String),
    sa.column("created_at", UTCDateTime()),
    sa.column("finished_at", UTCDateTime()),
)
_LETTER = sa.table(
    "letter",
    sa.column("id", sa.Integer),
    sa.column("kind", sa.String),
    sa.column("user_id", sa.Integer),
    sa.column("recipient", sa.String),
    sa.column("language", sa.String),
    sa.column("details", sa.JSON),
    sa.column("grant_id", sa.Integer),
    sa.column("message_id", sa.String),
    sa.column("state", sa.String),
    sa.column("attempts", sa.Integer),
    sa.column("due_at", UTCDateTime()),
    sa.column("lease_until", UTCDateTime()),
    sa.column("reason", sa.String),
    sa.column("created_at", UTCDateTime()),
    sa.column("sent_at", UTCDateTime()),
)


def upgrade() -> None:
    _move(_LETTER.select().where(_LETTER.c.state != "void").order_by("id"), _TASK, _as_task)
    op.drop_index("ix_letter_state_due_at", "letter")
    op.drop_table("letter")


def downgrade() -> None:
    op.create_table(
        "letter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("lease_until", UTCDateTime(), nullable=True),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_letter"),
        sa.UniqueConstraint("message_id", name="uq_letter_message_id"),
    )
    op.create_index("ix_letter_state_due_at", "letter", ["state", "due_at"])
    ours = _TASK.c.name == _NAME
    _move(_TASK.select().where(ours).order_by("created_at", "id"), _LETTER, _as_letter)
    op.execute(_TASK.delete().where(ours))


def _move(rows: Any, into: Any, translated: Any) -> None:
    connection = op.get_bind()
    found = connection.execute(rows)
    while portion := found.mappings().fetchmany(_AT_ONCE):
        if made := [row for row in map(translated, portion) if row is not None]:
            connection.execute(into.insert(), made)


def _as_task(letter: Any) -> dict[str, Any]:
    kept = ("kind", "recipient", "language", "details", "grant_id", "message_id")
    state = {"waiting": "waiting", "sent": "done", "failed": "failed"}[letter["state"]]
    over_at = {"sent": letter["sent_at"], "failed": letter["due_at"]}.get(letter["state"])
    return {
        "id": str(uuid4()),
        "name": _NAME,
        "subject_id": letter["user_id"],
        "arguments": {name: letter[name] for name in kept} | {"completes": None},
        "state": state,
        "progress": 100 if state == "done" else 0,
        "attempts": letter["attempts"],
        # Whoever is sending it at this moment keeps the time that is left.
        "due_at": max(letter["due_at"], letter["lease_until"] or letter["due_at"]),
        "reason": letter["reason"],
        "created_at": letter["created_at"],
        "finished_at": over_at,
    }


def _as_letter(task: Any) -> dict[str, Any] | None:
    told = task["arguments"]
    if not told.get("recipient") or told.get("kind") == _NEWER:
        return None
    state = {"done": "sent", "failed": "failed", "cancelled": "failed"}.get(task["state"])
    over_at = task["finished_at"] or datetime.now(UTC)
    return {
        "kind": told["kind"],
        "user_id": task["subject_id"],
        "recipient": told["recipient"],
        "language": told["language"],
        "details": told.get("details", {}),
        "grant_id": told.get("grant_id"),
        "message_id": told.get("message_id") or f"moved.{task['id']}",
        "state": state or "waiting",
        "attempts": task["attempts"],
        "due_at": over_at if state else task["due_at"],
        "lease_until": None,
        "reason": task["reason"],
        "created_at": task["created_at"],
        "sent_at": over_at if state == "sent" else None,
    }
