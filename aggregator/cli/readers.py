"""readers: what is known of each reader, as plain values, and the names that commands are given."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from aggregator.errors import InputError

if TYPE_CHECKING:
    from aggregator.app import Steps
    from aggregator.model import Profile
    from aggregator.store import Paused


def states(steps: "Steps") -> list[dict[str, Any]]:
    """Of every profile that is configured or that something is stored of: as `profile list` tells it, plain values."""
    histories, pauses = steps.store.histories(), steps.store.pauses()
    found = []
    configured = {one.name: one for one in steps.config.profiles}
    for name in dict.fromkeys([*configured, *histories]):
        one, history = configured.get(name), histories.get(name)
        own = [held for held in pauses if held.profile == name]
        found.append({
            "name": name,
            "email": list(one.email) if one else [],
            "schedule": one.schedule if one else "",
            "timezone": one.timezone if one else "",
            "state": state_of(one, own),
            "pauses": [{"address": held.address, "since": held.since, "reason": held.reason} for held in own],
            "last_issue": (history.period or None) if history else None,
            "last_until": history.until if history else None,
            "issues": history.issues if history else 0,
            "picks": history.picks if history else 0,
        })  # fmt: skip
    return found


def state_of(profile: "Profile | None", pauses: "list[Paused]") -> str:
    """Whether a profile is active, paused (all of it), or gone from the configuration."""
    if profile is None:
        return "gone"
    addresses = {one.address.casefold() for one in pauses}
    return "paused" if "" in addresses or {to.casefold() for to in profile.email} <= addresses else "active"


def state(steps: "Steps", name: str) -> dict[str, Any]:
    """All that is known of one profile. Raises InputError."""
    found = next((one for one in states(steps) if one["name"] == name), None)
    if found is None:
        raise _unknown(steps, name)
    found |= _learnt(steps, name)
    one = next((one for one in steps.config.profiles if one.name == name), None)
    if one is None:
        return found
    from aggregator.config import origin
    from aggregator.pipeline import due_period
    from aggregator.schedule import parse

    now, zone = steps.clock(), ZoneInfo(one.timezone)
    due = due_period(steps.store, one, now)
    following = parse(one.schedule).next(now, one.timezone)
    messages = [row.state for row in steps.store.outbox() if row.profile == name]
    return {
        **found,
        **asdict(one),
        "written_in": origin(steps.config.path, name),
        "next_issue": None if found["state"] == "paused" else due or following.key,
        "next_at": None if found["state"] == "paused" else (now if due else following.at).astimezone(zone),
        "bounces": [
            {"address": back.address, "at": back.at, "hard": back.hard, "status": back.status, "text": back.text}
            for back in steps.store.returned(datetime.min.replace(tzinfo=UTC))
            if back.profile == name
        ],
        "messages": {state: messages.count(state) for state in sorted(set(messages))},
    }


def _learnt(steps: "Steps", name: str) -> dict[str, Any]:
    """How often a profile answered, and what was learnt from it, in words and in the works that tell most."""
    from aggregator.rank.answers import in_words

    answers = [one.answer for one in steps.store.answers(name)]
    learnt = in_words(steps.store.said(name), now=steps.clock())
    return {
        "answers": {
            answer: answers.count(answer) for answer in ("like", "save", "dislike", "hide") if answer in answers
        },
        "more_of": list(learnt.more),
        "less_of": list(learnt.less),
        "liked": [{"title": title} for title in learnt.liked],
        "disliked": [{"title": title} for title in learnt.disliked],
    }


def address_of(steps: "Steps", name: str, address: str) -> str:
    """The address as it is written in the configuration; "" stays "". Raises InputError."""
    one = next((one for one in steps.config.profiles if one.name == name), None)
    if one is None:
        if name in steps.store.histories():
            return address
        raise _unknown(steps, name)
    own = {to.casefold(): to for to in (*steps.store.addresses(name), *one.email)}
    if address and address.casefold() not in own:
        raise InputError(f"profile {name} has no address {address!r}; it has: {', '.join(one.email)}")
    return own[address.casefold()] if address else ""


def known(steps: "Steps", name: str) -> tuple[list[str], list[str]]:
    """The names of a profile, with those it had before, and its addresses."""
    one = next((one for one in steps.config.profiles if one.name == name), None)
    if one is None and name not in steps.store.histories():
        raise _unknown(steps, name)
    stored = steps.store.addresses(name)
    return [name, *(one.was if one else ())], list(dict.fromkeys([*(one.email if one else ()), *stored]))


def _unknown(steps: "Steps", name: str) -> InputError:
    from aggregator.config.explain import hint

    names = list(dict.fromkeys([*(one.name for one in steps.config.profiles), *steps.store.histories()]))
    return InputError(f"there is no profile {name!r}{hint(name, names) or '; there are: ' + ', '.join(names)}")
