"""What a person's open pages are to know, one row a name."""

from sqlalchemy import Double, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from microblog.models.base import Base

NAME_LENGTH = 128


class Notification(Base):
    """The latest word under one name for one person; a newer one replaces it.

    ``timestamp`` is in seconds since 1970, UTC, and grows with every word to that person, whatever
    the clocks do: whoever asks for what is newer than the last that they know misses nothing.
    """

    __tablename__ = "notification"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    timestamp: Mapped[float] = mapped_column(Double)
    payload_json: Mapped[str] = mapped_column(Text)
