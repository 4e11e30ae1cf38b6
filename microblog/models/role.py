"""What somebody may do beyond everybody, and who may not come in: states as rows."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from microblog.models.base import Base, utc_now


class Operator(Base):
    """This account helps to run the service."""

    __tablename__ = "operator"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True
    )
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Ban(Base):
    """This account is disabled: no login, no session, no socket, until the row is gone."""

    __tablename__ = "ban"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True
    )
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
