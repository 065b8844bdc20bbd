"""imports: files of 500 records: what is sound comes in, what is broken is named with its line."""

import time
from pathlib import Path

import pytest

from aggregator.errors import InputError
from aggregator.imports import References, kept, read, read_file, seeds_of
from aggregator.model import Seed
from tests import references
from tests.references import COUNT, EVERY, File


def lines(found: References) -> list[int]:
    return [one.line for one in found.bad]


def one(text: str) -> Seed:
    found = read(text.encode(), "file")
    assert found.bad == ()
    assert len(found.seeds) == 1
    return found.seeds[0]


@pytest.mark.parametrize(
    "made", [references.bibtex(), references.ris(), references.csl()], ids=["bibtex", "ris", "csl"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_is_sound_comes_in_and_what_is_broken_has_its_line(made: File, end: str) -> None:
    begun = time.perf_counter()
    found = read(made.text.replace("\n", end).encode(), "library")
    assert time.perf_counter() - begun < 20
    assert len(made.broken) == COUNT // EVERY
    assert lines(found) == made.broken
    assert len(found.seeds) == made.sound
    assert found.repeated == 0
    assert all(bad.text and "\n" not in bad.text for bad in found.bad)
    assert all(seed.title and seed.authors and seed.key for seed in found.seeds)


def test_bibtex_of_all_hands() -> None:
    scholar, dblp, zotero, _, jabref = read(references.bibtex().text.encode(), "b").seeds[:5]
    assert scholar == Seed(
        key="arxiv:2001.10000",
        title="A CTC model number 0 for Beyond-vocabulary words",
        authors=("Jörg Müller", "María García"),
    )
    assert (dblp.key, dblp.title) == (
        "doi:10.21437/interspeech.2020-1",
        "Title number 1 with O(n log n) and 50% of LSTMs",
    )
    assert dblp.authors == ("Jane Doe", "John R. Smith Jr.")
    assert (zotero.key, zotero.authors) == ("arxiv:2101.20002", ("Alexei Baevski", "Research Team"))
    assert zotero.summary == "We show, with {braces} and an e-mail (a@example.org), that it works. It does."
    assert jabref.title.startswith("Title number 5")
    old = next(seed for seed in read(references.bibtex().text.encode(), "b").seeds if "étude" in seed.title)
    assert (old.key, old.authors) == ("url:https://example.org/papers?id=7", ("Ann van der Berg",))


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ("eprint = {2501.01234}, archivePrefix = {arXiv}, primaryClass = {cs.SD}", "arxiv:2501.01234"),
        ("eprint = {2501.01234v3}, eprinttype = {arxiv}", "arxiv:2501.01234"),
        ("eprint = {cs/0501001 [cs.CL]}", "arxiv:cs/0501001"),
        ("journal = {CoRR}, volume = {abs/1706.03762}", "arxiv:1706.03762"),
        ("howpublished = {\\url{https://arxiv.org/abs/1706.03762}}", "arxiv:1706.03762"),
        ("doi = {https://doi.org/10.1109/TASLP.2021.3122291}", "doi:10.1109/taslp.2021.3122291"),
        ("doi = {10.1007/978-3\\_4}", "doi:10.1007/978-3_4"),
        ("doi = {10.1109/X}, note = {see arXiv:1706.03762}", "doi:10.1109/x"),
        ("doi = {10.1109/X}, url = {https://arxiv.org/pdf/1706.03762v5}", "arxiv:1706.03762"),
        ("url = {https://openreview.net/forum?id=abc&utm_source=x}", "url:https://openreview.net/forum?id=abc"),
        ("url = {file:///home/me/x.pdf}", ""),
        ("year = 2020", ""),
    ],
)
def test_the_key_is_the_strongest_name(entry: str, key: str) -> None:
    assert one(f"@misc{{x, title = {{T}}, {entry}}}").key == key


@pytest.mark.parametrize(
    ("text", "found", "bad"),
    [
        ("@article{a, title={One}}\n@article b, title={Two}\n}\n@misc{c, title={Three}}", ["One", "Three"], [2]),
        ("@article{a, title={One}, title={Again}}", ["One"], []),
        ("@article{a, title={One}}\n@article{a, title={Two}}", ["One", "Two"], []),
        ('@article(a, title = "One")\n  @MISC { b , TITLE = {Two} }', ["One", "Two"], []),
        ("@article{a, title={One}}\n@misc{b, title={Cut of", ["One"], [2]),
        ("text\n@misc{a, author={X}}\n@misc{b, title={}}\n@misc{c, title={One}}", ["One"], [2, 3]),
    ],
)
def test_bibtex_that_is_out_of_form(text: str, found: list[str], bad: list[int]) -> None:
    references = read(text.encode(), "x")
    assert [seed.title for seed in references.seeds] == found
    assert lines(references) == bad


def test_ris_in_full() -> None:
    first, second = read(references.ris().text.encode(), "r").seeds[:2]
    assert first == Seed(
        key="arxiv:2101.20000",
        title="Streaming models, part 0: a study",
        summary="First line of the abstract in italics and a second line.",
        authors=("Karen Livescu", "John Smith Jr.", "OpenAI"),
    )
    assert second.key == "doi:10.1109/taslp.2020.1"


def test_ris_that_is_out_of_form() -> None:
    found = read(
        b"AU  - A\nAU  - B\nTY  - JOUR\nTI  - One\nER  - \nnoise\nTY - BOOK\nT1 - Two\nER -\nTY  - JOUR\nTI  - X", "r"
    )
    assert [seed.title for seed in found.seeds] == ["One", "Two"]
    assert lines(found) == [1, 10]


def test_csl_in_full() -> None:
    first, second = read(references.csl().text.encode(), "c").seeds[:2]
    assert first == Seed(
        key="arxiv:2101.20000",
        title="Robust systems of the kind 0",
        summary='With "quotes", a backslash \\ and {braces}.',
        authors=("Jörg Müller", "Ann van der Berg", "Research Team"),
    )
    assert second.key == "doi:10.1109/taslp.2020.1"


def test_csl_on_one_line_and_within_items() -> None:
    text = '{"items":[{"id":"a","title":"One"},{"id":"b","title":"bro"ken"},{"id":"c","title":["Two"],"author":"x"}]}'
    found = read(text.encode(), "c")
    assert [seed.title for seed in found.seeds] == ["One", "Two"]
    assert lines(found) == [1]


@pytest.mark.parametrize("text", ["[", "[" * 100_000, '{"a": 1}', "[1, 2"])
def test_json_that_is_something_else(text: str) -> None:
    found = read(text.encode(), "c")
    assert found.seeds == ()
    assert found.bad


def test_what_is_there_twice_is_one_with_the_strongest_key_and_the_longest_text() -> None:
    text = (
        "@article{a, title={Attention is all you need}, doi={10.5555/3295222}}\n"
        "@misc{b, title={{Attention Is All You Need}}, eprint={1706.03762}, abstract={We propose.}, author={A B}}\n"
        "@misc{c, title={Another title}, eprint={1706.03762}}\n"
        "@misc{d, title={Letter to the editor}, doi={10.1000/1}}\n"
        "@misc{e, title={Letter to the editor}, doi={10.1000/2}}"
    )
    found = read(text.encode(), "x")
    assert [seed.key for seed in found.seeds] == ["arxiv:1706.03762", "doi:10.1000/1", "doi:10.1000/2"]
    assert found.seeds[0].summary == "We propose."
    assert found.repeated == 2


def test_old_encodings() -> None:
    latin = "@misc{a, title={Étude}}\n".encode("cp1252") + "@misc{b, title={Größe}}".encode()
    assert [seed.title for seed in read(latin, "x").seeds] == ["Étude", "Größe"]
    assert one("TY  - JOUR\nTI  - Étude\nER  - \n").title == "Étude"
    wide = "TY  - JOUR\r\nTI  - Étude\r\nER  - \r\n".encode("utf-16")
    assert read(wide, "x").seeds[0].title == "Étude"


def test_what_is_no_file_of_references(tmp_path: Path) -> None:
    for body in (b"", b"just words", b"\x00\x01\x02"):
        with pytest.raises(InputError, match=r"notes\.txt holds no references: it is neither BibTeX, nor RIS, nor CSL"):
            read(body, "notes.txt")
    with pytest.raises(InputError, match=r"none\.bib cannot be read: No such file"):
        read_file(tmp_path / "none.bib")


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    seeds = read(references.bibtex().text.encode(), "b").seeds
    path = tmp_path / "me.json"
    path.write_bytes(kept.written(seeds))
    assert read_file(path) == References(seeds)
    path.write_text('[{"key": "", "title": 1, "authors": [], "summary": ""}]')
    assert [bad.line for bad in read_file(path).bad] == [1]


def test_the_seeds_of_a_profile(tmp_path: Path) -> None:
    path = tmp_path / "a.bib"
    path.write_text("@misc{a, title={One}, eprint={2501.01234}}\n@misc{b}\n")
    found = seeds_of(["arxiv:2501.01234", "doi:10.1000/x", str(path)])
    assert found.seeds == (Seed(key="arxiv:2501.01234", title="One"), Seed(key="doi:10.1000/x", title=""))
    assert [bad.text for bad in found.bad] == ["a.bib:2: @misc 'b' has no title"]
