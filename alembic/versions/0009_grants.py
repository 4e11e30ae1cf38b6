"""One-time permissions that travel in links."""

import sqlalchemy as sa

from alembic import op
from microblog.models.base import UTCDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("email", sa.String(120), nullable=True),
        sa.Column("nonce", sa.String(43), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_grant"),
        sa.UniqueConstraint("secret_hash", name="uq_grant_secret_hash"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_grant_user_id_user", ondelete="CASCADE"
        ),
        # A letter names its grant by id: a later grant must not get the same one.
        sqlite_autoincrement=True,
    )
    op.create_index("ix_grant_user_id_kind", "grant", ["user_id", "kind"])
    op.create_index("ix_grant_expires_at", "grant", ["expires_at"])


def downgrade() -> None:
    op.drop_table("grant")
