"""render: words, dates in the reader's language, and lines of 72 columns in every script."""

import unicodedata
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.render.columns import columns, wrap
from aggregator.render.words import days, joined, label, locale, moment, several, short_day, shortened, span

ENGLISH = locale("en")
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("period", "name", "usual", "longer"),
    [
        ("2026-W47", "week 47", "this week", "in 14 days"),
        ("2026-W48", "week 47", "this week", "in 14 days"),
        ("2026-W47-2026-11-20", "week 47", "this week", "in 14 days"),
        ("2026-11-21", "Saturday", "today", "in 3 days"),
        ("2026-11-21T0730", "Saturday", "today", "in 3 days"),
        ("2026-11", "November 2026", "this month", "in 61 days"),
        ("2026-12", "November 2026", "in November", "in 61 days"),
        ("2026-11-2026-11-20", "November 2026", "this month", "in 61 days"),
        ("manual-20261121T040000Z", "extra issue", "", ""),
        ("preview-2026-11-21", "preview", "", ""),
        ("something else", "", "", ""),
    ],
)
def test_periods(period: str, name: str, usual: str, longer: str) -> None:
    until = datetime(2026, 12, 1, 7, tzinfo=UTC) if period == "2026-12" else datetime(2026, 11, 22, 7, tzinfo=UTC)
    window = {"this week": 7, "this month": 22, "in November": 30}.get(usual, 1)
    assert label(period, until - window * DAY, until, UTC, ENGLISH) == name
    assert span(period, until - window * DAY, until, UTC) == usual
    long = {7: 14, 22: 61, 30: 61}.get(window, 3) * DAY
    assert span(period, until - long, until, UTC) == longer
    if window > 1:
        assert label(period, until - long, until, UTC, ENGLISH) == ""


def test_windows_in_words() -> None:
    at = [datetime(2026, 11, 14, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC), datetime(2027, 1, 2, 1, tzinfo=UTC)]
    assert days(at[0], at[1], UTC, ENGLISH) == "14–20 Nov"
    assert days(at[0], at[0], UTC, ENGLISH) == "14 November"
    assert days(datetime(2026, 10, 30, tzinfo=UTC), at[0], UTC, ENGLISH) == "30 Oct – 13 Nov"
    assert days(at[1], at[2], UTC, ENGLISH) == "21 Nov 2026 – 2 Jan 2027"


@pytest.mark.parametrize(
    ("tag", "window", "day", "long"),
    [
        ("en", "14–20 Nov", "Sat 14 Nov", "Saturday 14 November 2026, 08:30"),
        ("en-US", "Nov 14 – 20", "Sat, Nov 14", "Saturday, November 14, 2026, 08:30"),
        ("de", "14.–20. Nov.", "Sa., 14. Nov.", "Samstag, 14. November 2026, 08:30"),
        ("fr", "14–20 nov.", "sam. 14 nov.", "samedi 14 novembre 2026, 08:30"),
        ("ja", "11月14日～20日", "11月14日(土)", "2026年11月14日土曜日, 08:30"),  # noqa: RUF001
        ("zh-Hant-TW", "11月14日至20日", "11月14日 週六", "2026年11月14日 星期六, 08:30"),
        ("ar", "14–20 نوفمبر", "السبت، 14 نوفمبر", "السبت، 14 نوفمبر 2026, 08:30"),
        ("xx", "14–20 Nov", "Sat 14 Nov", "Saturday 14 November 2026, 08:30"),
        ("tlh-Latn-x-warrior", "14–20 Nov", "Sat 14 Nov", "Saturday 14 November 2026, 08:30"),
    ],
)
def test_dates_in_the_readers_language(tag: str, window: str, day: str, long: str) -> None:
    tongue, at = locale(tag), datetime(2026, 11, 14, 8, 30, tzinfo=UTC)
    assert days(at, at + 6 * DAY, UTC, tongue) == window
    assert short_day(date(2026, 11, 14), tongue) == day
    assert moment(at, UTC, tongue) == long


def test_lists_in_words() -> None:
    assert [joined([]), joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert [several(list("abc"), 2), several(list("abcd"), 2)] == ["a, b, c", "a, b and 2 more"]


@pytest.mark.parametrize(
    ("phrase", "title"),
    [
        ("streaming speech recognition", "Streaming speech recognition"),
        ("neural audio codecs and speech tokens for language models", "Neural audio codecs and speech tokens"),
        ("models, that run on a telephone without any network at all", "Models, that run on a telephone"),
        ("word " * 20, "Word word word word word word word word word word…"),
        ("eBay", "eBay"),
        ("面向低资源语言的流式语音识别", "面向低资源语言的流式语音识别"),
    ],
)
def test_an_interest_as_a_title(phrase: str, title: str) -> None:
    assert shortened(phrase, 52) == title


def test_wrap() -> None:
    assert wrap("one two three", width=9) == "one two\nthree"
    assert wrap("one two", indent=4, lead="1.", width=8) == "1.  one\n    two"
    assert wrap("面向低资源语言\uff0c的", width=6) == "面向低\n资源语\n言\uff0c的"
    assert wrap("资源语\uff0c的", width=6) == "资源\n语\uff0c的"
    assert wrap("abcdefghij", width=4) == "abcd\nefgh\nij"
    assert wrap("  ") == ""


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("「引用」です", 4, ["「引", "用」", "です"]),  # no line ends with an opening bracket
        ("データ", 4, ["デー", "タ"]),  # none begins with a long vowel
        ("ab👩\u200d🔬cd", 6, ["ab👩\u200d🔬", "cd"]),  # a picture joined of two
        ("🇩🇪🇫🇷 🇯🇵", 4, ["🇩🇪🇫🇷", "🇯🇵"]),
        ("e\u0301" * 5, 3, ["e\u0301" * 3, "e\u0301" * 2]),
        ("한국어 음성", 6, ["한국어", "음성"]),
        ("בינה מלאכותית", 8, ["בינה", "מלאכותית"]),
        ("หน้าที่", 9, ["หน้าที่"]),
    ],
)
def test_scripts_are_parted_where_they_may_be(text: str, width: int, lines: list[str]) -> None:
    assert wrap(text, width=width).split("\n") == lines


def test_columns() -> None:
    words = {
        "abc": 3,
        "é": 1,
        "e\u0301": 1,
        "语音": 4,
        "ｶﾅ": 2,
        "\uff21\uff22": 4,
        "🎙": 1,
        "🎼": 2,
        "\u1112\u1161\u11ab": 2,
        "שָׁלוֹם": 4,
    }
    assert {word: columns(word) for word in words} == words


@given(st.text(max_size=200), st.integers(4, 40))
def test_lines_are_never_too_wide_and_nothing_is_lost(text: str, width: int) -> None:
    lines = wrap(text, width=width).split("\n")
    assert all(columns(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert not any(unicodedata.category(line[0]) in ("Mn", "Me") for line in lines[1:])
