"""Promised work, and the archives that some of it makes."""

import sqlalchemy as sa

from alembic import op
from microblog.models.base import UTCDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TO_DO = sa.text("state IN ('waiting', 'running')")


def upgrade() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("subject_id", sa.Integer(), nullable=True),
        sa.Column("slot", sa.String(128), nullable=True),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("cursor", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("finished_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_task_user_id_user", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_task"),
        sa.UniqueConstraint("slot", name="uq_task_slot"),
    )
    op.create_index(
        "ix_task_to_do", "task", ["name", "due_at"], sqlite_where=_TO_DO, postgresql_where=_TO_DO
    )
    op.create_index("ix_task_user_id_created_at", "task", ["user_id", "created_at"])
    op.create_index("ix_task_name_subject_id", "task", ["name", "subject_id"])
    op.create_index("ix_task_finished_at", "task", ["finished_at"])
    op.create_table(
        "archive",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_archive_user_id_user", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_archive"),
        sa.UniqueConstraint("name", name="uq_archive_name"),
        sa.UniqueConstraint("task_id", name="uq_archive_task_id"),
    )
    op.create_index("ix_archive_user_id", "archive", ["user_id"])
    op.create_index("ix_archive_expires_at", "archive", ["expires_at"])


def downgrade() -> None:
    op.drop_table("archive")
    op.drop_table("task")
