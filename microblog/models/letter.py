"""A letter: promised with what it announces, sent later."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from microblog.models.base import Base, utc_now

RECIPIENT_LENGTH = 254
REASON_LENGTH = 500


class Letter(Base):
    """One letter to one person.

    ``user_id`` has no foreign key: what is said about an account may have to be said when the
    account is gone. ``details`` holds plain words for the template and never a secret; a letter
    with a secret link names the grant behind it, and the link is made when the letter is written.
    ``attempts`` counts the times that somebody has taken the letter to send it; it also tells an
    old holder of the letter from a new one. ``message_id`` is the left half of the Message-ID.
    """

    __tablename__ = "letter"
    __table_args__ = (Index("ix_letter_state_due_at", "state", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    user_id: Mapped[int | None]
    recipient: Mapped[str] = mapped_column(String(RECIPIENT_LENGTH))
    language: Mapped[str] = mapped_column(String(16))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    grant_id: Mapped[int | None]
    message_id: Mapped[str] = mapped_column(String(64), unique=True)
    state: Mapped[str] = mapped_column(String(8))
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(REASON_LENGTH), default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    sent_at: Mapped[datetime | None]
