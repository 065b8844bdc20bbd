"""What is named comes first, words and meaning are weighed together, and nothing that is typed can break a search."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.errors import EmbedError, InputError
from aggregator.model import Vectors
from aggregator.searching import Found, asked_of, search
from aggregator.store import Store
from tests.fakes import WordEmbedder
from tests.stores import DATABASES, DAY, NOW, add, fresh_store, paper

EMBEDDER = WordEmbedder()

PAPERS = (
    paper(1, title="Streaming transducers", summary="Speech recognition on the go.", authors=("Ada Byron",)),
    paper(2, title="On speech recognition", summary="A survey of hearing.", authors=("Grace B. Hopper", "Ada Byron")),
    paper(3, title="Music", summary="Ada and Byron are words here.", aliases=("doi:10.1000/xyz",)),
    paper(4, title="Recognition of speech", summary="See 2611.00003 and C++.", kind="post"),
)


class Broken(WordEmbedder):
    """A model that cannot be loaded."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See embed.Embedder."""
        raise EmbedError("model 'x' cannot be loaded")


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as opened:
        add(opened, *PAPERS)
        embedded(opened)
        yield opened


def embedded(store: Store) -> None:
    waiting = store.without_vector("words", "1")
    made = EMBEDDER.embed([one.text for one in waiting])
    store.add_vectors("words", "1", [(one.entry_id, one.text_hash) for one in waiting], made)


def found(store: Store, query: str, **options: Any) -> list[tuple[str, str]]:
    """Titles and why, in order."""
    hits = search(store, options.pop("embedder", EMBEDDER), query, **options).hits
    return [(hit.entry.title, hit.why) for hit in hits]


@pytest.mark.parametrize(
    "query",
    [
        "2611.00003", "arXiv:2611.00003v2", "https://arxiv.org/pdf/2611.00003", "https://arxiv.org/abs/2611.00003",
        "10.48550/arXiv.2611.00003", "10.1000/XYZ", "https://doi.org/10.1000/xyz", "doi:10.1000/xyz",
        "arxiv:2611.00003",
    ],
)  # fmt: skip
def test_an_id_a_doi_or_a_link_finds_its_entry(store: Store, query: str) -> None:
    assert found(store, query)[0] == ("Music", "name")


def test_what_speaks_of_an_id_comes_after_it(store: Store) -> None:
    assert found(store, "2611.00003") == [("Music", "name"), ("Recognition of speech", "words")]
    assert found(store, "2611.09999") == []


@pytest.mark.parametrize("query", ["Recognition of speech", "  recognition OF   Speech! ", '"Recognition of speech"'])
def test_a_whole_title_comes_first(store: Store, query: str) -> None:
    assert found(store, query)[0] == ("Recognition of speech", "title")


@pytest.mark.parametrize("query", ["Ada Byron", "byron, ada", "A. Byron", "ÁDA BYRON"])
def test_an_author_finds_their_papers_only(store: Store, query: str) -> None:
    assert {one for one in found(store, query) if one[1] == "author"} == {
        ("Streaming transducers", "author"),
        ("On speech recognition", "author"),
    }
    assert not {"meaning", "both"} & {why for _, why in found(store, query)}


def test_names_of_two_authors_are_no_author(store: Store) -> None:
    assert "author" not in {why for _, why in found(store, "Ada Hopper")}
    assert found(store, "Grace Hopper")[0] == ("On speech recognition", "author")


def test_a_family_name_finds_the_papers(store: Store) -> None:
    assert ("On speech recognition", "words") in found(store, "hopper")


def test_a_phrase_finds_only_what_has_it(store: Store) -> None:
    assert {title for title, _ in found(store, '"speech recognition"')} == {PAPERS[0].title, PAPERS[1].title}
    assert {title for title, _ in found(store, "“speech recognition” survey")} == {PAPERS[0].title, PAPERS[1].title}
    assert found(store, '"recognition speech"') == []
    assert found(store, '"of the"') == []


def test_what_has_to_be_in_the_title(store: Store) -> None:
    titles = {paper.title for paper in PAPERS if "speech" in paper.title.lower()}
    assert {title for title, _ in found(store, "title:speech")} == titles
    assert {title for title, _ in found(store, "survey title: “speech recognition”")} <= titles
    assert found(store, "speech title:hopper") == []


def test_a_prefix_finds_words_that_begin_so(store: Store) -> None:
    assert {title for title, _ in found(store, "transd*")} == {"Streaming transducers"}
    assert found(store, "zzz*") == []


def test_why_tells_words_from_meaning(store: Store) -> None:
    whys = dict(found(store, "speech recognition of the"))
    assert whys["On speech recognition"] == "both"
    assert dict(found(store, "hearing speech recognition survey a of"))["On speech recognition"] == "both"
    add(store, paper(9, title="Not embedded: speech"))
    assert dict(found(store, "speech recognition"))["Not embedded: speech"] == "words"


def test_meaning_alone_is_enough(store: Store) -> None:
    class Music(WordEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            return super().embed(["Music Ada and Byron are words here"] * len(texts))

    assert found(store, "melodies", embedder=Music())[0] == ("Music", "meaning")


def test_without_the_model_words_are_searched_and_that_is_said(store: Store) -> None:
    result = search(store, Broken(), "speech")
    assert {hit.entry.title for hit in result.hits} == {PAPERS[0].title, PAPERS[1].title, PAPERS[3].title}
    assert {hit.why for hit in result.hits} == {"words"}
    assert result.trouble == "searched by words only: model 'x' cannot be loaded"


def test_without_vectors_that_is_said(store: Store) -> None:
    result = search(store, WordEmbedder("other"), "speech")
    assert len(result.hits) == 3
    assert result.trouble == "searched by words only: 4 entries have no vector yet; run `aggregator embed`"


def test_bounds_and_limit(store: Store) -> None:
    add(store, paper(7, title="Old speech", published=NOW - 30 * DAY))
    embedded(store)
    day = (NOW - DAY).date()
    assert ("Old speech", "both") in found(store, "speech", until=day - DAY)
    assert len(found(store, "speech", until=day - DAY)) == 1
    assert "Old speech" not in dict(found(store, "speech", since=day, until=day))
    assert dict(found(store, "speech", since=(NOW - 30 * DAY).date(), until=(NOW - 30 * DAY).date())) == {
        "Old speech": "both"
    }
    assert found(store, "2611.00003", since=day + timedelta(days=1)) == []
    assert {title for title, _ in found(store, "speech", kind="post")} == {"Recognition of speech"}
    assert found(store, "speech", source="nowhere") == []
    assert len(found(store, "speech", limit=2)) == 2


def test_snippets_mark_the_words(store: Store) -> None:
    hit = next(one for one in search(store, EMBEDDER, "recognition go").hits if one.entry.title == PAPERS[0].title)
    assert [hit.snippet[start:end] for start, end in hit.marks] == ["recognition", "go"]
    assert hit.snippet == "Speech recognition on the go."
    assert hit.sources == ("arxiv",)


def test_a_query_taken_apart() -> None:
    asked = asked_of('the "key word" spot* of C++ AND -x "two words"* “curly” 🙂 *** "left open')
    assert asked.phrases == ("key word", "curly")
    assert asked.prefixes == ("two words", "spot")
    assert asked.words == ("C++", "-x", '"left', "open")
    assert asked_of('title:"neural codec" Title:ASR subtitle:x "a b"').titles == ("neural codec", "ASR")
    assert asked_of('title:"" title:🙂').empty
    assert asked_of("to be or not to be").words == ("to", "be", "or", "not")
    assert asked_of('🙂 -- "" *').empty
    assert len(asked_of(" ".join(f"w{n}" for n in range(5000))).words) == 64


HOSTILE = (
    "C++", "AND", "OR NOT NEAR(", "a:b", "title:speech", '"unbalanced', 'a"b"c"', "-", "-speech", "*", "^speech",
    "{a} :", "🙂", "speech 🙂", "'; DROP TABLE entry; --", "a" * 10_000, "speech " * 1500, "(" * 500, '"' * 999,
    "\x00\x1b[31m speech",
    "%", "_", "\\", "50% of_it*", "x'*", "a & b | !c <-> d", "''''", ":*", "'a':*", "1.2.3.4:80", "http://",
    "https://[::1",
    "10.1000/", "arxiv:", "語 音", "ß", "İ", "\u202eabc", "\ufdfa*", "½*", "a\u0301*", "NEAR(a b, 5)", "entry_words",
    "¼",
)  # fmt: skip


def test_nothing_that_is_typed_breaks_a_search(store: Store) -> None:
    for query in HOSTILE:
        assert isinstance(search(store, EMBEDDER, query), Found)


@pytest.mark.parametrize("query", ["", "   ", "\n\t\x00"])
def test_an_empty_query_is_refused(store: Store, query: str) -> None:
    with pytest.raises(InputError, match="nothing to search for"):
        search(store, EMBEDDER, query)


def test_any_text_can_be_searched(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        add(store, *PAPERS)
        embedded(store)

        @settings(max_examples=150, deadline=None)
        @given(st.text(alphabet=st.one_of(st.sampled_from("\"*-+:^(){}'\\ abAND"), st.characters()), min_size=1))
        def any_text(query: str) -> None:
            try:
                search(store, EMBEDDER, query)
            except InputError:
                assert not any(char.isprintable() and not char.isspace() for char in query)

        any_text()


def test_a_store_that_holds_nothing(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        assert search(store, EMBEDDER, "speech") == Found(())


def test_many_are_widened_by_the_nearest(tmp_path: Path) -> None:
    """Two topics: what shares its words only with the nearest is nearer than what shares none with them."""
    draw = np.random.default_rng(1)
    common = [f"common{n}" for n in range(12)]
    with fresh_store("sqlite", tmp_path) as store:
        near = [
            paper(n, title=f"topic {' '.join(draw.choice(common, 6, replace=False))}", summary="")
            for n in range(1, 120)
        ]
        kin = paper(500, title=" ".join(["topic", *common, *[f"other{n}" for n in range(12)]]), summary="")
        stranger = paper(501, title=" ".join(["topic", *[f"strange{n}" for n in range(24)]]), summary="")
        add(store, *near, kin, stranger)
        embedded(store)
        order = [title for title, _ in found(store, "topic", limit=200)]
        assert len(order) == 121
        assert order.index(kin.title) < order.index(stranger.title)
