"""Whether an address is confirmed, and in which time zone somebody lives."""

import sqlalchemy as sa

from alembic import op
from microblog.models.base import UTCDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("user") as table:
        table.add_column(sa.Column("confirmed_at", UTCDateTime(), nullable=True))
        table.add_column(sa.Column("time_zone", sa.String(64), nullable=True))
    # Nobody who was let in before is asked now.
    op.execute('UPDATE "user" SET confirmed_at = created_at')


def downgrade() -> None:
    with op.batch_alter_table("user") as table:
        table.drop_column("time_zone")
        table.drop_column("confirmed_at")
