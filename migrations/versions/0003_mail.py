"""Replies to messages, pauses, bounces, and that a database was restored."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("message", sa.Column("reply", sa.String(), nullable=False, server_default=""))
    op.create_index(op.f("ix_message_sent_at"), "message", ["sent_at"])
    op.create_table(
        "pause",
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("since", UTC, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("profile", "address", name=op.f("pk_pause")),
    )
    op.create_table(
        "bounce",
        sa.Column("report", sa.String(), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("hard", sa.Boolean(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("report", name=op.f("pk_bounce")),
    )
    op.create_index(op.f("ix_bounce_profile"), "bounce", ["profile"])
    op.create_table(
        "restored",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("taken", UTC, nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("settled", UTC, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restored")),
    )


def downgrade() -> None:
    op.drop_table("restored")
    op.drop_table("bounce")
    op.drop_table("pause")
    op.execute("UPDATE message SET state = 'failed' WHERE state IN ('held', 'dropped')")
    with op.batch_alter_table("message") as message:
        message.drop_index(op.f("ix_message_sent_at"))
        message.drop_column("reply")
