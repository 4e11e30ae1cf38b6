"""A finished export that waits to be fetched."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from microblog.models.base import Base, utc_now


class Archive(Base):
    """One file in the folder ``archives`` of the data folder, for its owner and for some days.

    ``name`` is random and is the file's name without its ending; ``size`` is in bytes, ``posts`` a
    count. A task makes one archive, however often it is begun again.
    """

    __tablename__ = "archive"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    task_id: Mapped[str] = mapped_column(String(36), unique=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    posts: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
