"""What one person writes to another, and to nobody else."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from microblog.models.base import Base, utc_now

_UNREAD = text("read_at IS NULL")


class Message(Base):
    """One private message. Newest first means: by id, downwards.

    Each side takes a message away for itself; a row that neither keeps is deleted. ``read_at`` is
    set on the rows that a reader was shown, so a message that is committed while they look at the
    list stays unread.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_recipient_id_id", "recipient_id", "id"),
        Index("ix_message_sender_id_recipient_id_id", "sender_id", "recipient_id", "id"),
        Index(
            "ix_message_unread",
            "recipient_id",
            "sender_id",
            sqlite_where=_UNREAD,
            postgresql_where=_UNREAD,
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sender_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    recipient_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    body: Mapped[str] = mapped_column(Text)
    timestamp: Mapped[datetime] = mapped_column(default=utc_now)
    read_at: Mapped[datetime | None]
    kept_by_sender: Mapped[bool] = mapped_column(default=True)
    kept_by_recipient: Mapped[bool] = mapped_column(default=True)

    def __repr__(self) -> str:
        return f"<Message {self.id}>"
