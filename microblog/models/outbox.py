"""Posts that a search engine beside the database has yet to hear of."""

from sqlalchemy.orm import Mapped, mapped_column

from microblog.models.base import Base


class SearchNote(Base):
    """A post that was written, changed or deleted, by its id: what is true of it is looked up."""

    __tablename__ = "search_outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    # No foreign key: of a deleted post nothing but this is left.
    post_id: Mapped[int]
