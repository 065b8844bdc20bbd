"""suggest: propose interests out of the seeds of a profile and what was liked."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from aggregator.cli import Settings, show
from aggregator.cli.imports import chosen
from aggregator.cli.steps import opened
from aggregator.errors import InputError

if TYPE_CHECKING:
    from aggregator.app import Steps
    from aggregator.model import Profile, Seed, Vectors
    from aggregator.suggest import Suggestion

_EXAMPLES = 3
_BATCH = 64


@click.command()
@click.option("--profile", "name", metavar="NAME", default="", help="Whose works; needed if there are several.")
@click.option("--most", default=8, show_default=True, type=click.IntRange(1, 50), help="At most so many interests.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def suggest(settings: Settings, name: str, most: int, as_json: bool) -> int:
    """Propose interests for a profile: groups of like works among its seeds and what was liked, in their own words.

    What an interest of the profile covers already stands last and says so. Nothing is written: take up what fits, and
    say it better.

    \b
    Example:
      aggregator suggest --profile me
    """
    from aggregator.suggest import suggest as propose

    with opened(settings) as steps:
        profile = chosen(steps, name)
        works = _works(steps, profile)
        vectors = _embedded(steps, [f"{one.title}\n{one.summary}" for one in works])
        held = steps.embedder.embed(profile.interests)
        found = propose(works, vectors, profile.interests, held, most)
    if as_json:
        show.as_json([
            {
                "text": one.text,
                "works": [{"key": work.key, "title": work.title} for work in one.works],
                "covered": one.covered or None,
            }
            for one in found
        ])  # fmt: skip
        return 0
    _tell(found, len(works))
    return 0


def _tell(found: "Sequence[Suggestion]", works: int) -> None:
    for one in found:
        click.echo(f"{click.style(one.text, bold=True)}  ({len(one.works)} of {works} works)")
        if one.covered:
            click.echo(f"  covered by your interest “{one.covered}”")
        for work in one.works[:_EXAMPLES]:
            click.echo(f"  {show.plain(work.title)}")
    fresh = [one.text for one in found if not one.covered]
    if fresh:
        click.echo("\nTo take up what fits, put it among the interests in config.toml, such as:")
        for text in fresh:
            click.echo(f'    "{text}",')
    elif not found:
        click.echo("the works are too few, or too unlike each other, to tell an interest")


def _works(steps: "Steps", profile: "Profile") -> "list[Seed]":
    """Seeds, and what was liked or saved. Raises InputError if there is neither; what has no text yet is told."""
    from aggregator.imports import seeds_of

    liked = list(_liked(steps, profile))
    if not (profile.seeds or liked):
        raise InputError(
            f"profile {profile.name} has no seeds and has liked nothing; `aggregator profile import-bibtex` or "
            "`import-zotero` brings seeds, `aggregator feedback like` says what is liked"
        )
    found = seeds_of(profile.seeds)
    for bad in found.bad:
        click.echo(f"aggregator: {bad.text}", err=True)
    works = list(_told(steps, found.seeds))
    if len(works) < len(found.seeds):
        click.echo(
            f"{len(found.seeds) - len(works)} seeds are not known in the database yet and have no text", err=True
        )
    return list({work.key: work for work in [*works, *liked]}.values())


def _liked(steps: "Steps", profile: "Profile") -> "Iterator[Seed]":
    from aggregator.model import Seed

    for one in steps.store.answers(profile.name):
        if one.answer in ("like", "save"):
            yield Seed(key=one.key, title=one.title, summary=one.text.partition("\n")[2])


def _told(steps: "Steps", seeds: "Sequence[Seed]") -> "Iterator[Seed]":
    """Seeds with a text; what is only named is looked up in the database."""
    from aggregator.model import Seed

    for one in seeds:
        if one.title:
            yield one
        elif entry := steps.store.found([one.key]):
            yield Seed(key=one.key, title=entry.title, summary=entry.summary, authors=entry.authors)


def _embedded(steps: "Steps", texts: Sequence[str]) -> "Vectors":
    """A vector for each text, with a bar."""
    import numpy as np

    parts = []
    with show.progress("embedding", len(texts)) as step:
        for start in range(0, len(texts), _BATCH):
            parts.append(steps.embedder.embed(texts[start : start + _BATCH]))
            step(len(parts[-1]))
    return np.vstack(parts) if parts else np.zeros((0, 0), dtype=np.float32)
