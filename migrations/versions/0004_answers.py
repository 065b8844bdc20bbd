"""What readers say of the works they were shown."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answer",
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_answer_entry_id_entry"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("profile", "entry_id", name=op.f("pk_answer")),
    )
    op.create_index(op.f("ix_answer_entry_id"), "answer", ["entry_id"])


def downgrade() -> None:
    op.drop_table("answer")
