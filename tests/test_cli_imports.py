"""profile import-bibtex, import-zotero and suggest: what comes in is kept, named in config.toml, and told."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator import app
from aggregator.cli import cli
from aggregator.config import load
from aggregator.errors import InputError
from aggregator.fetch import Fetcher
from aggregator.imports import read_file
from aggregator.store import Store
from tests import references
from tests.fakes import Pages, WordEmbedder, fetcher_over
from tests.stores import NOW, add, paper
from tests.test_config import BLOG
from tests.test_imports_zotero import KEY, Library, library

ME = """\
# Mine, all mine.
[[profile]]   # that is me
name = "me"
email = "me@example.org"   # an address
interests = ["speech recognition"]

"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("AGGREGATOR_CONFIG", "ZOTERO_API_KEY", "ZOTERO_API_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config.toml").write_text(ME + BLOG)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/aggregator.db") as opened:
        opened.migrate()
        yield opened


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), standalone_mode=False)


def said(*arguments: str, code: int = 0) -> str:
    done = run(*arguments)
    assert done.exception is None, done.exception
    assert done.return_value == code
    return done.output


@pytest.mark.parametrize("form", ["bib", "ris", "json"])
def test_a_file_of_500_comes_in(store: Store, tmp_path: Path, form: str) -> None:
    made = {"bib": references.bibtex, "ris": references.ris, "json": references.csl}[form]()
    (tmp_path / "library").write_text(made.text)
    add(store, *(paper(name) for name in ("2001.10000", "2101.20000", "2101.20002")))
    text = said("profile", "import-bibtex", "library", code=1)
    for line in made.broken:
        assert f"aggregator: library:{line}: " in text
    total = made.sound + len(made.broken)
    known = {"bib": 2, "ris": 2, "json": 2}[form]
    assert f"seeds/me.json: {made.sound} of {total} records added ({known} known in the database, " in text
    assert f"{made.sound - known} not), 0 there already, {len(made.broken)} broken" in text
    assert len(read_file(tmp_path / "seeds" / "me.json").seeds) == made.sound
    (tmp_path / "library").unlink()
    assert load(tmp_path / "config.toml").profiles[0].seeds == (str(tmp_path / "seeds" / "me.json"),)


def test_the_line_is_put_into_config_toml_and_nothing_else_is_touched(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_text("@misc{a, title={One whole title}, eprint={2501.01234}}")
    text = said("profile", "import-bibtex", "a.bib", "--profile", "me", "--dry-run")
    assert "would add One whole title  arxiv:2501.01234\nseeds/me.json: 1 of 1 records would be added" in text
    assert not (tmp_path / "seeds").exists()
    assert (tmp_path / "config.toml").read_text() == ME + BLOG
    assert 'config.toml:3: seeds = ["seeds/me.json"] was added' in said("profile", "import-bibtex", "a.bib")
    new = ME.replace("# that is me\n", '# that is me\nseeds = ["seeds/me.json"]\n') + BLOG
    assert (tmp_path / "config.toml").read_text() == new
    (tmp_path / "b.bib").write_text("@misc{a, title={{One Whole Title}}}\n@misc{b, title={Two}}")
    text = said("profile", "import-bibtex", "b.bib")
    assert "added Two\nseeds/me.json: 1 of 2 records added (0 known in the database, 1 not), 1 there already" in text
    assert (tmp_path / "config.toml").read_text() == new
    assert [seed.title for seed in read_file(tmp_path / "seeds" / "me.json").seeds] == ["One whole title", "Two"]
    assert "0 of 2 records added" in said("profile", "import-bibtex", "b.bib")


def test_seeds_that_are_there_are_left_to_the_owner(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes((ME.replace("interests", 'seeds = ["2501.01234"]\ninterests') + BLOG).encode())
    before = path.read_bytes()
    (tmp_path / "a.bib").write_text("@misc{a, title={One}}")
    text = said("profile", "import-bibtex", "a.bib")
    assert 'to be read, it must stand in the profile me: seeds = ["seeds/me.json"]' in text
    assert path.read_bytes() == before


def test_a_profile_in_a_file_of_its_own_and_line_ends(store: Store, tmp_path: Path) -> None:
    page = tmp_path / "profiles" / "anna b.toml"
    page.parent.mkdir()
    page.write_bytes(b'# Anna\r\nemail = "a@example.org"\r\ninterests = ["x"]\r\n')
    (tmp_path / "a.bib").write_text("@misc{a, title={One}}")
    error = run("profile", "import-bibtex", "a.bib").exception
    assert str(error) == "name a profile; there are: me, anna b"
    assert str(run("profile", "import-bibtex", "a.bib", "--profile", "ana b").exception).endswith("mean `anna b`?)")
    facts = json.loads(said("profile", "import-bibtex", "a.bib", "--profile", "anna b", "--json"))
    assert facts["named_in"] == "profiles/anna b.toml:1"
    assert facts["added"] == [{"key": "", "title": "One"}]
    line = f'seeds = ["seeds/{Path(facts["file"]).name}"]\r\n'.encode()
    assert page.read_bytes() == line + b'# Anna\r\nemail = "a@example.org"\r\ninterests = ["x"]\r\n'
    assert load(tmp_path / "config.toml").profiles[1].seeds == (facts["file"],)


def test_a_file_of_seeds_that_was_spoilt_is_not_written_over(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.bib").write_text("@misc{a, title={One}}")
    said("profile", "import-bibtex", "a.bib")
    spoilt = tmp_path / "seeds" / "me.json"
    spoilt.write_text(spoilt.read_text() + "x")
    spoilt.write_text('[{"key": "",\n "title": ]')
    error = run("profile", "import-bibtex", "a.bib").exception
    assert isinstance(error, InputError)
    assert "me.json:1: the record cannot be read" in str(error)
    assert str(error).endswith("mend or delete it first")


@pytest.fixture
def zotero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pages:
    net = library(Library())
    net.answers["https://api.zotero.org/keys/current"] = b'{"userID": 475425}'

    def fetcher(_: object) -> Fetcher:
        return fetcher_over(net, tmp_path)

    monkeypatch.setattr(app, "open_fetcher", fetcher)
    return net


def test_a_zotero_library_comes_in_and_needs_no_network_again(
    store: Store, zotero: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = run("profile", "import-zotero").exception
    assert "an API key of Zotero, to be made at https://www.zotero.org/settings/keys, is needed: set ZOTERO" in str(
        error
    )
    monkeypatch.setenv("ZOTERO_API_KEY", KEY)
    text = said("profile", "import-zotero", code=1)
    assert "aggregator: Zotero: item K0000007 has no title" in text
    assert "seeds/me.json: 440 of 450 records added" in text
    assert KEY not in text
    asked = len(zotero.requests)
    assert len(read_file(Path(load(tmp_path / "config.toml").profiles[0].seeds[0])).seeds) == 440
    assert len(zotero.requests) == asked == 6


def test_interests_are_proposed(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "SentenceEmbedder", lambda *_: WordEmbedder())
    assert "profile me has no seeds and has liked nothing; `aggregator profile import-bibtex`" in str(
        run("suggest").exception
    )
    add(store, *(paper(number, title="Singing voice", summary="") for number in (20, 21, 22)))
    for number in (20, 21, 22):
        store.answer("me", f"arxiv:2611.000{number}", "like", now=NOW)
    assert "singing voice  (3 of 3 works)" in said("suggest")
    store.unanswer("me")
    codecs = [f"@misc{{c{n}, title={{Neural audio codec}}, note={{{n}}}, eprint={{2501.0123{n}}}}}" for n in range(3)]
    speech = [f"@misc{{s{n}, title={{Speech recognition}}, eprint={{2502.0123{n}}}}}" for n in range(3)]
    (tmp_path / "a.bib").write_text("\n".join(codecs + speech))
    path = tmp_path / "config.toml"
    path.write_text(path.read_text().replace("interests", 'seeds = ["a.bib", "2503.00001", "2611.00007"]\ninterests'))
    add(store, paper(7, title="Neural audio codec", summary=""))
    text = said("suggest", "--profile", "me")
    assert text.startswith("1 seeds are not known in the database yet and have no text\nneural audio codec  (")
    assert "  covered by your interest “speech recognition”" in text
    assert '    "neural audio codec",' in text
    rows = json.loads(said("suggest", "--json").partition("\n")[2])
    assert [(row["text"], len(row["works"]), row["covered"]) for row in rows] == [
        ("neural audio codec", 4, None),
        ("speech recognition", 3, "speech recognition"),
    ]
