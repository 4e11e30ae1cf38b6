"""The event log: what happened, in the order in which it became true."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from microblog.models.base import Base, utc_now


class Event(Base):
    """One fact that open pages may have to hear of.

    ``id`` is the live feed's ``seq``. There are deliberately no foreign keys: a fact stays true
    when its subject is gone, and the insert, which is the last thing a transaction does, must wait
    for nobody's row lock.
    """

    __tablename__ = "event"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    actor_id: Mapped[int]
    subject_id: Mapped[int]
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
