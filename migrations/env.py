"""env: runs the migrations on the connection, and inside the transaction, that `aggregator.store` hands over."""

from typing import Any

from alembic import context
from sqlalchemy import Connection

from aggregator import tables

_CONNECTION: Connection = context.config.attributes["connection"]
_TRIGGERS = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'entry'"


def _triggers() -> dict[str, str]:
    rows = _CONNECTION.exec_driver_sql(_TRIGGERS) if _CONNECTION.dialect.name == "sqlite" else ()
    return dict(tuple(row) for row in rows)


def _keep_triggers(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:  # noqa: ARG001 - called with these names
    """Put back the triggers that went with the old table of entries when it was built anew; the index follows it."""
    now = _triggers()
    lost = {name: sql for name, sql in _known.items() if name not in now} if step.is_upgrade else {}
    for sql in lost.values():
        _CONNECTION.exec_driver_sql(sql)
    if lost:
        _CONNECTION.exec_driver_sql("INSERT INTO entry_words(entry_words) VALUES ('rebuild')")
    _known.clear()
    _known.update(now | lost)


_known = _triggers()

context.configure(
    connection=_CONNECTION,
    target_metadata=tables.metadata,
    include_name=tables.described,
    on_version_apply=_keep_triggers,
    render_as_batch=True,  # SQLite can alter a table only by building it anew
)
with context.begin_transaction():
    context.run_migrations()
