"""_sane: what every kind makes of a title, a moment and a number before it believes them."""

from datetime import UTC, datetime

from aggregator import text

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_MAX_TITLE = 500
_MAX_COUNT = 2**53


def title_of(title: str, summary: str) -> str:
    """The title on one line; without one, the first words of the summary; "" if there are no words at all."""
    return text.cut(text.fold(title), _MAX_TITLE) or text.cut(text.fold(summary), 80)


def moment(value: datetime | None, now: datetime) -> datetime:
    """The moment in UTC; `now` if there is none, or if it lies before 1990 or in the future."""
    if value is None:
        return now
    try:
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:  # the year 1 or 9999 and an offset
        return now
    return value if _EARLIEST <= value <= now else now


def parsed(value: object) -> datetime | None:
    """The moment written in ISO 8601 (RFC 3339), or None."""
    try:
        return datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        return None


def count(value: object) -> int | None:
    """The number if it is a whole one, not negative, and one that JSON and databases can hold; else None."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_COUNT:
        return None
    return value
