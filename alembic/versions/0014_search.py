"""What a search looks at: the words of all posts, and of the names of all people."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR

from alembic import op
from microblog.domain.search.analysis import document
from microblog.domain.search.index import vector
from microblog.domain.search.people import name_terms

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_AT_ONCE = 1000
_POST = sa.table("post", sa.column("id"), sa.column("body"))
_USER = sa.table(
    "user",
    sa.column("id"),
    sa.column("username"),
    sa.column("display_name"),
    sa.column("name_terms"),
)


def upgrade() -> None:
    op.add_column("user", sa.Column("name_terms", sa.Text(), server_default="", nullable=False))
    on_postgresql = op.get_context().dialect.name == "postgresql"
    if on_postgresql:
        op.create_table(
            "post_search",
            sa.Column("post_id", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("terms", sa.Text(), nullable=False),
            sa.Column("vector", TSVECTOR(), nullable=False),
            sa.ForeignKeyConstraint(
                ["post_id"], ["post.id"], name="fk_post_search_post_id_post", ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint("post_id", name="pk_post_search"),
        )
    else:
        # A term is a token as it is: all beyond ASCII, letters, digits, and these signs.
        op.execute(
            "CREATE VIRTUAL TABLE post_search USING fts5"
            "(terms, columnsize=0, tokenize=\"ascii tokenchars '#@_.-'\")"
        )
    if not op.get_context().as_sql:
        _fill(op.get_bind(), on_postgresql=on_postgresql)
    if on_postgresql:
        op.execute("CREATE INDEX ix_post_search_vector ON post_search USING gin (vector)")


def downgrade() -> None:
    op.drop_table("post_search")
    # Written out, as a batch would make the table anew on SQLite, and let numbers come back.
    op.drop_column("user", "name_terms")


def _fill(connection: sa.Connection, *, on_postgresql: bool) -> None:
    named = sa.update(_USER).where(_USER.c.id == sa.bindparam("number"))
    for people in _batches(connection, _USER.c.id, _USER.c.username, _USER.c.display_name):
        connection.execute(
            named.values(name_terms=sa.bindparam("terms")),
            [{"number": number, "terms": name_terms(*names)} for number, *names in people],
        )
    adding = "INSERT INTO post_search (rowid, terms) VALUES (:post_id, :terms)"
    if on_postgresql:
        adding = "INSERT INTO post_search VALUES (:post_id, :terms, CAST(:vector AS tsvector))"
    for posts in _batches(connection, _POST.c.id, _POST.c.body):
        rows = [{"post_id": number, "terms": document(body)} for number, body in posts]
        if on_postgresql:
            rows = [row | {"vector": vector(row["terms"])} for row in rows]
        connection.execute(sa.text(adding), rows)


def _batches(
    connection: sa.Connection, number: sa.ColumnElement[int], *columns: Any
) -> Iterator[list[Any]]:
    query = sa.select(number, *columns).order_by(number).limit(_AT_ONCE)
    last = 0
    while rows := list(connection.execute(query.where(number > last))):
        yield rows
        last = rows[-1][0]
