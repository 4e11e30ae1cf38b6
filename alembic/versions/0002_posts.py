"""Posts, and what they said before an edit."""

import sqlalchemy as sa

from alembic import op
from microblog.models.base import UTCDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "post",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("language", sa.String(16), nullable=True),
        sa.Column("timestamp", UTCDateTime(), nullable=False),
        sa.Column("edited_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_post"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_post_user_id_user", ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_post_timestamp", "post", ["timestamp"])
    op.create_index("ix_post_user_id_id", "post", ["user_id", "id"])
    op.create_table(
        "post_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("written_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_post_version"),
        sa.ForeignKeyConstraint(
            ["post_id"], ["post.id"], name="fk_post_version_post_id_post", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_post_version_post_id", "post_version", ["post_id"])


def downgrade() -> None:
    op.drop_table("post_version")
    op.drop_table("post")
