"""catalogue: the data is sound, every option is one that the kinds take, and no channel of the guides is missing."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from aggregator.catalogue import Channel, catalogue
from aggregator.catalogue.table import markdown
from aggregator.config.use import as_table, marks, source_of
from aggregator.errors import InputError
from tests.write_docs import SOURCES, sources_page

ROOT = Path(__file__).parent.parent
SEEDS = ROOT.parent / "shared" / "seeds"
CATALOGUE = catalogue()
CHANNELS = CATALOGUE.channels
FOLLOWED = [channel for channel in CHANNELS if channel.kind]
CLOSED = [channel for channel in CHANNELS if not channel.kind]
GUIDES = ("ecosystem", "staying-current-asr", "audio-study-group", "hf-daily-papers-page")


def test_names_are_slugs_and_unique() -> None:
    names = [channel.name for channel in CHANNELS]
    assert [name for name, number in Counter(names).items() if number > 1] == []
    assert [name for name in names if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)] == []


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_a_channel_is_whole(channel: Channel) -> None:
    names = {other.name for other in FOLLOWED}
    assert channel.title
    assert set(channel.topics) <= set(CATALOGUE.topics)
    assert set(channel.packs) <= {pack.name for pack in CATALOGUE.packs}
    assert channel.group in {group.name for group in CATALOGUE.groups}
    assert set(channel.seeds) <= set(GUIDES)
    assert all(channel.seeds.values())
    assert not any(page.startswith(("http", "www.")) for page in channel.pages)
    if channel.kind:
        assert channel.state in {"proven", "unproven"}
        assert channel.topics
        assert channel.evidence or channel.state == "unproven"
        assert (channel.reason, channel.way_in, channel.instead) == ("", "", ())
    else:
        assert channel.state in {"dead", "closed", "unproven"}
        assert channel.reason
        assert channel.way_in
        assert (channel.options, channel.packs, channel.evidence) == ({}, (), "")
        assert set(channel.instead) <= names


@pytest.mark.parametrize("channel", FOLLOWED, ids=lambda channel: channel.name)
def test_a_channel_is_a_source_of_its_kind(channel: Channel) -> None:
    source = source_of(as_table(channel))
    assert (source.kind, source.name) == (channel.kind, channel.name)


def test_no_two_channels_are_the_same() -> None:
    seen: dict[str, str] = {}
    for channel in FOLLOWED:
        for mark in marks(source_of(as_table(channel))):
            assert mark not in seen, f"{channel.name} is {seen[mark]}"
            seen[mark] = channel.name


def test_every_pack_has_channels_and_every_topic_is_used() -> None:
    sizes = {pack.name: len(CATALOGUE.pack(pack.name)) for pack in CATALOGUE.packs}
    assert min(sizes.values()) >= 5, sizes
    assert [topic for topic in CATALOGUE.topics if not CATALOGUE.about(topic)] == []


def test_what_needs_a_key_or_a_mailbox_is_in_no_pack_but_its_own() -> None:
    needing = {pack for channel in FOLLOWED if channel.kind in {"openalex", "mailbox"} for pack in channel.packs}
    assert needing == {"proceedings"}


def test_the_catalogue_has_what_it_had() -> None:
    counts = Counter((channel.group, bool(channel.kind)) for channel in CHANNELS)
    assert {group.name: (counts[group.name, True], counts[group.name, False]) for group in CATALOGUE.groups} == {
        "academic": (38, 7),
        "people": (17, 3),
        "industry": (30, 12),
        "models": (6, 0),
        "code": (15, 0),
        "community": (13, 10),
        "news": (30, 4),
        "events": (15, 11),
        "courses": (3, 3),
    }


def test_a_wrong_name_gets_the_nearest_one() -> None:
    with pytest.raises(InputError, match=r"no channel 'assemblyai' .*did you mean `assemblyai-blog`"):
        CATALOGUE.channel("assemblyai")
    with pytest.raises(InputError, match=r"no pack 'asr' .*did you mean `asr-starter`.*there are: asr-starter"):
        CATALOGUE.pack("asr")
    with pytest.raises(InputError, match=r"no topic 'papres' .*did you mean `papers`"):
        CATALOGUE.about("papres")
    with pytest.raises(InputError, match=r"no channel 'qqq' in the catalogue; `aggregator sources` lists them"):
        CATALOGUE.channel("qqq")


# --- the table -------------------------------------------------------------------------------------------------------


def test_the_table_has_a_row_for_every_name_and_an_answer_in_every_row() -> None:
    rows = [line for line in markdown(CHANNELS, CATALOGUE.groups).splitlines() if line.startswith("| ")]
    rows = [row for row in rows if not row.startswith("| named ")]
    names = {name.casefold() for channel in CHANNELS for given in channel.seeds.values() for name in given}
    assert len(rows) == len(names)
    for row in rows:
        name, guides, covered, closed = (cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1])
        assert name
        assert guides
        assert covered != "–" or "Way in: " in closed


def test_the_documentation_has_the_table() -> None:
    assert SOURCES.read_text(encoding="utf-8") == sources_page(), "run `make docs`"
    assert markdown(CHANNELS, CATALOGUE.groups) in sources_page()


# --- the guides themselves -------------------------------------------------------------------------------------------

_URL = re.compile(
    r"(?:https?://)?(?:[a-z0-9-]+\.)+(?:com|org|ai|co|io|cc|me|ml|pub|edu)\b(?:/[^\s)\"',;\]|]*)?", re.IGNORECASE
)
_LISTS = {
    # the parts of a guide whose list items are channels, and not words about channels
    "ecosystem.md": r".*",
    "staying-current-asr.md": r"Following|How to Build|Regional",
    "audio-study-group.md": r"Schedule|Supplementary|General|Research|Toolkits|Demos",
}


def names_in(guide: str, text: str) -> Iterator[str]:
    """Whatever looks like the name of a channel: generous, so that none is overlooked."""
    text = re.sub(r"</?(?:ul|li)>", " ", text.replace("â€¢", "•"))
    lines = text.splitlines()
    part = ""
    for line, following in pairwise([*lines, ""]):
        if line.startswith("#"):
            part = line.strip("# ")
        yield from re.findall(r"(?<![\w/.])@[A-Za-z]\w+", line)
        yield from re.findall(r"(?<![\w/.])r/\w+", line)
        yield from re.findall(r"\b(?:cs|eess)\.[A-Z]{2}\b", line)
        yield from re.findall(r"^(?:\d+\.|-) ([\w.-]+/[\w.-]+)$", line.strip())
        yield from re.findall(r'^- "([a-z0-9 -]+|ASR)"$', line.strip())
        yield from (url.rstrip(".:") for url in _URL.findall(line))
        if cells := re.match(r"\| *([^|]+?) *\|", line):
            if not line.startswith("|-") and not following.startswith("|-"):
                yield cells[1]
        elif bold := re.match(r"(?:- |\d\. )?\*\*(?:\d+\. )?(.+?)(?<!:)\*\*", line.strip()):
            yield bold[1]
        elif (item := re.match(r"[*-] +([^@].+)", line.strip())) and re.match(_LISTS[guide], part):
            yield from re.split(r", (?=[A-Z])(?![^(]*\))", item[1])


def plain(name: str) -> str:
    """The name without markup, scheme and letter case, and without what is said of it."""
    name = re.split(r"(?:: | - )\[", name)[0]
    name = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", name).replace("**", "").strip(" :.")
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", name.casefold()).rstrip("/")


def answered(name: str) -> bool:
    name = plain(name)
    bare = re.sub(r" *\([^)]*\)", "", name)
    known = {plain(given) for channel in CHANNELS for names in channel.seeds.values() for given in names}
    pages = {plain(page) for channel in CHANNELS for page in channel.pages}
    known |= {re.sub(r" *\([^)]*\)", "", given) for given in known}
    below = any(name.startswith((f"{page}/", f"{page}?")) for page in pages)
    return below or bool({name, bare} & (known | pages)) or re.fullmatch(r"\w{3} \d+, \d{4}", name) is not None


@pytest.mark.skipif(not SEEDS.exists(), reason="../shared/seeds is not here")
@pytest.mark.parametrize(("guide", "least"), list(zip(_LISTS, (150, 120, 25), strict=True)))
def test_every_channel_of_the_guides_has_an_answer(guide: str, least: int) -> None:
    names = dict.fromkeys(names_in(guide, (SEEDS / guide).read_text(encoding="utf-8")))
    assert len(names) >= least
    assert [name for name in names if not answered(name)] == []


@pytest.mark.skipif(not SEEDS.exists(), reason="../shared/seeds is not here")
def test_every_name_in_the_catalogue_is_in_its_guide() -> None:
    """What the catalogue says a guide names is named there: each word of it stands in the guide."""
    for channel in CHANNELS:
        for guide, names in channel.seeds.items():
            path = next(SEEDS.glob(f"{guide}.*"))
            words = set(re.findall(r"\w+", path.read_text(encoding="utf-8").replace("â€¢", "•").casefold()))
            for name in names:
                assert set(re.findall(r"\w+", name.casefold())) <= words, f"{channel.name}: {name}"
