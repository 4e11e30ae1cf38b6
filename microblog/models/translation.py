"""What posts say in other languages, and how much has been asked for."""

from datetime import date, datetime

from sqlalchemy import Double, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from microblog.models.base import Base, utc_now


class PostTranslation(Base):
    """A post in another language; while ``body`` is empty, somebody is asking for it.

    ``digest`` is that of the text which was, or is, translated: an edit makes the row worthless.
    Whoever asks holds the ``ticket`` until ``asked_until`` (seconds since 1970, UTC); after that
    somebody else may ask. It ``is_announced`` once readers of the live feed were told of it.
    """

    __tablename__ = "post_translation"

    post_id: Mapped[int] = mapped_column(
        ForeignKey("post.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    language: Mapped[str] = mapped_column(String(16), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    body: Mapped[str | None] = mapped_column(Text)
    provider: Mapped[str] = mapped_column(String(32))
    ticket: Mapped[str] = mapped_column(String(32))
    asked_until: Mapped[float] = mapped_column(Double)
    is_announced: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class TranslationDay(Base):
    """How many characters were sent to the translator on one day, UTC, by all processes."""

    __tablename__ = "translation_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    characters: Mapped[int]
