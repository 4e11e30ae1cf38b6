"""Lists of posts by date, as posts may come back from an archive with the dates they had."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_post_user_id_id", "post")
    op.drop_index("ix_post_timestamp", "post")
    op.create_index("ix_post_user_id_timestamp_id", "post", ["user_id", "timestamp", "id"])
    op.create_index("ix_post_timestamp_id", "post", ["timestamp", "id"])


def downgrade() -> None:
    op.drop_index("ix_post_timestamp_id", "post")
    op.drop_index("ix_post_user_id_timestamp_id", "post")
    op.create_index("ix_post_timestamp", "post", ["timestamp"])
    op.create_index("ix_post_user_id_id", "post", ["user_id", "id"])
