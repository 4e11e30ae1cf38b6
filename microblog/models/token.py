"""A program's way in: an access token, and what was answered to one under a key."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from microblog.models.base import Base, utc_now

TOKEN_NAME_LENGTH = 64
KEY_LENGTH = 255


class Token(Base):
    """A bearer token, of which only the SHA-256 is kept.

    ``kind`` is ``login`` for the short one that name and password open, and ``personal`` for one
    that a person has made. ``nonce`` is what the secret of a ``login`` token is derived from,
    together with the service's own key, which is not in the database: so the same token can be told
    again, and a copy of the database opens nothing. ``scopes`` are words with blanks between them.
    """

    __tablename__ = "token"
    __table_args__ = (
        Index("ix_token_user_id_kind", "user_id", "kind"),
        # Sockets name their token by id: a later one must not get the same.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(TOKEN_NAME_LENGTH), default="")
    scopes: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(43), default="")
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    last_used_at: Mapped[datetime | None]


class Answer(Base):
    """What was answered to a request that carried an idempotency key.

    The row is written first and filled in last, both in the transaction of what the request did:
    whoever sends the same key meanwhile waits, and then gets the same answer.
    """

    __tablename__ = "answer"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    location: Mapped[str | None] = mapped_column(String(255))
    body: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
