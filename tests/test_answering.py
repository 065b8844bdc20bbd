"""A reader's answer finds its work, however the work is named."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.answering import entry_of, note, take_back
from aggregator.errors import InputError
from aggregator.store import Store
from tests.stores import DAY, NOW, add, candidates, digest, embed, fresh_store, paper

KEY = "arxiv:2611.00001"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fresh_store("sqlite", tmp_path) as opened:
        add(opened, paper(1, aliases=("doi:10.1000/abc",)), paper(2))
        post = paper(
            "p", key="id:blog:7", kind="post", url="https://blog.example.org/a-post?utm_source=x", title="Post"
        )
        add(opened, post, source="blog", kind="feed")
        yield opened


@pytest.mark.parametrize(
    ("name", "key"),
    [
        (KEY, KEY),
        (" 2611.00001v3 ", KEY),
        ("arXiv:2611.00001", KEY),
        ("https://arxiv.org/pdf/2611.00001v2", KEY),
        ("https://huggingface.co/papers/2611.00001", KEY),
        ("10.48550/arXiv.2611.00001", KEY),
        ("10.1000/ABC", KEY),
        ("doi:10.1000/abc", KEY),
        ("https://doi.org/10.1000/abc", KEY),
        ("id:blog:7", "id:blog:7"),
        ("https://blog.example.org/a-post?utm_source=x", "id:blog:7"),
    ],
)
def test_every_name_leads_to_the_work(name: str, key: str, store: Store) -> None:
    assert entry_of(store, "me", name).key == key


def test_the_number_in_the_last_digest(store: Store) -> None:
    embed(store)
    known = {one.entry.key: one for one in candidates(store)}
    told = digest(known["arxiv:2611.00002"], known[KEY])
    store.queue("me", "2026-W47", NOW - 7 * DAY, NOW, now=NOW, digest=told, messages=[])
    assert [entry_of(store, "me", name).key for name in ("1", "2", "#2")] == ["arxiv:2611.00002", KEY, KEY]
    with pytest.raises(InputError, match="the last digest of me has no pick number 3; write an arXiv id"):
        entry_of(store, "me", "3")
    with pytest.raises(InputError, match="the last digest of you has no pick number 1"):
        entry_of(store, "you", "1")


@pytest.mark.parametrize(
    "name", ["2611.99999", "10.1000/other", "https://example.org", "", "0", "-1", "\x00", "x" * 9999]
)
def test_what_is_not_there_is_said_in_one_line(name: str, store: Store) -> None:
    with pytest.raises(InputError, match=r"\Ano entry is known as .*; write an arXiv id, a DOI, a link") as error:
        entry_of(store, "me", name)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_answers_are_noted_and_taken_back(store: Store) -> None:
    noted = note(store, "me", "2611.00001", "like", now=NOW)
    assert (noted.entry.key, noted.answer, noted.before) == (KEY, "like", None)
    assert note(store, "me", "10.1000/abc", "save", now=NOW + DAY).before == "like"
    assert [(one.key, one.answer, one.at) for one in store.answers("me")] == [(KEY, "save", NOW + DAY)]
    assert [take_back(store, "me", "2611.00001")[1] for _ in range(2)] == [True, False]
    assert store.answers("me") == []
