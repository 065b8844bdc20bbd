"""config, [[profile]]: interests as tables, people, keywords, seeds: read, and every mistake with its line."""

import tomllib
from pathlib import Path

import pytest

from aggregator.config import load
from aggregator.errors import ConfigError
from aggregator.model import Follow, Profile
from tests.test_config import BLOG

HEAD = '[[profile]]\nname = "me"\nemail = "me@example.org"\n'
PLAIN = 'interests = ["speech"]\n'


def profile(folder: Path, written: str) -> Profile:
    (folder / "config.toml").write_text(f"{HEAD}{written}\n{BLOG}", encoding="utf-8")
    return load(folder / "config.toml").profiles[0]


def mistakes(folder: Path, written: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        profile(folder, written)
    return str(caught.value).splitlines()


def test_a_profile_in_full(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "a.bib").write_text("")
    (tmp_path / "b.json").write_text("")
    read = profile(
        tmp_path,
        """
        interests = [
            "speech",
            { text = " neural codecs ", weight = 1.5, title = "Codecs" },
            { text = "music", weight = 1 },
        ]
        keywords = ["ASR", "wav2vec*", "Title: diarization", "std::vector"]
        follows = [
            "Karen Livescu",
            { name = "Jane Doe", variants = "J. Doe", orcid = "http://orcid.org/0000-0002-1825-0097" },
        ]
        seeds = [
            "2501.01234v2", "arXiv:cs/0501001", "https://arxiv.org/abs/1706.03762", "10.1109/X.Y", "doi:10.1000/z",
            "lists/a.bib", "b.json",
        ]
        venues = ["ICASSP"]
        muted = ["ECG"]
        muted_topics = ["singing"]
        surprises = 2
        """,
    )
    assert read.interests == ("speech", "neural codecs", "music")
    assert read.weights == {"neural codecs": 1.5}
    assert read.headings == {"neural codecs": "Codecs"}
    assert read.keywords == ("ASR", "wav2vec*", "title:diarization", "std::vector")
    assert read.follows == (
        Follow(name="Karen Livescu"),
        Follow(name="Jane Doe", variants=("J. Doe",), orcid="0000-0002-1825-0097"),
    )
    names = ("arxiv:2501.01234", "arxiv:cs/0501001", "arxiv:1706.03762", "doi:10.1109/x.y", "doi:10.1000/z")
    assert read.seeds == (*names, str(tmp_path / "lists" / "a.bib"), str(tmp_path / "b.json"))
    assert (read.venues, read.muted, read.muted_topics, read.surprises) == (("ICASSP",), ("ECG",), ("singing",), 2)


def test_tables_of_their_own_are_read_too(tmp_path: Path) -> None:
    written = '[[profile.interests]]\ntext = "speech"\nweight = 2.5\n\n[[profile.follows]]\nname = "Jane Doe"\n'
    read = profile(tmp_path, written)
    assert (read.interests, read.weights, read.follows) == (("speech",), {"speech": 2.5}, (Follow(name="Jane Doe"),))
    found = mistakes(tmp_path, written.replace("weight", "wieght"))
    assert found == ["config.toml:6: wieght: there is no such key (did you mean `weight`?)"]


def test_it_says_the_same_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    page = tmp_path / "profiles" / "anna.toml"
    page.write_text('email = "a@example.org"\ninterests = [\n  { txt = "speech" },\n]\nseeds = ["x.bib"]\n')
    (tmp_path / "config.toml").write_text(BLOG)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "config.toml")
    assert str(caught.value) == "profiles/anna.toml:3: txt: there is no such key (did you mean `text`?)"
    page.write_text(page.read_text().replace("txt", "text"))
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "config.toml")
    assert str(caught.value).startswith("profiles/anna.toml:5: seeds: there is no file 'x.bib'; looked for")
    (tmp_path / "x.bib").write_text("")
    assert load(tmp_path / "config.toml").profiles[0].seeds == (str(tmp_path / "x.bib"),)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("interests = [\n 1]", "5: interests: must be a text in quotes, not 1, or a table such as { text ="),
        ('interests = [{ text = "a", wieght = 2 }]', "4: wieght: there is no such key (did you mean `weight`?)"),
        ('interests = ["a",\n{ weight = 2 }]', "5: text: is missing"),
        ('interests = [{ text = "a", weight = "2" }]', "4: weight: must be a number, not '2'"),
        ('interests = [{ text = "a", weight = 0 }]', "4: weight: must be more than 0, not 0"),
        ('interests = [{ text = " " }]', "4: text: must not be empty"),
        ('interests = ["a", { text = "a", weight = 2 }]', "4: interests: says two things of 'a'; keep one of them"),
        (PLAIN + 'intersts = ["a"]', "5: intersts: there is no such key"),
        (PLAIN + 'keyword = ["a"]', "5: keyword: there is no such key (did you mean `keywords`?)"),
        (PLAIN + 'keywords = ["a",\n"titel:x"]', "6: keywords: 'titel:x' looks in a field that there is not (did"),
        (PLAIN + 'keywords = ["abstract:x"]', "5: keywords: 'abstract:x' looks in a field that there is not; the only"),
        (PLAIN + 'keywords = ["wav*vec"]', "5: keywords: 'wav*vec': a * stands at the end, behind two letters or more"),
        (PLAIN + 'keywords = ["*"]', "5: keywords: '*': a * stands at the end"),
        (PLAIN + 'keywords = ["title:"]', "5: keywords: must not be empty"),
        (PLAIN + 'follows = ["a",\n{ nam = "x" }]', "6: nam: there is no such key (did you mean `name`?)"),
        (PLAIN + "follows = [true]", "5: follows: must be a name in quotes, not true, or a table such as { name ="),
        (PLAIN + 'follows = [{ name = "x", orcid = "0000-0002-1825-0098" }]', "5: orcid: '0000-0002-1825-0098' is"),
        (PLAIN + 'follows = [{ name = "x", orcid = "0000" }]', "5: orcid: '0000' is no ORCID; write it like 0000-0002"),
        (PLAIN + 'seeds = ["1706.03762",\n"a word"]', "6: seeds: 'a word' is neither an arXiv id, nor a DOI, nor a"),
        (PLAIN + 'seeds = ["refs.bibb"]', "5: seeds: 'refs.bibb' is neither an arXiv id, nor a DOI"),
        (PLAIN + 'seeds = ["libary.bib"]', "5: seeds: there is no file 'libary.bib' (did you mean `library.bib`?)"),
        (PLAIN + "surprises = -1", "5: surprises: must be 0 or more, not -1"),
        (PLAIN + 'muted_topics = "x"', "5: muted_topics: must be a list"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_line(tmp_path: Path, written: str, found: str) -> None:
    (tmp_path / "library.bib").write_text("")
    lines = mistakes(tmp_path, written)
    assert len(lines) == 1
    assert lines[0].startswith(f"config.toml:{found}"), lines


def test_the_profile_in_the_documentation_is_read(tmp_path: Path) -> None:
    root = Path(__file__).parent.parent
    page = (root / "docs" / "configuration.md").read_text().partition("```toml\n[[profile]]")[2].partition("```")[0]
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "me.json").write_text("[]")
    written = page.replace('name = "me"\nemail = ["me@example.org"]\n', "")
    assert profile(tmp_path, written).headings
    example = tomllib.loads((root / "config.toml").read_text())["profile"][0]
    for key in ("keywords", "follows", "seeds", "venues", "muted", "muted_topics", "surprises"):
        assert not example[key]
