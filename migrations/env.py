"""env: runs the migrations on the connection, and inside the transaction, that `aggregator.store` hands over."""

from alembic import context

from aggregator import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    render_as_batch=True,  # SQLite can alter a table only by building it anew
)
with context.begin_transaction():
    context.run_migrations()
