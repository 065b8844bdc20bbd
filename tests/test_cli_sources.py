"""sources, the command: the catalogue is listed, shown, tried and printed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator import app
from aggregator.catalogue import catalogue
from aggregator.catalogue.table import markdown
from aggregator.cli import cli
from aggregator.config import Config, load
from aggregator.errors import ConfigError, InputError
from aggregator.fetch import Fetcher
from tests.fakes import Answer, Pages, fetcher_over, pages
from tests.test_cli_errors import CONFIG, aggregator, one_line

RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>Blog</title>
<item><title>One</title><link>https://a.org/1</link><pubDate>Mon, 16 Nov 2026 08:00:00 GMT</pubDate></item>
<item><title>Two</title><link>https://a.org/2</link><pubDate>Tue, 17 Nov 2026 08:00:00 GMT</pubDate></item>
</channel></rss>"""
EMPTY = '<?xml version="1.0"?><rss version="2.0"><channel><title>Blog</title></channel></rss>'
ASSEMBLY = "https://www.assemblyai.com/blog/rss/"
DEEPGRAM = "https://deepgram.com/learn/rss.xml"

Network = Callable[[dict[str, Answer]], Pages]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--now", "2026-11-20", *arguments], standalone_mode=False)


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without config.toml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AGGREGATOR_CONFIG", raising=False)


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Network:
    """Puts pages in the network's place."""

    def put(answers: dict[str, Answer]) -> Pages:
        network = pages(answers)

        def fetcher(config: Config) -> Fetcher:
            return fetcher_over(network, tmp_path)

        monkeypatch.setattr(app, "open_fetcher", fetcher)
        return network

    return put


# --- list ------------------------------------------------------------------------------------------------------------


def test_all_channels_are_listed() -> None:
    result = run("sources")
    lines = result.output.splitlines()
    assert lines[0].split() == ["name", "kind", "state", "topics", "packs"]
    assert [line.split()[0] for line in lines[1:]] == [channel.name for channel in catalogue().channels]
    assert result.return_value == 0


def test_a_pack_and_a_topic_narrow_the_list() -> None:
    packed = run("sources", "--pack", "asr-starter").output.splitlines()[1:]
    assert [line.split()[0] for line in packed] == [channel.name for channel in catalogue().pack("asr-starter")]
    both = run("sources", "--pack", "asr-starter", "--topic", "video").output.splitlines()[1:]
    assert [line.split()[0] for line in both] == ["yannic-kilcher", "assemblyai-videos", "huggingface-videos"]


def test_a_configuration_tells_what_is_on(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        CONFIG
        + '[[source]]\nuse = "whisper"\nname = "w"\n[[source]]\nkind = "feed"\nname = "x"\n'
        + f'url = "{ASSEMBLY}"\n'
    )
    lines = run("sources").output.splitlines()
    assert lines[0].split()[-1] == "on"
    assert [line.split()[0] for line in lines[1:] if line.endswith("  on")] == ["assemblyai-blog", "whisper"]
    assert {line.split()[-1] for line in lines[1:]} == {"on", "off"}


def test_a_broken_configuration_does_not_hide_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG + '[[source]]\nuse = "assemblyai"\n')
    result = run("sources", "--pack", "asr-starter")
    assert result.return_value == 0
    assert "assemblyai-blog" in result.stdout
    assert result.stderr.startswith(
        "aggregator: without config.toml, which cannot be used: config.toml:13: use: there is"
    )
    assert isinstance(run("--config", "config.toml", "sources").exception, ConfigError)


def test_json_has_all_that_is_known(tmp_path: Path) -> None:
    found = json.loads(run("sources", "--json").output)
    assert len(found) == len(catalogue().channels)
    assert {channel["on"] for channel in found} == {None}
    (tmp_path / "config.toml").write_text(CONFIG + '[[source]]\nuse = "whisper"\n')
    found = json.loads(run("sources", "--json", "--pack", "code").output)
    whisper = next(channel for channel in found if channel["name"] == "whisper")
    assert (whisper["on"], whisper["kind"], whisper["options"]) == (True, "feed", {"github": "openai/whisper"})


# --- show and table --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["whisper", "speech-researchers", "reddit-speechtech", "arxiv-asr"])
def test_what_is_shown_can_be_pasted(tmp_path: Path, name: str) -> None:
    output = run("sources", "show", name).output
    short, whole = output.partition("[[source]]")[2].split("which stands for:")
    sources = []
    for table in (f"[[source]]{short}", whole):
        (tmp_path / "config.toml").write_text(CONFIG.split("[[source]]")[0] + table)
        sources.append(load(tmp_path / "config.toml").sources)
    assert sources[0] == sources[1]


def test_a_channel_without_feed_shows_the_way_in() -> None:
    output = run("sources", "show", "eleutherai-discord").output
    assert "why not   Discord has no feed" in output
    assert "instead   eleutherai-blog" in output
    assert "[[source]]" not in output


def test_the_table_is_printed() -> None:
    assert run("sources", "table").output == markdown(catalogue().channels, catalogue().groups)


# --- check -----------------------------------------------------------------------------------------------------------


def test_addresses_are_tried_once_each(network: Network) -> None:
    asked = network({ASSEMBLY: RSS, DEEPGRAM: EMPTY})
    result = run("sources", "check", "assemblyai-blog", "deepgram-learn")
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["name", "state", "entries", "newest"],
        ["assemblyai-blog", "ok", "2", "2026-11-17"],
        ["deepgram-learn", "ok", "0", "-"],
    ]
    assert result.return_value == 0
    assert sorted(asked.urls) == [DEEPGRAM, ASSEMBLY]


def test_what_failed_is_told_and_the_others_are_tried(network: Network, tmp_path: Path) -> None:
    network({ASSEMBLY: 403, DEEPGRAM: RSS})
    result = run("sources", "check", "assemblyai-blog", "deepgram-learn", "--json")
    failed, good = json.loads(result.stdout)
    assert (failed["state"], failed["entries"], failed["newest"]) == ("failed", 0, None)
    assert "www.assemblyai.com" in failed["text"]
    assert "403" in failed["text"]
    assert (good["state"], good["entries"], good["newest"]) == ("ok", 2, "2026-11-17T08:00:00+00:00")
    assert result.return_value == 1
    assert not list(tmp_path.glob("*.db"))


def test_a_web_page_is_a_failure(network: Network) -> None:
    network({ASSEMBLY: "<!doctype html><html><body>Hello</body></html>"})
    assert run("sources", "check", "assemblyai-blog").return_value == 1


def test_a_pack_is_checked_whole_and_never_the_closed(network: Network) -> None:
    network({"https://huggingface.co/blog/feed.xml": RSS})
    found = json.loads(run("sources", "check", "--pack", "community", "--json").stdout)
    assert [trial["name"] for trial in found] == [channel.name for channel in catalogue().pack("community")]
    states = {trial["name"]: trial["state"] for trial in found}
    assert states["huggingface-forum"] == "failed"
    assert sorted(state for name, state in states.items() if name.startswith("reddit-")).count("failed") >= 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("sources", "show", "assemblyai"), r"no channel 'assemblyai' .*did you mean `assemblyai-blog`"),
        (("sources", "--pack", "asr"), r"no pack 'asr' .*asr-starter"),
        (("sources", "--topic", "speach"), r"no topic 'speach' .*did you mean `speech`"),
        (("sources", "check"), r"say what to check: names of channels, --pack PACK, or --all"),
        (("sources", "check", "whisper", "--all"), r"say what to check"),
        (("sources", "check", "otter-ai"), r"otter-ai cannot be checked: has no feed"),
        (("sources", "check", "whispr"), r"no channel 'whispr' .*did you mean `whisper`"),
    ],
)
def test_wrong_arguments_are_one_line(arguments: tuple[str, ...], text: str) -> None:
    with pytest.raises(InputError, match=text):
        raise run(*arguments).exception or AssertionError


def test_an_unknown_channel_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    one_line(aggregator(tmp_path, "sources", "show", "assemblyai"), 2, r"did you mean `assemblyai-blog`")
