"""The person: one row for each account."""

from datetime import datetime
from typing import Any

from sqlalchemy import String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from microblog.models.base import Base, utc_now

USERNAME_LENGTH = 64
EMAIL_LENGTH = 120
DISPLAY_NAME_LENGTH = 64


class User(Base):
    """An account. Name and address are unique whatever their case.

    ``username_key`` and ``email_key`` hold the folded forms on which uniqueness rests, so that the
    rule is the same on every database and needs no functional index.
    """

    __tablename__ = "user"
    # Events and limits name people by id: a later account must not inherit a deleted one's.
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(USERNAME_LENGTH), unique=True, index=True)
    username_key: Mapped[str] = mapped_column(String(USERNAME_LENGTH), unique=True)
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH), unique=True, index=True)
    email_key: Mapped[str] = mapped_column(String(EMAIL_LENGTH), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(256))
    display_name: Mapped[str] = mapped_column(String(DISPLAY_NAME_LENGTH), default="")
    # The words of both names, as the search compares them.
    name_terms: Mapped[str] = mapped_column(Text, default="", server_default="")
    about_me: Mapped[str] = mapped_column(String(20_000), default="")
    language: Mapped[str | None] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_seen_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    time_zone: Mapped[str | None] = mapped_column(String(64))
    # Codes of languages, comma-separated; empty means what the browser says.
    reads: Mapped[str] = mapped_column(String(200), default="", server_default="")
    writes: Mapped[str | None] = mapped_column(String(16))
    translates_live: Mapped[bool] = mapped_column(default=False, server_default=false())

    def __init__(self, **columns: Any) -> None:
        """Take the columns; the folded keys follow from name and address."""
        if "username" in columns:
            columns.setdefault("username_key", fold(columns["username"]))
        if "email" in columns:
            columns.setdefault("email_key", fold(columns["email"]))
        super().__init__(**columns)

    def __repr__(self) -> str:
        return f"<User {self.username}>"


def fold(identifier: str) -> str:
    """The form in which names and addresses are compared."""
    return identifier.casefold()
