"""config, use: channels and packs of the catalogue in [[source]] tables."""

import re
from pathlib import Path

import pytest

from aggregator.catalogue import catalogue
from aggregator.config import Config, example, load
from aggregator.config.use import as_table, source_of
from aggregator.errors import ConfigError
from aggregator.sources.feed import Feed

ME = """\
[[profile]]
name = "me"
email = "me@example.org"
interests = ["speech"]

"""


def read(folder: Path, text: str) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def names(config: Config) -> list[str]:
    return [source.name for source in config.sources]


def feed(name: str, url: str) -> str:
    return f'[[source]]\nkind = "feed"\nname = "{name}"\nurl = "{url}"\n'


def starter() -> list[str]:
    return [channel.name for channel in catalogue().pack("asr-starter")]


def test_a_channel_is_used_by_name(tmp_path: Path) -> None:
    config = read(tmp_path, ME + '[[source]]\nuse = "assemblyai-blog"\n')
    assert config.sources == (
        Feed(name="assemblyai-blog", title="AssemblyAI blog", url="https://www.assemblyai.com/blog/rss/"),
    )


def test_further_keys_stand_before_the_catalogue(tmp_path: Path) -> None:
    config = read(tmp_path, ME + '[[source]]\nuse = "whisper"\nname = "mine"\nevery_hours = 2\ngithub_feed = "tags"\n')
    assert config.sources == (Feed(name="mine", github="openai/whisper", github_feed="tags", every_hours=2),)


def test_a_pack_is_its_channels_in_order(tmp_path: Path) -> None:
    config = read(tmp_path, ME + '[[source]]\nuse = "pack:asr-starter"\n')
    assert names(config) == starter()
    assert config.sources == tuple(source_of(as_table(channel)) for channel in catalogue().pack("asr-starter"))


def test_every_hours_is_for_all_of_a_pack(tmp_path: Path) -> None:
    config = read(tmp_path, ME + '[[source]]\nuse = "pack:asr-starter"\nevery_hours = 12\n')
    assert {source.every_hours for source in config.sources} == {12}


@pytest.mark.parametrize("own_first", [True, False])
@pytest.mark.parametrize(
    ("own", "name", "instead_of"),
    [
        ('[[source]]\nuse = "openai-news"\nevery_hours = 3\n', "openai-news", "openai-news"),
        (feed("openai-news", "https://elsewhere.example.org/feed"), "openai-news", "openai-news"),
        (feed("openai", "http://openai.com/news/rss.xml/"), "openai", "openai-news"),
        ('[[source]]\nkind = "arxiv"\nname = "papers"\n', "papers", "arxiv"),
        (
            feed("tube", "https://www.youtube.com/feeds/videos.xml?channel_id=UCHlNU7kIZhRgSbhHvFoy72w"),
            "tube",
            "huggingface-videos",
        ),
    ],
    ids=["use", "name", "address", "options", "short form"],
)
def test_what_is_there_already_is_not_doubled_by_a_pack(
    tmp_path: Path, own: str, name: str, instead_of: str, own_first: bool
) -> None:
    pack = '[[source]]\nuse = "pack:asr-starter"\n'
    config = read(tmp_path, ME + (own + pack if own_first else pack + own))
    others = [channel for channel in starter() if channel != instead_of]
    assert names(config) == ([name, *others] if own_first else [*others, name])


def test_packs_that_overlap_are_put_together(tmp_path: Path) -> None:
    text = "".join(f'[[source]]\nuse = "pack:{pack.name}"\n' for pack in catalogue().packs)
    found = names(read(tmp_path, ME + text))
    assert len(found) == len(set(found))
    assert set(found) == {channel.name for channel in catalogue().channels if channel.packs}


def test_packs_go_with_the_shipped_configuration(tmp_path: Path) -> None:
    before = read(tmp_path, example()).sources
    after = read(tmp_path, example() + '\n[[source]]\nuse = "pack:asr-starter"\n').sources
    assert after[: len(before)] == before
    assert len({source.name for source in after}) == len(after)
    assert {"openai-news", "arxiv"} <= {source.name for source in before}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            'use = "assemblyai"\n',
            "7: use: there is no channel 'assemblyai' in the catalogue (did you mean `assemblyai-blog`?); `aggregator",
        ),
        ('use = "pack:asr"\n', "7: use: there is no pack 'asr' in the catalogue (did you mean `asr-starter`?); there"),
        ('use = "otter-ai"\n', "7: use: 'otter-ai' cannot be a source: "),
        ('use = "eleutherai-discord"\n', "7: use: 'eleutherai-discord' cannot be a source: Discord has no feed"),
        ("use = 1\n", '7: use: must be the name of a channel, or "pack:" and the name of a pack'),
        ('use = "whisper"\nkind = "feed"\n', "8: kind: does not go with use"),
        ('use = "whisper"\nname = ""\n', "8: name: must not be empty"),
        ('use = "whisper"\ngithub_fed = "tags"\n', "8: github_fed: there is no such key (did you mean `github_feed`?)"),
        ('use = "whisper"\nevery_hours = 0\n', "8: every_hours: must be more than 0"),
        ('use = "pack:code"\nname = "x"\n', "8: name: says nothing for a whole pack"),
        ('use = "pack:code"\ngithub = "a/b"\n', "8: github: says nothing for a whole pack"),
        ('use = "whisper"\n[[source]]\nuse = "whisper"\n', "8: name: there is another source called 'whisper'"),
        (
            'use = "whisper"\n' + feed("whisper", "https://a.example.org/"),
            "10: name: there is another source called 'whisper'",
        ),
        ('use = "whisper"\napi_token = "x"\n', "8: api_token: secrets do not belong into this file"),
    ],
)
def test_a_mistake_has_its_line(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f"{ME}[[source]]\n{text}")
    found = str(caught.value).splitlines()
    assert len(found) == 1
    assert found[0].startswith(f"config.toml:{line}")


def test_what_cannot_be_followed_tells_the_way_in(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f'{ME}[[source]]\nuse = "localllama-discord"\n')
    assert re.search(r"the subreddit of the same name \(in the catalogue: reddit-localllama\)$", str(caught.value))
