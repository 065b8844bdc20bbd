"""Letters of many kinds, rendered, for the tests that hold them against what mail programs can do."""

from dataclasses import replace
from functools import cache

from aggregator.model import Digest, Profile
from aggregator.render import Renderer
from aggregator.tokens import keyring
from tests.letters import BROKEN, HEALTHY, HOSTILE, PROFILE, digest, full, hostile, pick

TO = "kim@example.org"
SENDER = "Paper digest <digest@example.org>"
LATIN = ("A sentence that says something about codecs, and then it says a little more of it. " * 30)[:2000]
CHINESE = ("我们提出了一种新的流式语音识别方法\uff0c并在十二种语言上进行了评估。" * 70)[:2000]


def at_home() -> Renderer:
    """Letters with a mailto only."""
    return Renderer(SENDER)


def on_the_web() -> Renderer:
    """Letters with links home."""
    return Renderer(SENDER, "https://digest.example.org", keys=keyring("s" * 32))


def many(number: int, title: str, summary: str, **changes: object) -> Digest:
    """A digest of so many papers, with all that a card may have."""
    found = [
        pick(
            f"{title} {n}", number=f"2611.{n:05}", score=0.95 - n / 2000, summary=summary, upvotes=9, also=HOSTILE[1],
            authors=("Ann Author", "Bob Writer", "Cy Third"), code="https://github.com/someone/some-repository",
            reason=PROFILE.interests[n % 4],
        )
        for n in range(number)
    ]  # fmt: skip
    profile: Profile = replace(PROFILE, max_entries=number, **changes)  # type: ignore[arg-type]
    return digest(found, profile=profile, sources=HEALTHY + BROKEN * 20)


@cache
def letters() -> dict[str, str]:
    """The HTML of letters by what they are like."""
    week = full()
    found = {
        "week": at_home().html(week, TO),
        "web": on_the_web().html(week, TO),
        "hostile": on_the_web().html(digest(hostile()), TO),
        "empty": at_home().html(digest([]), TO),
        "overflow": on_the_web().html(many(500, "Streaming speech & more", LATIN), TO),
        "chinese": at_home().html(many(30, "面向低资源语言的流式语音识别", CHINESE), TO),
    }
    for kind in ("compact", "headlines"):
        shorter = replace(week, profile=replace(week.profile, format=kind))
        found[kind] = on_the_web().html(shorter, TO)
    return found


KINDS = ("week", "web", "hostile", "empty", "overflow", "chinese", "compact", "headlines")
