"""Five weeks of the small internet, played day by day; what an audit finds; one paper met at four places."""

import json
import re
from datetime import UTC, date, datetime, time, timedelta

import pytest

from tests.box import Box, Reader, needs_box

ANCHOR = date(2026, 10, 19)  # a Monday
DAYS = 35
OUTAGE = {ANCHOR + timedelta(days=16 + n) for n in range(3)}  # Wednesday to Friday of the third week
CONFIG = """
[[profile]]
name = "me"
email = "me@example.org"
interests = ["speech and audio"]
schedule = "weekly mon 08:00"
timezone = "UTC"
min_score = 0.0
max_entries = 200

[mail]
transport = "folder"
folder = "outbox"

[[source]]
kind = "arxiv"
name = "arxiv"

[[source]]
kind = "huggingface"
name = "huggingface"
"""

pytestmark = [needs_box, pytest.mark.slow, pytest.mark.timeout(3600)]


def at(day: date, hour: int = 6) -> datetime:
    return datetime.combine(day, time(hour), UTC)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """Every morning a visit at six, on Mondays the digest; three days without power."""
    folder = tmp_path_factory.mktemp("weeks")
    (folder / "config.toml").write_text(CONFIG)
    Reader(folder, at(ANCHOR), {}).run("migrate")
    for day in (ANCHOR + timedelta(days=n) for n in range(DAYS + 1)):
        if day in OUTAGE:
            continue
        with Box(day, anchor=ANCHOR) as box:
            # A weekday without papers is broken until three answers over six hours have said so.
            for hour in (6, 9, 13):
                reader = Reader(folder, at(day, hour), box.env)
                broken = reader.run("collect", code=None).returncode
                if day.weekday() == 0 and hour == 9:
                    reader.run("run", code=None)
                if not broken and (day.weekday() or hour > 6):
                    break
    return reader


def test_every_paper_listed_is_stored_once_and_shown_in_one_week(played: Reader) -> None:
    with Box(ANCHOR + timedelta(days=DAYS), anchor=ANCHOR) as box:
        known = [
            p for p in box.world().known() if p["listed"] >= ANCHOR and {"cs.SD", "eess.AS"} & set(p["categories"])
        ]
    listed = {f"arxiv:{p['id']}" for p in known}
    held = {f"arxiv:{p['id']}" for p in known if (p["listed"] - p["submitted"].date()).days > 3 and p["version"] == 1}
    assert len(listed) > 250
    assert held
    assert listed - played.keys() == set()
    rows = played.query("SELECT count(*), count(DISTINCT key), count(DISTINCT lower(title)) FROM entry")
    assert rows[0][0] == rows[0][1]
    picked = played.query("SELECT count(*) FROM pick GROUP BY entry_id")
    assert {count for (count,) in picked} == {1}
    told = "news_at > since AND news_at <= until AND added <= opened_at"  # there when its week was composed
    shown = played.query(f"SELECT key, count(*) FROM entry JOIN issue ON {told} GROUP BY key")
    assert {count for _, count in shown} == {1}
    # What came on the last Monday after the digest's moment waits for the next one; replacements are not news.
    last = max(until for (until,) in played.query("SELECT until FROM issue"))
    waiting = {key for (key,) in played.query(f"SELECT key FROM entry WHERE news_at > '{last}'")}
    news = {f"arxiv:{p['id']}" for p in known if p["version"] == 1}
    assert news - {key for key, _ in shown} - waiting == set()
    assert held <= {key for key, _ in shown} | waiting


def test_the_weeks_follow_one_another_without_gap_or_overlap(played: Reader) -> None:
    windows = played.query("SELECT since, until FROM issue ORDER BY until")
    assert len(windows) == 6
    assert [since for since, _ in windows[1:]] == [until for _, until in windows[:-1]]


def test_a_quiet_day_is_no_broken_one(played: Reader) -> None:
    assert {source["state"] for source in played.status()["sources"]} == {"ok"}
    days = json.loads(played.run("status", "--days", "40", "--json").stdout)["days"]
    arxiv = {day["day"]: day for day in days if day["source"] == "arxiv"}
    assert all(arxiv[str(ANCHOR + timedelta(days=n))]["complete"] for n in range(DAYS) if n not in (16, 17, 18))
    assert not any(str(day) in arxiv for day in OUTAGE)


def test_an_audit_finds_and_mends_what_was_deleted_by_hand(played: Reader) -> None:
    import sqlite3

    first, last = ANCHOR + timedelta(days=14), ANCHOR + timedelta(days=20)
    mine = f"published BETWEEN '{first}' AND '{last}' AND origin = 'arxiv'"
    keys = [key for (key,) in played.query(f"SELECT key FROM entry WHERE {mine} ORDER BY key LIMIT 5")]
    assert len(keys) == 5
    with sqlite3.connect(played.folder / "aggregator.db") as database:
        database.execute("PRAGMA foreign_keys=ON")
        database.executemany("DELETE FROM entry WHERE key = ?", [(key,) for key in keys])
    database.close()
    with Box(ANCHOR + timedelta(days=DAYS), anchor=ANCHOR) as box:
        reader = Reader(played.folder, at(ANCHOR + timedelta(days=DAYS), 10), box.env)
        window = ("--from", str(first), "--to", str(last), "--source", "arxiv")
        looked = json.loads(reader.run("audit", *window, "--dry-run", "--json").stdout)
        assert set(keys) <= {key for finding in looked for key in finding["missing"]}
        assert {finding["witness"] for finding in looked} == {"API", "OAI"}
        done = reader.run("audit", *window)
        assert all(f"mended: {key}" in done.stdout for key in keys)
        assert set(keys) <= reader.keys()
        again = json.loads(reader.run("audit", *window, "--json").stdout)
        assert not any(finding["missing"] for finding in again)
        assert re.search(r"audit: \d+ said, 0 missing, 0 mended", reader.run("audit", *window).stdout)
