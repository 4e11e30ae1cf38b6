"""Whether an address is confirmed, and in which time zone somebody lives."""

import sqlalchemy as sa

from alembic import op
from microblog.models.base import UTCDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Written out, as a batch could make the table anew on SQLite, and let numbers come back.
    op.add_column("user", sa.Column("confirmed_at", UTCDateTime(), nullable=True))
    op.add_column("user", sa.Column("time_zone", sa.String(64), nullable=True))
    # Nobody who was let in before is asked now.
    op.execute('UPDATE "user" SET confirmed_at = created_at')


def downgrade() -> None:
    for column in ("time_zone", "confirmed_at"):
        op.drop_column("user", column)
