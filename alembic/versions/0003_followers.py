"""Who reads whom."""

import sqlalchemy as sa

from alembic import op
from microblog.models.base import UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "followers",
        sa.Column("follower_id", sa.Integer(), nullable=False),
        sa.Column("followed_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("follower_id", "followed_id", name="pk_followers"),
        sa.ForeignKeyConstraint(
            ["follower_id"], ["user.id"], name="fk_followers_follower_id_user", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["followed_id"], ["user.id"], name="fk_followers_followed_id_user", ondelete="CASCADE"
        ),
        sa.CheckConstraint("follower_id <> followed_id", name="ck_followers_not_oneself"),
    )
    op.create_index("ix_followers_followed_id", "followers", ["followed_id"])


def downgrade() -> None:
    op.drop_table("followers")
