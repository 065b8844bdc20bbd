"""opml: lists of feeds are read whatever their form, written so that nothing is lost, and refused by line."""

import tomllib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from aggregator.cli import cli
from aggregator.config import load
from aggregator.errors import InputError
from aggregator.opml import MAX_BYTES, Feed, name_for, read, source_table, write
from tests.test_cli_errors import CONFIG, aggregator, one_line

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def document(body: str) -> bytes:
    return f'<?xml version="1.0"?>\n<opml version="1.1">\n<body>\n{body}\n</body>\n</opml>\n'.encode()


def run(folder: Path, *arguments: str) -> Result:
    config = folder / "config.toml"
    if not config.exists():
        config.write_text(CONFIG)
    return CliRunner().invoke(
        cli, ["--config", str(config), "--now", "2026-11-20", "opml", *arguments], standalone_mode=False
    )


def imported(folder: Path, body: bytes, *options: str) -> Result:
    (folder / "feeds.opml").write_bytes(body)
    return run(folder, "import", str(folder / "feeds.opml"), *options)


# --- reading ---------------------------------------------------------------------------------------------------------


def test_feeds_are_found_in_folders_whatever_the_letter_case() -> None:
    found = read(
        document(
            '<outline text="Speech"><outline text="Labs">\n'
            '<outline type="rss" text="a" title="A &amp; B" xmlUrl="https://a.example.org/?x=1&amp;y=2"/>\n'
            '</outline></outline>\n<OUTLINE TITLE=" B  b " XMLURL="http://b.example.org/ feed" HTMLURL="https://b.example.org/"/>'
        ),
        "f",
    )
    assert found.bad == ()
    assert found.feeds == (
        Feed("A & B", "https://a.example.org/?x=1&y=2", "", 5),
        Feed("B b", "http://b.example.org/%20feed", "https://b.example.org/", 7),
    )


def test_a_feed_in_a_feed_and_a_feed_without_title_are_feeds() -> None:
    found = read(
        document('<outline xmlUrl="https://a.org/"><outline xmlUrl="https://b.org/" htmlUrl="x"/></outline>'), "f"
    )
    assert found.feeds == (
        Feed("", "https://a.org/", "", 4),
        Feed("", "https://b.org/", "", 4),
    )


def test_bad_rows_have_their_lines() -> None:
    found = read(
        document(
            '<outline type="rss" title="No address"/>\n<outline xmlUrl="ftp://a.example.org/" text="F"/>\n'
            '<outline text="Empty folder"></outline>\n<outline xmlUrl="javascript:alert(1)"/>\n<outline/>'
        ),
        "f",
    )
    assert found.feeds == ()
    assert [(row.line, row.text) for row in found.bad] == [
        (4, "No address: there is no xmlUrl, and so no feed"),
        (5, "F: 'ftp://a.example.org/' is no http or https address"),
        (6, "Empty folder: there is no xmlUrl, and so no feed"),
        (7, "'javascript:alert(1)' is no http or https address"),
        (8, "there is no xmlUrl, and so no feed"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_encodings_are_read_as_declared(encoding: str) -> None:
    body = f'<?xml version="1.0" encoding="{encoding}"?><opml><outline text="Käse" xmlUrl="https://a.org/"/></opml>'
    assert read(body.encode(encoding), "f").feeds[0].title == "Käse"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", r"^f:1: this is not XML: no element found"),
        (b"<opml>\n<body>\n<outline>\n</body></opml>", r"^f:4: this is not XML: mismatched tag"),
        (b"<opml>\n<body>\n<outline text='a' xmlUrl='https://a.org/", r"^f:3: this is not XML: unclosed token"),
        (b"<opml>\n<outline text='&nbsp;'/></opml>", r"^f:2: this is not XML: undefined entity"),
        (b"<html>\n</html>", r"^f:1: this is no OPML: it begins with <html>"),
        (b"<rss/>", r"^f:1: this is no OPML: it begins with <rss>"),
        (b"{}", r"^f:1: this is not XML"),
        (b"<?xml version='1.0' encoding='klingon'?><opml/>", r"^f:1: this "),
        (b"<?xml version='1.0'?>\n<!DOCTYPE opml>\n<opml/>", r"^f:2: a document type is not read"),
        (
            b"<!DOCTYPE a [<!ENTITY x 'xxxxxxxxxx'><!ENTITY y '&x;&x;&x;&x;&x;'>]>\n<opml>&y;</opml>",
            r"^f:1: a document type is not read",
        ),
        (b"<opml>" + b"<outline>" * 200, r"^f:1: more than 100 elements stand in one another"),
        (b" " * (MAX_BYTES + 1), r"^f has more than 8 MiB"),
    ],
)
def test_what_is_no_list_of_feeds_is_refused_by_line(body: bytes, text: str) -> None:
    with pytest.raises(InputError, match=text):
        read(body, "f")


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"<opml>{text}</opml>".encode("utf-8", "replace"))
)
def test_nothing_but_an_input_error_comes_of_any_bytes(body: bytes) -> None:
    with suppress(InputError):
        assert all(feed.url.startswith("http") for feed in read(body, "f").feeds)


# --- writing ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.text(max_size=30), st.from_regex(r"https://[a-z]{1,9}\.org/[!-~]{0,20}", fullmatch=True))))
def test_what_is_written_is_read_again(rows: list[tuple[str, str]]) -> None:
    feeds = [Feed(title, url) for title, url in rows]
    found = read(write(feeds, NOW), "f")
    assert found.bad == ()
    assert [feed.url for feed in found.feeds] == [url for _, url in rows]


def test_the_document_is_opml_2() -> None:
    body = write([Feed('A "b" & <c>\n\x00', "https://a.org/?x=1&y=2", "https://a.org/")], NOW)
    root = ElementTree.fromstring(body)
    assert (root.tag, root.get("version")) == ("opml", "2.0")
    assert root.findtext("head/dateCreated") == "Fri, 20 Nov 2026 12:00:00 +0000"
    outline = root.find("body/outline")
    assert outline is not None
    assert outline.attrib == {
        "type": "rss", "text": 'A "b" & <c>\n', "title": 'A "b" & <c>\n',
        "xmlUrl": "https://a.org/?x=1&y=2", "htmlUrl": "https://a.org/",
    }  # fmt: skip


@given(st.dictionaries(st.sampled_from(["url", "title"]), st.text(st.characters(codec="utf-8"))))
def test_a_table_is_toml(values: dict[str, str]) -> None:
    assert tomllib.loads(source_table(values))["source"] == [values]


def test_a_table_may_hold_lists_and_numbers() -> None:
    values = {"categories": ["cs.SD"], "every_hours": 2, "none": [], "on": True}
    assert tomllib.loads(source_table(values))["source"] == [values]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("The Gradient", "the-gradient"),
        ("Lil'Log", "lillog"),
        ("  Ünïcode — Blog!  ", "unicode-blog"),
        ("Хакер", "feeds-example-org"),
        ("x" * 100, "x" * 60),
        ("taken", "taken-3"),
    ],
)
def test_names_are_slugs(title: str, name: str) -> None:
    assert name_for(Feed(title, "https://www.feeds.example.org/x"), {"taken", "taken-2"}) == name


# --- import ----------------------------------------------------------------------------------------------------------


def test_an_import_adds_to_the_end_and_leaves_all_else(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("# mine\n" + CONFIG.rstrip("\n") + "  # the end")
    config.chmod(0o640)
    result = imported(tmp_path, document('<outline text="New feed" xmlUrl="https://new.example.org/"/>'))
    assert result.return_value == 0
    assert config.read_text() == (
        "# mine\n" + CONFIG.rstrip("\n") + "  # the end\n"
        '\n[[source]]\nkind = "feed"\nname = "new-feed"\ntitle = "New feed"\nurl = "https://new.example.org/"\n'
    )
    assert config.stat().st_mode & 0o777 == 0o640
    assert [source.name for source in load(config).sources] == ["blog", "new-feed"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml", "feeds.opml"]
    assert "added new-feed  https://new.example.org/" in result.output
    assert result.output.splitlines()[-1] == "config.toml: 1 of 1 rows added, 0 there already, 0 bad"


def test_duplicates_and_bad_rows_are_told_by_line(tmp_path: Path) -> None:
    result = imported(
        tmp_path,
        document(
            '<outline text="Blog" xmlUrl="http://www.blog.example.org/feed.xml/"/>\n'
            '<outline text="N" xmlUrl="https://new.example.org/?b=1&amp;a=2"/>\n'
            '<outline text="N again" xmlUrl="https://new.example.org/?a=2&amp;b=1"/>\n'
            '<outline text="Blog" xmlUrl="https://other.example.org/"/>\n'
            '<outline type="rss" text="None"/>\n'
            '<outline text="Login" xmlUrl="https://me:hunter2@new.example.org/private"/>'
        ),
    )
    assert result.return_value == 1
    assert "feeds.opml:4: http://www.blog.example.org/feed.xml/ is there already, as blog" in result.output
    assert "feeds.opml:6: https://new.example.org/?a=2&b=1 is there already, as n" in result.output
    assert "feeds.opml:8: None: there is no xmlUrl" in result.stderr
    assert "feeds.opml:9: Login: its address holds a login, which is not copied" in result.stderr
    assert "hunter2" not in result.output + (tmp_path / "config.toml").read_text()
    assert [source.name for source in load(tmp_path / "config.toml").sources] == ["blog", "n", "blog-2"]


def test_what_the_catalogue_brought_is_a_duplicate_too(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG + '[[source]]\nuse = "yannic-kilcher"\n')
    feed = "https://www.youtube.com/feeds/videos.xml?channel_id=UCZHmQk67mSJgfCCTn7xBfew"
    result = imported(tmp_path, document(f'<outline text="Y" xmlUrl="{feed}"/>'))
    assert "is there already, as yannic-kilcher" in result.output


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    result = imported(tmp_path, document('<outline text="N" xmlUrl="https://new.example.org/"/>'), "--dry-run")
    assert "would add n  https://new.example.org/" in result.output
    assert (tmp_path / "config.toml").read_text() == CONFIG


def test_a_second_import_adds_nothing(tmp_path: Path) -> None:
    body = document('<outline text="N" xmlUrl="https://new.example.org/"/>')
    imported(tmp_path, body)
    before = (tmp_path / "config.toml").read_text()
    assert "0 of 1 rows added, 1 there already" in imported(tmp_path, body).output
    assert (tmp_path / "config.toml").read_text() == before


def test_dos_line_ends_and_links_are_kept(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real = tmp_path / "real" / "mine.toml"
    real.write_bytes(b"\xef\xbb\xbf" + CONFIG.replace("\n", "\r\n").encode())
    (tmp_path / "config.toml").symlink_to(real)
    imported(tmp_path, document('<outline text="N" xmlUrl="https://new.example.org/"/>'))
    assert (tmp_path / "config.toml").is_symlink()
    assert b"\n" not in real.read_bytes().replace(b"\r\n", b"")
    assert [source.name for source in load(real).sources] == ["blog", "n"]


def test_a_configuration_that_cannot_take_it_is_left_as_it_was(tmp_path: Path) -> None:
    profile = CONFIG.split("[[source]]")[0]
    text = 'source = [{ kind = "feed", name = "blog", url = "https://blog.example.org/feed.xml" }]\n' + profile
    (tmp_path / "config.toml").write_text(text)
    result = imported(tmp_path, document('<outline text="N" xmlUrl="https://new.example.org/"/>'))
    assert isinstance(result.exception, InputError)
    assert "was left as it was" in str(result.exception)
    assert (tmp_path / "config.toml").read_text() == text
    assert len(list(tmp_path.iterdir())) == 2


def test_json_of_an_import(tmp_path: Path) -> None:
    result = imported(
        tmp_path, document('<outline text="N" xmlUrl="https://n.org/"/><outline/>'), "--json", "--dry-run"
    )
    assert '"name": "n"' in result.stdout
    assert '"line": 4' in result.stdout
    assert result.return_value == 1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<opml>\n<body>\n</opml>", r"feeds\.opml:3: this is not XML: mismatched tag"),
        (b"<!DOCTYPE opml>\n<opml/>", r"feeds\.opml:1: a document type is not read"),
    ],
)
def test_a_broken_file_is_one_line_and_changes_nothing(tmp_path: Path, body: bytes, text: str) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "feeds.opml").write_bytes(body)
    one_line(aggregator(tmp_path, "opml", "import", "feeds.opml"), 2, text)
    assert (tmp_path / "config.toml").read_text() == CONFIG


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    one_line(aggregator(tmp_path, "opml", "import", "none.opml"), 2, r"none\.opml cannot be read: No such file")


# --- export, and there and back --------------------------------------------------------------------------------------


def test_feeds_are_exported_with_their_pages(tmp_path: Path) -> None:
    text = CONFIG + "".join(
        f'[[source]]\nuse = "{name}"\n' for name in ("whisper", "reddit-speechtech", "openai-news", "arxiv")
    )
    (tmp_path / "config.toml").write_text(text)
    result = run(tmp_path, "export")
    found = {feed.title: (feed.url, feed.page) for feed in read(result.stdout_bytes, "f").feeds}
    assert found == {
        "blog": ("https://blog.example.org/feed.xml", ""),
        "Whisper: releases": ("https://github.com/openai/whisper/releases.atom", "https://github.com/openai/whisper"),
        "r/speechtech": (
            "https://www.reddit.com/r/speechtech/top/.rss?t=week",
            "https://www.reddit.com/r/speechtech",
        ),
        "OpenAI News": ("https://openai.com/news/rss.xml", "https://openai.com"),
    }
    assert result.stderr.endswith("wrote 4 feeds; 1 sources are no feeds and have no place in OPML\n")


def test_no_secret_is_exported_in_silence(tmp_path: Path) -> None:
    text = CONFIG + (
        '[[source]]\nkind = "feed"\nname = "login"\nurl = "https://me:hunter2@a.example.org/feed"\n'
        '[[source]]\nkind = "feed"\nname = "key"\nurl = "https://b.example.org/feed?auth=abc"\n'
    )
    (tmp_path / "config.toml").write_text(text)
    result = run(tmp_path, "export", str(tmp_path / "out.opml"))
    assert "hunter2" not in (tmp_path / "out.opml").read_text() + result.output
    assert "login: the login in its address was left out; --with-logins keeps it" in result.stderr
    assert "key: its address seems to hold a key" in result.stderr
    result = run(tmp_path, "export", str(tmp_path / "out.opml"), "--with-logins")
    assert "https://me:hunter2@a.example.org/feed" in (tmp_path / "out.opml").read_text()


def test_two_hundred_feeds_go_there_and_back(tmp_path: Path) -> None:
    feeds = [
        Feed(f"Feed {n} & co — “{chr(0x400 + n)}”", f"https://feeds{n % 7}.example.org/{n}?a={n}&b=%20#x", "", 0)
        for n in range(200)
    ]
    imported(tmp_path, write(feeds, NOW))
    run(tmp_path, "export", str(tmp_path / "out.opml"))
    first = read((tmp_path / "out.opml").read_bytes(), "f").feeds
    assert [feed.url for feed in first][1:] == [feed.url for feed in feeds]
    assert [feed.title for feed in first][1:] == [feed.title for feed in feeds]

    before = load(tmp_path / "config.toml").sources
    (tmp_path / "config.toml").write_text(CONFIG)
    run(tmp_path, "import", str(tmp_path / "out.opml"))
    assert load(tmp_path / "config.toml").sources == before


def test_no_login_and_no_key_is_printed(tmp_path: Path) -> None:
    rows = (
        '<outline xmlUrl="https://bob:hunter2@a.example.org/f"/>\n<outline xmlUrl="ftp://bob:hunter2@a.example.org/f?key=s3"/>\n'
        '<outline xmlUrl="https://bob:hunter2@[bad/f"/>'
    )
    result = imported(tmp_path, document(rows))
    assert "hunter2" not in result.output + result.stderr
    assert "s3" not in result.output + result.stderr


def test_what_old_readers_call_a_feed_is_one() -> None:
    rows = '<outline xmlUrl="feed://a.example.org/f"/><outline xmlUrl="feed:https://b.example.org/f"/>'
    assert [feed.url for feed in read(document(rows), "f").feeds] == [
        "http://a.example.org/f",
        "https://b.example.org/f",
    ]


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    run(tmp_path, "export", "/dev/null")
    assert Path("/dev/null").is_char_device()
