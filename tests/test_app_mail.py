"""app: what [mail] needs from the environment is asked for when a letter is made, by name, and never shown."""

import shutil
from email import message_from_bytes
from pathlib import Path

import pytest

from aggregator.config import Config, load
from aggregator.errors import InputError
from aggregator.office import keys, renderer
from aggregator.tokens import read_return_path
from tests.dkim_keys import private_key
from tests.letters import NOW, digest

SECRET = "s" * 40


def config(folder: Path, mail: str) -> Config:
    path = folder / "config.toml"
    path.write_text(
        f'[mail]\nsender = "Papers <d@example.org>"\n{mail}\n'
        '[[source]]\nname = "blog"\nkind = "feed"\nurl = "https://example.org/feed"\n'
        '[[profile]]\nname = "speech"\nemail = "kim@example.org"\ninterests = ["speech"]\n',
        encoding="utf-8",
    )
    return load(path)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without secrets."""
    for name in ("AGGREGATOR_SECRET", "AGGREGATOR_DKIM_KEY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


def test_nothing_is_asked_for_where_nothing_is_signed(tmp_path: Path) -> None:
    plain = config(tmp_path, "")
    assert keys(plain) is None
    assert b"DKIM-Signature" not in renderer(plain).render(digest(), "kim@example.org", NOW).raw


@pytest.mark.parametrize("key", ["base_url", "return_path"])
def test_a_missing_secret_is_one_line_that_tells_how_to_make_one(tmp_path: Path, key: str) -> None:
    value = "https://digest.example.org" if key == "base_url" else "bounces@example.org"
    with pytest.raises(InputError) as error:
        renderer(config(tmp_path, f'{key} = "{value}"'))
    assert str(error.value) == (
        f'for [mail] {key}, a secret such as python -c "import secrets; print(secrets.token_urlsafe(32))" prints is '
        "needed: set AGGREGATOR_SECRET, or AGGREGATOR_SECRET_FILE to the path of a file that holds it"
    )


def test_a_short_secret_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGREGATOR_SECRET", "hunter2")
    with pytest.raises(InputError, match="AGGREGATOR_SECRET holds a secret of fewer than 32 characters") as error:
        renderer(config(tmp_path, 'base_url = "https://digest.example.org"'))
    assert "hunter2" not in str(error.value)


def test_the_secret_signs_links_and_return_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n{'o' * 40}\n", encoding="utf-8")
    monkeypatch.setenv("AGGREGATOR_SECRET_FILE", str(tmp_path / "secret"))
    whole = config(tmp_path, 'base_url = "https://digest.example.org/"\nreturn_path = "bounces@example.org"')
    message = renderer(whole).render(digest(), "kim@example.org", NOW)
    signing = keys(whole)
    assert signing is not None
    assert f".{read_return_path(signing, message.sender)}@" in message.message_id
    head = message_from_bytes(message.raw)
    assert head["List-Unsubscribe"].startswith("<https://digest.example.org/u/")
    assert SECRET.encode() not in message.raw


def test_a_missing_dkim_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"for \[mail\] dkim_selector, an RSA key in PEM is needed: set AGGREGATOR_DKIM"
    ):
        renderer(config(tmp_path, 'dkim_selector = "s1"'))


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the key and is not here")
def test_the_dkim_key_signs_for_the_domain_of_the_sender(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGREGATOR_DKIM_KEY", private_key())
    message = renderer(config(tmp_path, 'dkim_selector = "s1"')).render(digest(), "kim@example.org", NOW)
    assert b" d=example.org;" in message.raw.partition(b"\r\nFrom:")[0]
    assert b" s=s1;" in message.raw.partition(b"\r\nFrom:")[0]


def test_what_comes_back_needs_a_secret_which_no_reader_can_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = renderer(config(tmp_path, "")).render(digest(), "kim@example.org", NOW)
    box = config(tmp_path, '[bounces]\nmaildir = "Maildir"')
    with pytest.raises(InputError, match=r"^for \[bounces\], a secret such as"):
        renderer(box)
    made = []
    for secret in ("s" * 40, "s" * 40, "t" * 40):
        monkeypatch.setenv("AGGREGATOR_SECRET", secret)
        made.append(renderer(box).render(digest(), "kim@example.org", NOW))
    assert made[0] == made[1], "the same message has the same bytes whenever it is made"
    assert len({message.message_id for message in (plain, *made)}) == 3


def test_a_secret_that_is_no_text_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGGREGATOR_SECRET", "\udcff" * 40)
    with pytest.raises(InputError, match=r"^AGGREGATOR_SECRET is not UTF-8 text; set it anew$"):
        renderer(config(tmp_path, 'base_url = "https://digest.example.org"'))
