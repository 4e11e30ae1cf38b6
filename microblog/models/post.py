"""What people write, and the earlier versions of what they have changed since."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from microblog.models.base import Base, utc_now


class Post(Base):
    """One post. Newest first always means: by time and then by id, downwards."""

    __tablename__ = "post"
    __table_args__ = (
        # A profile, and each followed author's share of a home timeline, read this one backwards.
        Index("ix_post_user_id_timestamp_id", "user_id", "timestamp", "id"),
        Index("ix_post_timestamp_id", "timestamp", "id"),
        # Ids of deleted posts must not come back: cursors and events name posts by id.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    body: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(String(16))
    timestamp: Mapped[datetime] = mapped_column(default=utc_now)
    edited_at: Mapped[datetime | None]

    def __repr__(self) -> str:
        return f"<Post {self.body}>"


class PostVersion(Base):
    """What a post said before an edit."""

    __tablename__ = "post_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"), index=True)
    body: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]
