"""Deadlines: lists and iCalendar, zones, days in words, recurring events, what is left out, what is hostile.

The real lists are those in ../shared/data/deadlines; the samples' formats are ccfddl's, ai-deadlines' and RFC 5545.
"""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from aggregator.errors import ParseError
from aggregator.model import Entry
from aggregator.sources.calendar import Calendar
from aggregator.sources.calendar.days import days_in
from aggregator.sources.calendar.zones import zone_of
from tests.fakes import fetcher_over, pages

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
URL = "https://dates.example.org/dates"
SHARED = Path(__file__).parent.parent.parent / "shared" / "data" / "deadlines"
LISTS = sorted(SHARED.glob("*/*.yml"))
SOURCE = Calendar(name="dates", url=URL)


def event(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT", ""])


def ical(*events: str, head: str = "") -> bytes:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{head}{''.join(events)}END:VCALENDAR\r\n".encode()


def one(written: str, zone: str) -> bytes:
    return f"""
- title: ICASSP
  year: 2027
  id: icassp27
  deadlines:
  - {{type: paper, label: Papers, date: '{written}', timezone: '{zone}'}}
""".encode()


def dues(entries: list[Entry]) -> list[str]:
    return [entry.due.isoformat() for entry in entries if entry.due]


@pytest.mark.parametrize(
    ("written", "zone", "due"),
    [
        ("2026-12-01 23:59:59", "AoE", "2026-12-02T11:59:59+00:00"),
        ("2026-12-01 23:59:59", "UTC-12", "2026-12-02T11:59:59+00:00"),
        ("2026-12-01 23:59:59", "Etc/GMT+12", "2026-12-02T11:59:59+00:00"),
        ("2026-12-01 23:59:59", "UTC+0", "2026-12-01T23:59:59+00:00"),
        ("2026-12-01 23:59:59", "UTC+9", "2026-12-01T14:59:59+00:00"),
        ("2026-12-01 12:00", "UTC+5:30", "2026-12-01T06:30:00+00:00"),
        ("2026-12-01 12:00", "GMT+02", "2026-12-01T10:00:00+00:00"),
        ("2026-12-01 12:00", "PST", "2026-12-01T20:00:00+00:00"),
        ("2027-06-01 12:00", "PST", "2027-06-01T19:00:00+00:00"),
        ("2027-06-01 12:00", "Europe/Paris", "2027-06-01T10:00:00+00:00"),
        ("2026-12-01", "AoE", "2026-12-02T11:59:59+00:00"),
        ("2026/12/01 12:00", "", "2026-12-02T00:00:00+00:00"),
        ("2026-12-01T12:00:00Z", "AoE", "2026-12-01T12:00:00+00:00"),
    ],
)
def test_the_moment_is_exact(written: str, zone: str, due: str) -> None:
    assert dues(SOURCE.parse(one(written, zone), NOW)) == [due]


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "IST", "UTC+15", "UTC-13", "", "../../etc/passwd", "America", "a" * 999]
)
def test_a_zone_that_is_not_known_is_none(name: str) -> None:
    assert zone_of(name) is None


def test_a_zone_may_have_a_path_before_it() -> None:
    assert str(zone_of("/example.org/20260101_1/Europe/Berlin")) == "Europe/Berlin"


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("September 18-22, 2022", ("2022-09-18", "2022-09-22")),
        ("September 27 - October 1, 2026", ("2026-09-27", "2026-10-01")),
        ("April 29-May 4, 2025", ("2025-04-29", "2025-05-04")),
        ("December 9-December 15, 2024", ("2024-12-09", "2024-12-15")),
        ("December 30 – January 2, 2027", ("2026-12-30", "2027-01-02")),
        ("Dec. 30th, 2026 to Jan. 2nd, 2027", ("2026-12-30", "2027-01-02")),
        ("May 01-05, 2023", ("2023-05-01", "2023-05-05")),
        ("3-5 Sept 2026", ("2026-09-03", "2026-09-05")),
        ("December 6, 2026", ("2026-12-06", "2026-12-06")),
    ],
)
def test_days_in_words(words: str, days: tuple[str, str]) -> None:
    assert days_in(words) == tuple(date.fromisoformat(day) for day in days)


@pytest.mark.parametrize(
    "words", ["", "TBD", "Summer 2026", "May 2026", "February 30, 2026", "May 5-3, 2026", "May 1-5", "Mayor 1, 2026"]
)
def test_days_that_are_none(words: str) -> None:
    assert days_in(words) is None


@pytest.mark.skipif(not LISTS, reason="the lists of ../shared are not here")
def test_every_date_of_the_real_lists_is_read() -> None:
    from aggregator.sources.calendar.lists import read_list

    early = datetime(2022, 1, 1, tzinfo=UTC)
    for path in LISTS:
        reading = read_list(path.read_bytes(), None, early)
        written = path.read_text("utf-8")
        dates = written.count("deadline: '20") + written.count("    date: '20")
        wrong = {"icassp.yml": 1} if path.parent.name == "huggingface" else {}  # one lies after its conference
        deadlines = [event for event in reading.events if event.type not in ("start", "end")]
        assert len(reading.troubles) == wrong.get(path.name, 0), reading.troubles
        assert len(deadlines) + len(reading.troubles) >= dates, path
        assert len({event.ident for event in reading.events}) == len(reading.events)
        assert sum(event.type == "start" for event in reading.events) >= 1


@pytest.mark.skipif(not LISTS, reason="the lists of ../shared are not here")
def test_a_real_list_says_when_interspeech_was_due() -> None:
    body = (SHARED / "huggingface" / "interspeech.yml").read_bytes()
    first, *_ = Calendar(name="ai", url=URL, types=("submission",)).parse(body, NOW)
    assert first.key == "id:ai:interspeech2026:2026:submission"
    assert first.title == "Interspeech 2026: paper submission deadline"
    assert first.due == datetime(2026, 2, 26, 11, 59, 59, tzinfo=UTC)
    assert "Sydney, Australia" in first.summary
    assert (first.kind, first.news, first.signals["zone"]) == ("event", False, "AoE")


def test_a_changed_date_is_the_same_entry_and_nothing_depends_on_when_it_is_read() -> None:
    (before,), (after,) = (SOURCE.parse(one(day, "AoE"), NOW) for day in ("2026-12-01", "2026-12-08"))
    assert before.key == after.key
    assert before.due != after.due
    assert SOURCE.parse(one("2026-12-01", "AoE"), NOW + timedelta(days=30)) == [before]


def test_what_is_long_past_or_far_ahead_or_open_is_left_out() -> None:
    for written in ("2025-10-01", "2029-01-01", "TBD", "tba", ""):
        assert SOURCE.parse(one(written, "AoE"), NOW) == []


def test_a_name_is_a_whole_word() -> None:
    body = one("2026-12-01", "AoE").replace(b"ICASSP", b"NAACL")
    assert Calendar(name="d", url=URL, conferences=("naacl",)).parse(body, NOW)
    assert not Calendar(name="d", url=URL, conferences=("ACL",)).parse(body, NOW)


def test_a_visit_tells_what_matches_nothing_and_goes_on_telling_it(tmp_path: Path) -> None:
    body = one("2026-12-01", "AoE") + one("2026-12-01", "Mars/Olympus").replace(b"icassp27", b"other27")
    answers = [httpx.Response(200, headers={"etag": '"1"', "cache-control": "max-age=60"}, content=body), 304]
    source = Calendar(name="d", url=URL, conferences=("ICASSP", "Interspech"), types=("paper",))
    network = pages({URL: [answers[0], answers[1]]})  # type: ignore[list-item]
    with fetcher_over(network, tmp_path) as fetcher:
        first = source.visit(fetcher, None, NOW)
        again = source.visit(fetcher, first.cursor, NOW + timedelta(days=1))
    assert first.note.startswith(
        "no event is named 'Interspech'; no event is of the type 'paper'; 1 left out: ICASSP 2027"
    )
    assert "Mars/Olympus" in first.note
    assert first.fresh_for == timedelta(seconds=60)
    assert again.unchanged
    assert again.note == first.note
    assert again.cursor == first.cursor
    assert network.requests[1].headers["if-none-match"] == '"1"'


def test_a_calendar_is_read_whole_again_after_three_months(tmp_path: Path) -> None:
    answer = httpx.Response(200, headers={"etag": '"1"'}, content=one("2026-12-01", "AoE"))
    network = pages({URL: answer})
    with fetcher_over(network, tmp_path) as fetcher:
        first = SOURCE.visit(fetcher, None, NOW)
        SOURCE.visit(fetcher, first.cursor, NOW + timedelta(days=91))
    assert "if-none-match" not in network.requests[1].headers


def test_a_calendar_that_breaks_off_is_kept_so_far_and_asked_for_whole(tmp_path: Path) -> None:
    body = ical(event("UID:1", "DTSTART:20270101T120000Z", "SUMMARY:One")).replace(b"END:VCALENDAR", b"BEGIN:VEV")
    network = pages({URL: httpx.Response(200, headers={"etag": '"1"'}, content=body)})
    with fetcher_over(network, tmp_path) as fetcher:
        batch = SOURCE.visit(fetcher, None, NOW)
    assert [entry.title for entry in batch.entries] == ["One"]
    assert batch.missing == "the calendar breaks off"
    assert batch.cursor == {"url": URL}


def test_recurring_events_end_after_eighteen_months_and_a_hundred() -> None:
    weekly = SOURCE.parse(ical(event("UID:1", "DTSTART:20200106T120000Z", "RRULE:FREQ=WEEKLY", "SUMMARY:W")), NOW)
    assert len(weekly) == 78
    assert weekly[-1].due is not None
    assert NOW + timedelta(days=500) < weekly[-1].due < NOW + timedelta(days=548)
    daily = SOURCE.parse(ical(event("UID:1", "DTSTART:20200106T120000Z", "RRULE:FREQ=DAILY", "SUMMARY:D")), NOW)
    assert len(daily) == 100


def test_a_recurring_event_keeps_its_wall_time_over_summer_time() -> None:
    body = ical(event("UID:1", "DTSTART;TZID=Europe/Berlin:20270327T180000", "RRULE:FREQ=DAILY;COUNT=2", "SUMMARY:D"))
    assert dues(SOURCE.parse(body, NOW)) == ["2027-03-27T17:00:00+00:00", "2027-03-28T16:00:00+00:00"]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=HOURLY;COUNT=5",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        "FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=1,2,3",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYDAY=9MO",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-366",
        "FREQ=NEVER",
        "BYDAY=MO",
    ],
)
def test_a_rule_that_might_never_come_true_is_not_followed(rule: str, tmp_path: Path) -> None:
    body = ical(event("UID:1", "DTSTART:20200101T120000Z", f"RRULE:{rule}", "SUMMARY:Often"))
    begun = time.process_time()
    with fetcher_over(pages({URL: body}), tmp_path) as fetcher:
        batch = SOURCE.visit(fetcher, None, NOW)
    assert batch.entries == ()
    assert batch.note.startswith("1 left out: ")
    assert time.process_time() - begun < 2


def test_a_broken_event_spoils_no_other() -> None:
    good = event("UID:1", "DTSTART:20270101T120000Z", "SUMMARY:Good")
    bad = [
        event("UID:2", "DTSTART:20279999T120000Z", "SUMMARY:No date"),
        event("UID:3", "SUMMARY:No beginning"),
        event("UID:4", "DTSTART:20270101T120000Z", "DTSTART:20270101T120000Z", "SUMMARY:Two beginnings"),
        event("UID:5", "DTSTART;TZID=Mars/Olympus:20270101T120000", "SUMMARY:No zone"),
        event("UID:6", "\x01\x02", "DTSTART;;;:", ":::"),
        event("UID:7", "DTSTART:20270101T120000Z"),
        event("UID:8", "RECURRENCE-ID:garbage", "DTSTART:20270101T120000Z", "SUMMARY:x", "SEQUENCE:x"),
    ]
    assert [entry.title for entry in SOURCE.parse(ical(*bad, good), NOW)] == ["Good"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"- x\n" * 150_000,
        b"[" * 100_000,
        b"- " * 100_000 + b"x",
        b"{a: " * 100_000,
        b"- &a x\n- *a\n",
        b"- !!python/object/apply:os.system [ls]\n",
        b"- title: \x00\n",
        b"- {[a]: b}\n",
        b"- {title: a}\n---\n- {title: b}\n",
        b"- title: a\n  confs: 5\n",
        "- title: ä\n".encode("latin-1"),
        b"<html>",
        b"BEGIN:VCALENDAR\n" + b"BEGIN:VEVENT\nEND:VEVENT\n" * 6000 + b"END:VCALENDAR\n",
    ],
    ids=range(15),
)
def test_what_is_no_calendar_is_an_error_and_cheap(body: bytes) -> None:
    begun = time.process_time()
    with pytest.raises(ParseError):
        SOURCE.parse(body, NOW)
    assert time.process_time() - begun < 2


def test_a_calendar_of_thousands_of_recurring_events_is_cheap_and_bounded() -> None:
    body = ical(*(event(f"UID:{n}", "DTSTART:19700101T120000Z", "RRULE:FREQ=DAILY", "SUMMARY:x") for n in range(2000)))
    begun = time.process_time()
    assert len(SOURCE.parse(body, NOW)) <= 2000
    assert time.process_time() - begun < 8


def test_an_empty_calendar_is_no_error() -> None:
    assert SOURCE.parse(ical(), NOW) == []


def test_options_are_checked() -> None:
    for options in (
        {},
        {"url": "file:///etc/passwd"},
        {"url": URL, "format": "xls"},
        {"url": URL, "conferences": ["  "]},
        {"url": URL, "types": [""]},
    ):
        with pytest.raises(ValidationError):
            Calendar(name="x", **options)
    with pytest.raises(ParseError, match="does not begin with BEGIN:VCALENDAR"):
        Calendar(name="x", url=URL, format="ical").parse(one("2026-12-01", "AoE"), NOW)
