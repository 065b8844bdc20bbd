"""telling: the sentence that tells why, and those that say what was done and what came out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from aggregator.model import Digest, Ranked, Reason, Vectors
from aggregator.telling import told
from aggregator.telling.worth import gist
from tests.fakes import WordEmbedder
from tests.letters import CODECS, STREAMING, digest, pick

BEFORE = "Recent work on recognition has been widely studied in many rooms."
DONE = "In this paper, we propose a method that moves the attention of a recogniser in time."
AMID = "Its parts are joined by a gate, and each part sees one chunk of the speech."
OUT = "Experiments show that it outperforms the baseline by 12% relative at the same delay."
AFTER = "The code and the models are publicly available at https://example.org/code."
ABSTRACT = f"{BEFORE} {DONE} {AMID} {OUT} {AFTER}"


def one(summary: str = ABSTRACT, *reasons: Reason, **changes: object) -> Ranked:
    made = pick("A title", summary=summary)
    return replace(made, reasons=reasons or (Reason("interest", STREAMING, 0.5),), **changes)  # type: ignore[arg-type]


def telling(item: Ranked) -> Ranked:
    found = told(digest([item]), WordEmbedder())
    assert found is not None
    return found.picks[0]


@pytest.mark.parametrize("kind", ["interest", "seed", "like"])
def test_the_sentence_nearest_to_the_reason_tells(kind: str) -> None:
    found = telling(one(ABSTRACT, Reason(kind, "a gate joins its parts", 0.5)))  # type: ignore[arg-type]
    assert found.telling == AMID


def test_of_a_keyword_it_is_the_first_sentence_that_has_it() -> None:
    assert telling(one(ABSTRACT, Reason("keyword", "title:BASELINE", 0.5))).telling == OUT
    assert telling(one(ABSTRACT, Reason("keyword", "recogni*", 0.5))).telling == BEFORE
    assert telling(one(ABSTRACT, Reason("keyword", "wav2vec", 0.5))).telling == ""


@pytest.mark.parametrize("kind", ["popular", "author", "venue", "surprise"])
def test_other_reasons_have_no_sentence(kind: str) -> None:
    assert telling(one(ABSTRACT, Reason(kind, "41 upvotes", 0.5))).telling == ""  # type: ignore[arg-type]


def test_nothing_is_marked_that_is_not_near_or_is_all_there_is() -> None:
    assert telling(one(ABSTRACT, Reason("interest", "zebrafish", 0.5))).telling == ""
    assert telling(one("Only streaming speech recognition.")).telling == ""
    assert telling(one("")).telling == ""
    assert telling(replace(one(), reasons=())).telling == ""


def test_what_was_done_and_what_came_out_comes_first() -> None:
    assert telling(one()).gist[:2] == (DONE, OUT)
    assert AFTER not in telling(one()).gist[:3]


def test_the_words_are_those_that_a_letter_shows() -> None:
    text = (
        "We look at $\\mathcal{O}(n)$ streaming   speech. The error falls by $12\\%$ in streaming speech recognition."
    )
    assert telling(one(text)).telling == "The error falls by 12% in streaming speech recognition."
    post = replace(one(text).candidate.entry, kind="post")
    item = one(text)
    found = telling(replace(item, candidate=replace(item.candidate, entry=post)))
    assert "$12\\%$" in found.telling
    assert found.gist == ()


def test_what_hugging_face_says_is_kept_as_plain_words() -> None:
    item = one()
    signals = {"ai_summary": "A <b>gate</b> joins parts, see https://evil.example/x."}
    item = replace(item, candidate=replace(item.candidate, entry=replace(item.entry, signals=signals)))
    found = telling(item).summary
    assert found is not None
    assert (found.text, found.model) == ("A gate joins parts, see", "")


def test_one_batch_and_nothing_twice() -> None:
    calls: list[int] = []

    class Counting(WordEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            calls.append(len(texts))
            return super().embed(texts)

    embedder = Counting()
    items = [replace(pick(f"T{n}", number=f"2611.{n:05}", score=0.9), reasons=one().reasons) for n in range(5)]
    told(digest(items), embedder)
    assert calls == [1 + 6]
    told(digest(items), embedder)
    assert calls == [7, 1]


def test_lines_and_headlines_cost_nothing() -> None:
    embedder = WordEmbedder()
    found = digest([one()])
    headlines = replace(found, profile=replace(found.profile, format="headlines"))
    assert told(headlines, embedder) is headlines
    assert told(None, embedder) is None
    assert embedder.texts == 0
    also = replace(found, sections=tuple(replace(section, part="also") for section in found.sections))
    assert told(also, embedder) == also


def test_it_says_the_same_each_time() -> None:
    items = [one(reason, Reason("interest", CODECS, 0.4)) for reason in (ABSTRACT, DONE + " " + OUT)]
    first: Digest | None = told(digest(items), WordEmbedder())
    assert first == told(digest(items), WordEmbedder())


def test_gist_of_edges() -> None:
    none = np.zeros((0, 3), np.float32)
    same = np.tile(np.array([[1.0, 0, 0]], np.float32), (6, 1))
    assert gist([], none) == ()
    assert gist(["One."], same[:1]) == (0,)
    assert gist(["Alike."] * 6, same) == (0, 1, 2, 3)
