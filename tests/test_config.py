"""config: what is read, and that every mistake is named with its line, its key and the nearest right word."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.config import Config, example, find, load
from aggregator.config.locate import KeyPath, Lines
from aggregator.config.values import address, contact, is_loopback, sender
from aggregator.errors import ConfigError, InputError
from aggregator.model import Profile
from aggregator.secret import secret
from aggregator.sources.feed import Feed

ME = """\
[[profile]]
name = "me"
email = "me@example.org"
interests = ["speech"]

"""
BLOG = """\
[[source]]
kind = "feed"
name = "blog"
url = "https://blog.example.org/feed.xml"
"""
GOOD = ME + BLOG


def read(folder: Path, text: str) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    lines = str(caught.value).splitlines()
    for line in lines:
        assert re.match(r"config\.toml:\d+: ", line)
        assert not re.search(r"(?i)value error|input should|validation|pydantic|field required", line)
    return lines


def test_the_least_configuration_has_defaults_beside_itself(tmp_path: Path) -> None:
    config = read(tmp_path, GOOD)
    assert config.path == tmp_path / "config.toml"
    assert config.database.url == f"sqlite:///{tmp_path}/aggregator.db"
    assert config.mail.folder == tmp_path / "outbox"
    assert (config.mail.transport, config.mail.port, config.mail.security) == ("folder", 465, "tls")
    assert config.profiles == (
        Profile(
            name="me", email=("me@example.org",), schedule="weekly mon 08:00", timezone="UTC", interests=("speech",)
        ),
    )
    assert config.sources == (Feed(name="blog", url="https://blog.example.org/feed.xml"),)


def test_the_example_is_read_and_shows_every_default(tmp_path: Path) -> None:
    config = read(tmp_path, example())
    least = read(tmp_path, GOOD)
    for section in ("fetch", "embed", "mail", "schedule", "database"):
        assert getattr(config, section) == getattr(least, section)
    assert len(config.profiles[0].interests) >= 5
    kinds = [source.kind for source in config.sources]
    assert kinds[:2] == ["arxiv", "huggingface"]
    assert kinds.count("feed") == 16
    urls = [source.address for source in config.sources if isinstance(source, Feed)]
    assert all(url.startswith("https://") for url in urls)
    assert sum("reddit.com" in url for url in urls) == 1


def test_every_default_of_the_example_that_is_a_comment_is_good(tmp_path: Path) -> None:
    text = re.sub(r'(?m)^# ((?:host|port|security|user|url) = (?:"[^"]*"|\d+)).*$', r"\1", example())
    config = read(tmp_path, text)
    assert (config.mail.host, config.mail.user) == ("smtp.example.org", "digest@example.org")
    assert config.database.url == f"sqlite:///{tmp_path}/aggregator.db"


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "my.toml").write_text(
        GOOD + '[mail]\nfolder = "sent"\n[database]\nurl = "sqlite:////var/lib/a.db"\n'
    )
    config = load(Path("in/my.toml"))
    assert config.path == tmp_path / "in" / "my.toml"
    assert config.mail.folder == tmp_path / "in" / "sent"
    assert config.database.url == "sqlite:////var/lib/a.db"


def test_a_byte_order_mark_and_dos_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load(path).profiles[0].name == "me"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("speech", "").replace("\n", "\r\n").encode())
    with pytest.raises(ConfigError, match=r"^config\.toml:4: interests: "):
        load(path)


def test_the_port_follows_the_security(tmp_path: Path) -> None:
    mail = '[mail]\ntransport = "smtp"\nsender = "d@example.org"\nhost = "localhost"\n'
    assert read(tmp_path, GOOD + mail + 'security = "starttls"\n').mail.port == 587
    assert read(tmp_path, GOOD + mail + 'security = "none"\nport = 1025\n').mail.port == 1025


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("interests =", "intrests =", "4: intrests: there is no such key (did you mean `interests`?)"),
        ("[[profile]]", "[[profil]]", "1: profil: there is no such section (did you mean `profile`?)"),
        ("[[profile]]", "[profile]", "1: profile: must be written [[profile]], in double brackets"),
        ('"me@example.org"', '["me@example.org", "you"]', "3: email: 'you' is not a mail address"),
        ('"me@example.org"', "[]", "3: email: must not be empty"),
        ('"me@example.org"', "7", "3: email: must be a list"),
        ('["speech"]', '"speech"', "4: interests: must be a list"),
        ('["speech"]', '["speech",\n\n " "]', "6: interests: must not be empty"),
        ('["speech"]', "[\n 1]", "5: interests: must be a text in quotes, not 1"),
        ('interests = ["speech"]', "", "1: interests: is missing"),
        ('name = "me"', 'name = ""', "2: name: must not be empty"),
        ('name = "me"', 'name = "me"\nmax_entries = "9"', "3: max_entries: must be a whole number, not '9'"),
        ('name = "me"', 'name = "me"\nmax_entries = 9.5', "3: max_entries: must be a whole number, not 9.5"),
        ('name = "me"', 'name = "me"\nmax_entries = true', "3: max_entries: must be a whole number, not true"),
        ('name = "me"', 'name = "me"\nmax_entries = 0', "3: max_entries: must be 1 or more, not 0"),
        ('name = "me"', 'name = "me"\nmax_entries = 201', "3: max_entries: must be 200 or less, not 201"),
        ('name = "me"', 'name = "me"\nmin_score = 1.5', "3: min_score: must be 1 or less, not 1.5"),
        ('name = "me"', 'name = "me"\nmin_score = nan', "3: min_score: must be 1 or less, not nan"),
        ('name = "me"', 'name = "me"\nsend_empty = "no"', "3: send_empty: must be true or false, not 'no'"),
        (
            'name = "me"',
            'name = "me"\ntimezone = "Berlin"',
            "3: timezone: 'Berlin' is no time zone (did you mean `Europe",
        ),
        ('name = "me"', 'name = "me"\ntimezone = "../x"', "3: timezone: '../x' is no time zone"),
        (
            'name = "me"',
            'name = "me"\nschedule = "weekly"',
            "3: schedule: 'weekly' is no schedule (did you mean `weekly",
        ),
        (
            'kind = "feed"',
            'kind = "feeds"',
            "7: kind: there is no kind 'feeds' (did you mean `feed`?); there are: arxiv",
        ),
        ('kind = "feed"', "kind = 1", "7: kind: there is no kind 1; there are: arxiv"),
        ('kind = "feed"', "", "6: kind: is missing; it is one of arxiv"),
        ("https://blog", "ftp://blog", "9: url: 'ftp://blog.example.org/feed.xml' is no http or https address"),
        ("url =", "uri =", "9: uri: there is no such key (did you mean `url`?)"),
        ('kind = "feed"', 'kind = "feed"\nevery_hours = 0', "8: every_hours: must be more than 0, not 0"),
        ('kind = "feed"', 'kind = "feed"\npost_kind = "papers"', "8: post_kind: is 'papers' and must be one of"),
        ('kind = "feed"', 'kind = "feed"\nApi-Token = "x1"', "8: Api-Token: secrets do not belong into this file"),
    ],
)
def test_a_mistake_has_its_line(tmp_path: Path, old: str, new: str, line: str) -> None:
    assert old in GOOD
    found = mistakes(tmp_path, GOOD.replace(old, new, 1))
    assert any(one.startswith(f"config.toml:{line}") for one in found), found
    assert len(found) == (2 if "profil]" in new else 1)


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("[mial]\n", "10: mial: there is no such section (did you mean `mail`?)"),
        (
            '[mail]\ntransport = "smpt"\n',
            "11: transport: is 'smpt' and must be one of folder, maildir, smtp or sendmail (did you mean `smtp`?)",
        ),
        ('[mail]\nsender = "me"\n', "11: sender: 'me' is not"),
        ('[mail]\nbase_url = "example.org"\n', "11: base_url: 'example.org' is no http or https address"),
        ('[mail]\ntransport = "smtp"\nhost = "m.example.org"\n', "10: sender: is missing"),
        ('[mail]\ntransport = "smtp"\nsender = "d@example.org"\n', "10: host: is missing"),
        (
            '[mail]\ntransport = "smtp"\nsender = "d@example.org"\nhost = "m.example.org"\nsecurity = "none"\n',
            '14: security: "none" is only for this machine itself, not for m.example.org',
        ),
        ('[mail]\nsecurity = "ssl"\n', "11: security: is 'ssl' and must be one of tls, starttls or none"),
        ("[mail]\nport = 70000\n", "11: port: must be 65535 or less, not 70000"),
        ("[mail]\nfolder = 3\n", "11: folder: "),
        ('[mail]\nfolder = "a\\u0000b"\n', "11: folder: 'a\\x00b' has a control character"),
        ('[embed]\nmodel = "a\\u0007b"\n', "11: model: 'a\\x07b' has a control character"),
        ('mail = "smtp"\n', "10: mail: "),
        ('[[mail]]\ntransport = "folder"\n', "10: mail: must be a section: write [mail] once"),
        ('[mail.smtp]\nhost = "x"\n', "10: smtp: there is no such key"),
        ('[mail]\nhost = "mail..example.org"\n', "11: host: 'mail..example.org' is no name of a machine"),
        ('[mail]\nhost = ".example.org"\n', "11: host: '.example.org' is no name of a machine"),
        (f'[mail]\nhost = "{"x" * 64}.org"\n', f"11: host: '{'x' * 64}.org' is no name of a machine"),
        ('[bounces]\nhost = "m..example.org"\nuser = "u"\n', "11: host: 'm..example.org' is no name of a machine"),
        ('[mail]\npassword = "hunter2"\n', "11: password: secrets do not belong into this file"),
        ('[fetch]\ncontact = "me"\n', "11: contact: 'me' must be a web page"),
        ('[fetch]\nallow = ["10.0.0.0/8",\n"lan"]\n', "12: allow: 'lan' is no network"),
        ("[fetch]\nworkers = 0\n", "11: workers: must be 1 or more, not 0"),
        ("[fetch]\ndeadline_seconds = inf\n", "11: deadline_seconds: must be 600 or less, not inf"),
        ('[mail]\ntransport = "maildir"\n', '10: sender: is missing; transport "maildir" needs who the mail is from'),
        (
            '[mail]\ntransport = "sendmail"\nsender = "d@example.org"\nsendmail = "sendmail"\n',
            "13: sendmail: sendmail is a relative path; write it whole",
        ),
        ('[bounces]\nhost = "m.example.org"\n', "10: user: is missing; a host needs a login"),
        ('[bounces]\nmaildir = "x"\nhost = "m"\nuser = "u"\n', "12: host: cannot stand beside maildir"),
        ('[bounces]\nfolder = "Bounces"\n', "10: maildir: is missing, and so is host"),
        (
            '[bounces]\nhost = "m.example.org"\nuser = "u"\nsecurity = "none"\n',
            '13: security: "none" is only for this machine itself, not for m.example.org',
        ),
        ('[bounces]\npassword = "hunter2"\n', "11: password: secrets do not belong into this file"),
        ("[schedule]\ntick_minutes = 0\n", "11: tick_minutes: must be more than 0, not 0"),
        ('[embed]\nmodel = ""\n', "11: model: must not be empty"),
        ('[database]\nurl = "mysql://me:hunter2@x/y"\n', "11: url: must be sqlite:///FILE or postgresql+psycopg://"),
        ('[database]\nurl = "sqlite://"\n', "11: url: must be sqlite:///FILE"),
        (BLOG, "12: name: there is another source called 'blog'; rename one"),
        (ME, "11: name: there is another profile called 'me'; rename one"),
    ],
)
def test_a_mistake_in_a_section_has_its_line(tmp_path: Path, more: str, line: str) -> None:
    text = GOOD + more if more[0] == "[" else GOOD.replace("[[source]]", "[[source]]")
    if more[0] != "[":
        text, line = more + GOOD, line.replace("10:", "1:")
    (found,) = mistakes(tmp_path, text)
    assert found.startswith(f"config.toml:{line}"), found
    assert "hunter2" not in found


def test_all_mistakes_are_named_at_once_in_their_order(tmp_path: Path) -> None:
    text = GOOD.replace("speech", "").replace("https:", "gopher:") + '[mail]\ntransprot = "smtp"\n'
    assert [line.split(": ")[:2] for line in mistakes(tmp_path, text)] == [
        ["config.toml:4", "interests"],
        ["config.toml:9", "url"],
        ["config.toml:11", "transprot"],
    ]


def test_an_empty_file_lacks_a_profile_and_a_source(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "") == [
        "config.toml:1: profile: is missing: there must be at least one [[profile]]",
        "config.toml:1: source: is missing: there must be at least one [[source]]",
    ]
    assert mistakes(tmp_path, ME) == ["config.toml:5: source: is missing: there must be at least one [[source]]"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a = 1\nname = "me\nb = 2\n', "2: this is not TOML: the line ends inside a text; is a quote missing?"),
        ("[mail]\n[mail]\n", "2: this is not TOML: "),
        ("a = [1,\n\n", "2: this is not TOML: "),
        ("a = 1\n\nb = yes\n", "3: this is not TOML: "),
    ],
)
def test_what_is_no_toml_has_its_line(tmp_path: Path, text: str, line: str) -> None:
    (found,) = mistakes(tmp_path, text)
    assert found.startswith(f"config.toml:{line}")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    with pytest.raises(InputError, match=re.escape(f"(looked for {path}); `aggregator init` writes one")):
        load(path)
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load(tmp_path)
    path.write_bytes(b"# one\n# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"^config\.toml:2: this is not UTF-8"):
        load(path)


def test_the_search_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: home / name)
    with pytest.raises(InputError, match=r"no config\.toml found .*paper-aggregator.*`aggregator init` writes one"):
        find(None, {}, tmp_path)
    (home / "paper-aggregator").mkdir(parents=True)
    (home / "paper-aggregator" / "config.toml").touch()
    assert find(None, {}, tmp_path) == home / "paper-aggregator" / "config.toml"
    (tmp_path / "config.toml").touch()
    assert find(None, {"AGGREGATOR_CONFIG": ""}, tmp_path) == tmp_path / "config.toml"
    assert find(None, {"AGGREGATOR_CONFIG": "lab.toml"}, tmp_path) == tmp_path / "lab.toml"
    assert find(Path("/x/a.toml"), {"AGGREGATOR_CONFIG": "lab.toml"}, tmp_path) == Path("/x/a.toml")


def test_a_secret_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("hunter2 \n")
    assert secret("A", {"A": "x"}) == "x"
    assert secret("A", {"A": "x", "A_FILE": ""}) == "x"
    assert secret("A", {"A": "", "A_FILE": str(file)}) == "hunter2 "


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({}, "set A, or A_FILE"),
        ({"A": "", "A_FILE": ""}, "set A, or A_FILE"),
        ({"A": "hunter2", "A_FILE": "/nowhere"}, "both A and A_FILE are set"),
        ({"A_FILE": "/nowhere/at/all"}, "A_FILE names /nowhere/at/all, which cannot be read: No such file"),
        ({"A_FILE": "/dev/null"}, "A_FILE names /dev/null, which is empty"),
    ],
)
def test_a_secret_that_is_not_there_once(environ: dict[str, str], text: str) -> None:
    with pytest.raises(InputError, match=text) as caught:
        secret("A", environ)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["me@example.org", "a.b+c@sub.example.org", "o'neil@example.co"])
def test_addresses(text: str) -> None:
    assert address(text) == text


def test_a_domain_of_another_script_becomes_ascii() -> None:
    assert address("me@bücher.example") == "me@xn--bcher-kva.example"
    assert sender("Bücher <me@BÜCHER.example>") == "Bücher <me@xn--bcher-kva.example>"
    persian = "می\u200cدرخش"  # spelt with a non-joiner
    assert sender(f"{persian} <me@example.org>") == f"{persian} <me@example.org>"


@pytest.mark.parametrize(
    "text",
    [
        "", "me", "@example.org", "me@", "me@localhost", "me@@example.org", "a@b@example.org", "Me <me@example.org>",
        "me@example.org, you@example.org", "me@example.org\nBcc: you@example.org", "m e@example.org", ".me@example.org",
        "me.@example.org", "m..e@example.org", "me@-example.org", "me@example..org", "me@example.org.", "me@10.0.0.1",
        "mé@example.org", '"me"@example.org', "me@[127.0.0.1]", "me(x)@example.org", "m" * 65 + "@example.org",
    ],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a mail address; write it like me@example\.org"):
        address(text)


@pytest.mark.parametrize(
    "text", ["A\nB <me@example.org>", "A <me@example>", "<a> <me@example.org>", "A <me@example.org> B"]
)
def test_what_is_no_sender(text: str) -> None:
    with pytest.raises(ValueError, match="write it like"):
        sender(text)


@pytest.mark.parametrize(
    "text", ["", "example.org", "ftp://x.org", "https://", "https://a b.org", "https://me:pw@x.org/"]
)
def test_what_is_no_contact(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        contact(text)


@pytest.mark.parametrize(
    ("host", "answer"),
    [("localhost", True), ("127.0.0.9", True), ("::1", True), ("localhost.example.org", False), ("10.0.0.1", False)],
)
def test_this_machine_itself(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer


DOCUMENT = '''\
top = 1                                  # [no.table]
"quoted key".sub = """
[not.a.table]
x = 1 """
[a.b]
list = [1, # one ]
  "]", [
  2], { k = "}", 'l' = """
""", m = 3 },
]
[[t]]
x = 1
[t.inner]
y = 'it\\'
[[t]]
x = 2
[[t.deep]]
z = 1979-05-27 07:32:00
[[t.deep]]
"z" = {}
'''


def leaves(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    if path:
        yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield from leaves(member, (*path, name))


def test_every_key_of_a_document_is_on_its_line() -> None:
    lines = Lines(DOCUMENT)
    expected: dict[KeyPath, int] = {
        ("top",): 1,
        ("quoted key",): 2,
        ("quoted key", "sub"): 2,
        ("a",): 5,
        ("a", "b"): 5,
        ("a", "b", "list"): 6,
        ("a", "b", "list", 0): 6,
        ("a", "b", "list", 1): 7,
        ("a", "b", "list", 2): 7,
        ("a", "b", "list", 2, 0): 8,
        ("a", "b", "list", 3): 8,
        ("a", "b", "list", 3, "k"): 8,
        ("a", "b", "list", 3, "l"): 8,
        ("a", "b", "list", 3, "m"): 9,
        ("t",): 11,
        ("t", 0): 11,
        ("t", 0, "x"): 12,
        ("t", 0, "inner"): 13,
        ("t", 0, "inner", "y"): 14,
        ("t", 1): 15,
        ("t", 1, "x"): 16,
        ("t", 1, "deep"): 17,
        ("t", 1, "deep", 0): 17,
        ("t", 1, "deep", 0, "z"): 18,
        ("t", 1, "deep", 1): 19,
        ("t", 1, "deep", 1, "z"): 20,
    }
    assert set(leaves(tomllib.loads(DOCUMENT))) == set(expected)
    assert {path: lines.line(path) for path in expected} == expected
    assert lines.line(("t", 1, "missing")) == 15
    assert lines.line(("missing", 0)) == 20


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters='"\\'), max_size=12)


@given(st.lists(st.tuples(TEXTS, st.integers(1, 4)), min_size=1, max_size=8), st.booleans())
def test_lines_of_lists_whatever_they_hold(members: list[tuple[str, int]], inside: bool) -> None:
    text = "[[t]]\nlist = [" if inside else "list = ["
    expected = []
    for member, breaks in members:
        text += "\n" * breaks + f'"{member}", # ] " {member}'.replace("\n", "")
        expected.append(text.count("\n") + 1)
    path: KeyPath = ("t", 0, "list") if inside else ("list",)
    lines = Lines(text + "\n]\n")
    assert [lines.line((*path, number)) for number in range(len(members))] == expected
