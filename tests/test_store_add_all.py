"""Answers stored together leave the database that they leave one by one."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aggregator.model import Added, Batch, Entry
from aggregator.store import Answer, Store
from tests.stores import DAY, NOW, fresh_store, paper, rows

NAMES = [f"{sort}:{n}" for n in range(4) for sort in ("arxiv", "doi", "url:https://a.example/")]
_OF = "JOIN entry ON entry.id = entry_id"
CONTENT = (
    "SELECT key, kind, title, url, summary, authors, published, news_at, origin, origin_source FROM entry",
    f"SELECT key, name FROM alias {_OF}",
    f"SELECT key, source, sighting.kind, sighting.url, signals, first_seen, last_seen FROM sighting {_OF}",
    f"SELECT key, name FROM mention {_OF}",
    f"SELECT key, name FROM trait {_OF}",
    "SELECT * FROM source",
    "SELECT source, at, outcome, seen, new, text FROM visit",
    "SELECT * FROM day",
)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """One of a few works, under one or two of a few names; without a text, so that no two are one by likeness."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True))
    return paper(
        key=names[0],
        kind="video",
        aliases=tuple(names[1:]),
        title=f"Talk {draw(st.integers(0, 3))}",
        summary="",
        published=NOW - DAY * draw(st.integers(0, 40)),
        signals={"comments": draw(st.integers(0, 9))},
        mentions=tuple(draw(st.lists(st.sampled_from(NAMES), max_size=1))),
    )


@st.composite
def answers(draw: st.DrawFn) -> list[Answer]:
    """What five sources of three kinds answer."""
    return [
        Answer(
            f"s{place}",
            draw(st.sampled_from(["feed", "arxiv", "huggingface"])),
            Batch(
                entries=tuple(draw(st.lists(entries(), max_size=4))),
                cursor={"page": str(place)},
                missing=draw(st.sampled_from(["", "", "page 2: HTTP 500"])),
                days={NOW.date() - timedelta(days=n): n for n in range(draw(st.integers(0, 2)))},
                note=draw(st.sampled_from(["", "it moved"])),
            ),
            NOW + DAY,
        )
        for place in range(5)
    ]


def content(store: Store) -> list[list[tuple[object, ...]]]:
    """All that the tables say, but for the numbers of rows."""
    return [sorted(rows(store, question), key=repr) for question in CONTENT]


@settings(
    max_examples=12,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(before=answers(), after=answers())
def test_together_is_as_one_by_one(before: list[Answer], after: list[Answer], tmp_path: Path) -> None:
    found = []
    for size in (1, 2, 5):
        for file in tmp_path.glob("a.db*"):
            file.unlink()
        with fresh_store("sqlite", tmp_path) as store:
            brought: list[Added] = []
            for day, told in enumerate((before, after)):
                for begun in range(0, 5, size):
                    brought += store.add_all(told[begun : begun + size], now=NOW + DAY * day)
            found.append((brought, content(store), store.integrity()))
    assert found[0] == found[1] == found[2]


def test_nothing_is_stored_of_no_answers(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        assert store.add_all([], now=NOW) == []
        assert not any(content(store))


def test_one_text_on_two_sites_is_one_entry_when_told_together(tmp_path: Path) -> None:
    text = " ".join(f"word{n * n % 97}" for n in range(80))
    told = [
        Answer(name, "feed", Batch(entries=(post(name, text, published),), cursor={}), NOW + DAY)
        for name, published in (("blog", NOW - DAY), ("mirror", NOW - 2 * DAY))
    ]
    with fresh_store("sqlite", tmp_path) as store:
        assert store.add_all(told, now=NOW) == [Added(1, 1), Added(1, 0)]
        assert rows(store, "SELECT origin_source, url FROM entry") == [("blog", "https://blog.example/1")]
        assert rows(store, "SELECT entry_id, source, url FROM sighting ORDER BY id") == [
            (1, "blog", "https://blog.example/1"),
            (1, "mirror", "https://mirror.example/1"),
        ]


def post(site: str, text: str, published: datetime) -> Entry:
    """A post on a site."""
    url = f"https://{site}.example/1"
    title = "A streaming codec for full-duplex dialogue"
    return Entry(key=f"url:{url}", kind="post", title=title, url=url, published=published, summary=text)


AUTHORS = ("Ann Lee", "Bo Chen", "Cy Drew")
TITLE = "Neural codec models for very robust whisper speech"
WORDS = " ".join(f"word{n} alpha{n * 7} beta{n * 3}" for n in range(30))


@pytest.mark.parametrize(
    ("told", "works"),
    [
        ([("url:https://a.example/1", AUTHORS, ""), ("doi:10.1/1", AUTHORS, ""), ("doi:10.1/2", AUTHORS, "")], 2),
        (
            [
                ("url:https://a.example/1", AUTHORS, ""),
                ("url:https://b.example/1", AUTHORS, WORDS),
                ("url:https://c.example/1", (), WORDS),
            ],
            1,
        ),
    ],
)
def test_likeness_sees_all_that_was_told_before(
    told: list[tuple[str, tuple[str, ...], str]], works: int, tmp_path: Path
) -> None:
    answers = [
        Answer(f"s{place}", "feed", Batch(entries=(of(key, authors, summary),), cursor={}), NOW + DAY)
        for place, (key, authors, summary) in enumerate(told)
    ]
    found = []
    for size in (1, len(answers)):
        for file in tmp_path.glob("a.db*"):
            file.unlink()
        with fresh_store("sqlite", tmp_path) as store:
            for begun in range(0, len(answers), size):
                store.add_all(answers[begun : begun + size], now=NOW)
            assert rows(store, "SELECT count(*) FROM entry") == [(works,)]
            found.append(content(store))
    assert found[0] == found[1]


def of(key: str, authors: tuple[str, ...], summary: str) -> Entry:
    """An account of one paper."""
    return paper(key=key, title=TITLE, authors=authors, summary=summary, url="https://a.example/1")
