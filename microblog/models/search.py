"""The words of each post, kept for the search: another table on each database.

On PostgreSQL it is :data:`POST_SEARCH`. On SQLite a virtual table of FTS5 has the same name, with
the post's id as its ``rowid`` and one column, ``terms``; no model can say that. Hence the metadata
of its own: what goes through all tables does not go through this one, which can be made anew from
the posts at any time.
"""

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import TSVECTOR

from microblog.models.base import NAMING_CONVENTION
from microblog.models.post import Post

SEARCH_METADATA = MetaData(naming_convention=NAMING_CONVENTION)

POST_SEARCH = Table(
    "post_search",
    SEARCH_METADATA,
    Column(
        "post_id",
        Integer,
        ForeignKey(Post.id, ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("terms", Text, nullable=False),
    Column("vector", TSVECTOR, nullable=False),
    Index("ix_post_search_vector", "vector", postgresql_using="gin"),
)
