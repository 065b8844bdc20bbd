"""Mentions and traits of entries, what an event is due, days of sources, and sources that are gone."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("entry", sa.Column("due", UTC, nullable=True))
    op.create_index(op.f("ix_entry_due"), "entry", ["due"])
    op.add_column("source", sa.Column("failing_since", UTC, nullable=True))
    op.add_column("source", sa.Column("gone", sa.String(), nullable=False, server_default=""))
    op.add_column("source", sa.Column("note", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "day",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("asked", UTC, nullable=False),
        sa.Column("answered", UTC, nullable=True),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("source", "day", name=op.f("pk_day")),
    )
    for name in ("mention", "trait"):
        op.create_table(
            name,
            sa.Column("entry_id", sa.Integer(), nullable=False),
            sa.Column("name", sa.String(), nullable=False),
            sa.ForeignKeyConstraint(
                ["entry_id"], ["entry.id"], name=op.f(f"fk_{name}_entry_id_entry"), ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint("entry_id", "name", name=op.f(f"pk_{name}")),
        )
        op.create_index(op.f(f"ix_{name}_name"), name, ["name"])


def downgrade() -> None:
    op.drop_table("trait")
    op.drop_table("mention")
    op.drop_table("day")
    with op.batch_alter_table("source") as source:
        source.drop_column("note")
        source.drop_column("gone")
        source.drop_column("failing_since")
    with op.batch_alter_table("entry") as entry:
        entry.drop_index(op.f("ix_entry_due"))
        entry.drop_column("due")
