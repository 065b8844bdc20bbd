"""The shape of the database."""

from datetime import datetime

import pytest
from sqlalchemy import ForeignKeyConstraint, create_engine
from sqlalchemy.exc import StatementError
from sqlmodel import Session

from aggregator import tables
from tests.stores import NOW


def test_every_constraint_and_index_has_a_name() -> None:
    for table in tables.metadata.sorted_tables:
        names = [part.name for part in table.constraints] + [part.name for part in table.indexes]
        assert all(names), f"{table.name}: {names}"


def test_what_belongs_to_a_row_goes_with_it() -> None:
    for table in tables.metadata.sorted_tables:
        for constraint in table.constraints:
            if isinstance(constraint, ForeignKeyConstraint):
                assert constraint.ondelete == "CASCADE", constraint.name


def test_entry_is_the_table_and_key_the_column_that_others_read() -> None:
    assert "key" in tables.metadata.tables["entry"].columns


def test_a_time_without_zone_is_refused() -> None:
    engine = create_engine("sqlite://")
    tables.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(tables.Host(name="example.org", hold_until=datetime(2026, 11, 21)))  # noqa: DTZ001 - the point
        with pytest.raises(StatementError, match="timezone"):
            session.commit()
    engine.dispose()


def test_times_come_back_in_utc() -> None:
    engine = create_engine("sqlite://")
    tables.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(tables.Host(name="example.org", hold_until=NOW))
        session.commit()
        session.expire_all()
        assert session.get_one(tables.Host, "example.org").hold_until == NOW
    engine.dispose()
