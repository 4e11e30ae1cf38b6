"""Accounts."""

import sqlalchemy as sa

from alembic import op
from microblog.models.base import UTCDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("username_key", sa.String(64), nullable=False),
        sa.Column("email", sa.String(120), nullable=False),
        sa.Column("email_key", sa.String(120), nullable=False),
        sa.Column("password_hash", sa.String(256), nullable=True),
        sa.Column("display_name", sa.String(64), nullable=False),
        sa.Column("about_me", sa.String(20_000), nullable=False),
        sa.Column("language", sa.String(16), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("last_seen_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("username_key", name="uq_user_username_key"),
        sa.UniqueConstraint("email_key", name="uq_user_email_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_user_username", "user", ["username"], unique=True)
    op.create_index("ix_user_email", "user", ["email"], unique=True)


def downgrade() -> None:
    op.drop_table("user")
