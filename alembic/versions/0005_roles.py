"""Operators, and accounts that are kept out."""

import sqlalchemy as sa

from alembic import op
from microblog.models.base import UTCDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operator",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_operator"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_operator_user_id_user", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "ban",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_ban"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_ban_user_id_user", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    op.drop_table("ban")
    op.drop_table("operator")
