"""How much of an allowance somebody has used."""

from sqlalchemy import Double, String
from sqlalchemy.orm import Mapped, mapped_column

from microblog.models.base import Base


class Rate(Base):
    """The theoretical arrival time of one limited key (see :mod:`microblog.domain.limits`).

    ``arrival`` is in seconds since 1970, UTC; a row whose arrival has passed says nothing any more.
    """

    __tablename__ = "rate"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    arrival: Mapped[float] = mapped_column(Double, index=True)
