"""table: every channel that the guides name, and what covers it or why nothing can, in Markdown."""

from collections.abc import Iterable, Iterator, Mapping

from aggregator.catalogue import Channel, Named

_GUIDES = {
    "ecosystem": "E",
    "staying-current-asr": "R",
    "audio-study-group": "G",
    "hf-daily-papers-page": "H",
}
_LEGEND = """Guides: E, the map of the field (ecosystem.md); R, staying current with speech recognition
(staying-current-asr.md); G, the audio study group (audio-study-group.md); H, the page of daily papers
(hf-daily-papers-page.txt)."""


def markdown(channels: Iterable[Channel], groups: Iterable[Named]) -> str:
    """The table: a row for each name that a guide gives a channel, under the group of what answers to it first."""
    known = list(channels)
    titles = {group.name: group.title for group in groups}
    parts = [_LEGEND]
    for group, rows in _by_group(_rows(known)).items():
        parts.append(f"### {titles[group]}\n")
        parts.append("| named | in | covered by | where not: why, and the way in |\n|---|---|---|---|")
        parts[-1] += "".join(f"\n{_row(name, guides, answers)}" for name, guides, answers in rows)
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _rows(channels: list[Channel]) -> Iterator[tuple[str, str, list[Channel]]]:
    """Each name, letter case aside, with the letters of its guides and the channels that answer to it."""
    names: dict[str, str] = {}
    guides: dict[str, set[str]] = {}
    answers: dict[str, list[Channel]] = {}
    for channel in channels:
        for guide, given in channel.seeds.items():
            for name in given:
                folded = name.casefold()
                names.setdefault(folded, name)
                guides.setdefault(folded, set()).add(guide)
                if channel not in answers.setdefault(folded, []):
                    answers[folded].append(channel)
    for folded, name in names.items():
        letters = ", ".join(letter for guide, letter in _GUIDES.items() if guide in guides[folded])
        yield name, letters, answers[folded]


def _by_group(
    rows: Iterable[tuple[str, str, list[Channel]]],
) -> Mapping[str, list[tuple[str, str, list[Channel]]]]:
    found: dict[str, list[tuple[str, str, list[Channel]]]] = {}
    for row in rows:
        found.setdefault(row[2][0].group, []).append(row)
    return found


def _row(name: str, guides: str, answers: list[Channel]) -> str:
    covering: dict[str, list[str]] = {}
    for channel in answers:
        if channel.kind:
            covering.setdefault(channel.kind, []).append(f"`{channel.name}`")
    covered = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in covering.items()) or "–"
    closed = "; ".join(_why(channel) for channel in answers if not channel.kind)
    return f"| {_cell(name)} | {guides} | {covered} | {_cell(closed)} |"


def _why(channel: Channel) -> str:
    instead = f" ({', '.join(f'`{name}`' for name in channel.instead)})" if channel.instead else ""
    return f"{channel.title}: {channel.reason}. Way in: {channel.way_in}{instead}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
