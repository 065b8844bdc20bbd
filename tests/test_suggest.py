"""suggest: subjects hidden among works are found and named."""

import numpy as np
import pytest

from aggregator.model import Seed, Vectors
from aggregator.suggest import suggest

SUBJECTS = {
    "neural audio codec": "We propose a {} with residual vector quantization. The results show better quality.",
    "speaker diarization": "This paper presents {} with overlapping speech. Experiments demonstrate improvements.",
    "bird sound classification": "We study {} and passive acoustic monitoring for large datasets.",
}


def works(each: int = 6) -> tuple[list[Seed], Vectors]:
    """Works of three subjects whose vectors lie around three axes, and one of none."""
    rng = np.random.default_rng(0)
    seeds, rows = [], []
    for axis, (name, text) in enumerate(SUBJECTS.items()):
        for number in range(each):
            seeds.append(
                Seed(key=f"arxiv:{axis}.{number}", title=f"On {name}s, part {number}", summary=text.format(name))
            )
            row = rng.normal(0, 0.05, 16)
            row[axis] += 1
            rows.append(row)
    seeds.append(Seed(key="", title="Something else entirely"))
    rows.append(np.eye(16)[15])
    vectors = np.array(rows, dtype=np.float32)
    return seeds, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_each_subject_is_found_and_named() -> None:
    seeds, vectors = works()
    found = suggest(seeds, vectors)
    assert len(found) == 3
    assert {one.text.partition(",")[0].removesuffix("s") for one in found} == set(SUBJECTS)
    assert sorted(len(one.works) for one in found) == [6, 6, 6]
    for one in found:
        assert len({work.key[:8] for work in one.works}) == 1
        assert not {"paper", "propose", "results", "part"} & set(one.text.split())


def test_what_an_interest_covers_stands_last_and_says_so() -> None:
    seeds, vectors = works()
    held = np.eye(16, dtype=np.float32)[[0, 9]]
    found = suggest(seeds, vectors, ("codecs", "robots"), held)
    assert [one.covered for one in found] == ["", "", "codecs"]
    assert len(suggest(seeds, vectors, ("codecs", "robots"), held, most=2)) == 2


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_works(count: int) -> None:
    seeds, vectors = works()
    found = suggest(seeds[:count], vectors[:count])
    assert [len(one.works) for one in found] == ([count] if count else [])
    assert all(one.text for one in found)


def test_works_without_a_word_to_name_them_make_none() -> None:
    seeds = [Seed(key="", title="The of and"), Seed(key="", title="12 34")]
    vectors = np.array([[1, 0], [1, 0]], dtype=np.float32)
    assert suggest(seeds, vectors) == []


def test_it_is_the_same_every_time() -> None:
    seeds, vectors = works()
    assert suggest(seeds, vectors) == suggest(list(seeds), vectors.copy())
