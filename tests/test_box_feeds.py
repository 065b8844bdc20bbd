"""The real feeds of the small internet: Reddit, releases, podcasts, RDF, Latin-1, broken, moved, gone, private."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.box import Box, Reader, needs_box

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
ODD = "https://feeds.example.org/"
FEEDS = {
    "r-ml": 'reddit = "r/MachineLearning"',
    "gulp": 'github = "gulpjs/gulp"',
    "nightvale": 'url = "https://feeds.megaphone.fm/MLN2155636147"',
    "practical-ai": 'url = "https://feeds.transistor.fm/practical-ai-machine-learning-data-science-llm"',
    "hf-videos": 'youtube = "UCHlNU7kIZhRgSbhHvFoy72w"',
    "assemblyai-videos": 'youtube = "UCtatfZMf-8EkIwASXM4ts0A"',
    "import-ai": 'substack = "importai"',
    "rdf": f'url = "{ODD}rdf.xml"',
    "rss092": f'url = "{ODD}rss092.xml"',
    "latin1": f'url = "{ODD}latin1.rss"',
    "cyrillic": f'url = "{ODD}cyrillic.xml"',
    "urdu": f'url = "{ODD}urdu.xml"',
    "json": f'url = "{ODD}feed.json"',
    "alerts": f'url = "{ODD}alerts.atom"',
    "many-links": f'url = "{ODD}many-links.xml"',
    "broken": f'url = "{ODD}broken.xml"',
    "moved": f'url = "{ODD}moved.xml"',
    "gone": f'url = "{ODD}gone.xml"',
    "private": f'url = "{ODD}private.xml"',
}
BAD = {"broken": "failed", "gone": "gone", "private": "failed"}

pytestmark = [needs_box, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sources = "".join(f'[[source]]\nkind = "feed"\nname = "{name}"\n{options}\n\n' for name, options in FEEDS.items())
    profile = '[[profile]]\nname = "me"\nemail = "me@example.org"\ninterests = ["speech"]\n\n'
    (tmp_path / "config.toml").write_text(profile + sources)
    return tmp_path


def test_each_is_handled_as_the_facts_say(folder: Path) -> None:
    with Box(NOW.date()) as box:
        reader = Reader(folder, NOW, box.env)
        reader.run("migrate")
        done = reader.run("collect", code=1)
        states = {s["name"]: s for s in reader.status(code=1)["sources"]}
        asked = {(r["host"], r["path"], r["query"]) for r in box.requests()}
    told_by_another = {"moved": "quiet"}  # it leads to the feed that the source rdf has told already
    assert {name: s["state"] for name, s in states.items() if s["state"] != "ok"} == BAD | told_by_another
    assert all(states[name]["entries"] for name in FEEDS if name not in BAD)
    for name, word in (("broken", "no feed"), ("gone", "gone for good"), ("private", "169.254.169.254")):
        assert sum(line.startswith(f"aggregator: source {name}:") for line in done.stderr.splitlines()) == 1
        assert word in states[name]["trouble"]
    assert not any(host == "169.254.169.254" for host, _, _ in asked)
    assert ("www.reddit.com", "/r/MachineLearning/top/.rss", "t=week") in asked
    seen = "FROM sighting JOIN entry ON entry.id = entry_id GROUP BY 1"
    kinds = dict(reader.query(f"SELECT source, min(entry.kind) {seen}"))
    expected = {"r-ml": "thread", "gulp": "release", "nightvale": "episode", "hf-videos": "video", "rdf": "post"}
    assert {name: kinds[name] for name in expected} == expected
    texts = dict(reader.query(f"SELECT source, group_concat(title) {seen}"))
    assert "\ufffd" not in "".join(texts.values())
    assert any("\u0430" <= letter <= "\u044f" for letter in texts["cyrillic"])
    assert any("\u0600" <= letter <= "\u06ff" for letter in texts["urdu"])


def test_a_feed_that_moved_is_adopted_after_a_week_and_one_that_is_gone_is_not_asked_again(folder: Path) -> None:
    for days in (0, 3, 8, 9):
        now = NOW + timedelta(days=days)
        with Box(now.date(), anchor=NOW.date()) as box:
            reader = Reader(folder, now, box.env)
            reader.run("migrate")
            reader.run("collect", code=1)
            asked = [r["path"] for r in box.requests() if r["host"] == "feeds.example.org"]
        assert ("/gone.xml" in asked) == (days == 0)
        assert ("/moved.xml" in asked) == (days < 9)
    (moved,) = [s for s in reader.status(code=1)["sources"] if s["name"] == "moved"]
    assert f"{ODD}rdf.xml" in moved["note"]
    assert reader.query("SELECT count(*) - count(DISTINCT key) FROM entry") == [(0,)]
