"""What people read and write in, translations that are kept, and what they have cost."""

import sqlalchemy as sa

from alembic import op
from microblog.models.base import UTCDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "post_translation",
        sa.Column("post_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("ticket", sa.String(32), nullable=False),
        sa.Column("asked_until", sa.Double(), nullable=False),
        sa.Column("is_announced", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["post_id"], ["post.id"], name="fk_post_translation_post_id_post", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("post_id", "language", name="pk_post_translation"),
    )
    op.create_table(
        "translation_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("characters", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_translation_day"),
    )
    op.add_column("user", sa.Column("reads", sa.String(200), server_default="", nullable=False))
    op.add_column("user", sa.Column("writes", sa.String(16), nullable=True))
    # Written out, as a batch would make the table anew on SQLite, and let numbers come back.
    no = sa.text("false")
    op.add_column(
        "user", sa.Column("translates_live", sa.Boolean(), server_default=no, nullable=False)
    )


def downgrade() -> None:
    for column in ("translates_live", "writes", "reads"):
        op.drop_column("user", column)
    op.drop_table("translation_day")
    op.drop_table("post_translation")
