"""One-time permissions that travel in a link: reset a password, confirm an address, come in."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from microblog.models.base import Base, utc_now
from microblog.models.user import EMAIL_LENGTH


class Grant(Base):
    """A permission that can be used once, until it expires.

    The link's secret is derived from ``nonce`` and the service's own key, which is not in the
    database; of the secret only the SHA-256 is kept. A copy of the database makes no link.
    """

    __tablename__ = "grant"
    __table_args__ = (
        Index("ix_grant_user_id_kind", "user_id", "kind"),
        # A letter names its grant by id: a later grant must not get the same one.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    email: Mapped[str | None] = mapped_column(String(EMAIL_LENGTH))
    nonce: Mapped[str] = mapped_column(String(43))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
