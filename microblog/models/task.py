"""A task: work that was promised together with its cause, and what became of it."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from microblog.models.base import Base, utc_now

REASON_LENGTH = 500
_TO_DO = text("state IN ('waiting', 'running')")


class Task(Base):
    """One piece of work.

    ``due_at`` is the moment from which any runner may take it: for one that waits, its time; for
    one that runs, the end of the lease, which its runner moves on as long as it lives.
    ``attempts`` counts the times it was taken, and so tells an old holder from a new one. ``slot``
    is held until the end, and only once: it makes one-at-a-time a constraint. ``cursor`` is where
    another runner goes on. ``user_id`` is whose work it is; ``subject_id`` what it is about.
    """

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_to_do", "name", "due_at", sqlite_where=_TO_DO, postgresql_where=_TO_DO),
        Index("ix_task_user_id_created_at", "user_id", "created_at"),
        Index("ix_task_name_subject_id", "name", "subject_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid4()))
    name: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    subject_id: Mapped[int | None]
    slot: Mapped[str | None] = mapped_column(String(128), unique=True)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    cursor: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    state: Mapped[str] = mapped_column(String(9))
    progress: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(REASON_LENGTH), default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
