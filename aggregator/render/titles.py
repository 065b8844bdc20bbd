"""titles: sources called as their owner calls them, wherever a digest names one."""

from collections.abc import Mapping
from dataclasses import replace

from aggregator.model import Candidate, Digest, Ranked, Section, Sighting


def titled(digest: Digest, titles: Mapping[str, str]) -> Digest:
    """The digest with the titles of sources in place of their names; what has no title keeps its name."""
    if not any(titles.values()):
        return digest

    def called(name: str) -> str:
        return titles.get(name) or name

    def places(sightings: tuple[Sighting, ...]) -> tuple[Sighting, ...]:
        return tuple(replace(one, source=titles[one.source]) if titles.get(one.source) else one for one in sightings)

    def candidate(told: Candidate) -> Candidate:
        return replace(told, sightings=places(told.sightings), mentions=places(told.mentions))

    def pick(ranked: Ranked) -> Ranked:
        return replace(ranked, candidate=candidate(ranked.candidate))

    def section(part: Section) -> Section:
        return replace(part, picks=tuple(map(pick, part.picks)))

    return replace(
        digest,
        sections=tuple(map(section, digest.sections)),
        sources=tuple(replace(source, name=called(source.name)) for source in digest.sources),
    )
