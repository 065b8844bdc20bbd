"""records: what the DNS says of the domains that mail is from: MX, SPF, DKIM and DMARC."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aggregator.doctor.check import Check
from aggregator.doctor.names import Lookup, UnreachableError

_TAG = re.compile(r"\s*([a-z]+)\s*=\s*([^;]*?)\s*(?:;|\Z)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Domain:
    """Who mail is from: `sender` is the domain of From, `returns` that of the return path; `selector` of the DKIM key.

    `proves` tells whether a key record belongs to the key that mails are signed with; None if that cannot be told.
    """

    sender: str
    returns: str
    selector: str = ""
    proves: Callable[[str], bool] | None = None


def records(domain: Domain, lookup: Lookup) -> Iterator[Check]:
    """Whether the domains are set up for mail to be accepted, and to come back."""
    looks: dict[str, Callable[[], Check]] = {
        "mx": lambda: _mx(domain.returns, lookup),
        "spf": lambda: _spf(domain.returns, lookup),
        "dkim": lambda: _dkim(domain, lookup),
        "dmarc": lambda: _dmarc(domain, lookup),
    }
    for name, look in looks.items():
        try:
            yield look()
        except UnreachableError as error:
            yield Check(name, "skip", f"the DNS cannot be asked from here: {error}")


def _mx(domain: str, lookup: Lookup) -> Check:
    hosts = [record.split()[-1].rstrip(".") for record in lookup(domain, "MX")]
    if hosts == [""]:
        return Check("mx", "warn", f"{domain} takes no mail (RFC 7505), so nobody hears of what comes back")
    if hosts:
        return Check("mx", "ok", f"{domain}: {', '.join(sorted(hosts))}")
    if lookup(domain, "A") or lookup(domain, "AAAA"):
        return Check("mx", "ok", f"{domain} takes mail itself, without an MX record")
    advice = "check [mail] sender and return_path; servers refuse mail from a domain that cannot be answered"
    return Check("mx", "fail", f"{domain} has neither an MX record nor an address", advice)


def _spf(domain: str, lookup: Lookup) -> Check:
    found = [text for text in lookup(domain, "TXT") if re.match(r"v=spf1(?: |\Z)", text, re.IGNORECASE)]
    if not found:
        return Check("spf", "warn", f"{domain} has no SPF record", "publish the one that your provider of mail names")
    if len(found) > 1:
        return Check("spf", "fail", f"{domain} has {len(found)} SPF records, which count as none", "join them into one")
    ends = [term.lower() for term in found[0].split()[1:] if term.lower().lstrip("+-~?") == "all"]
    if ends and ends[0] in ("all", "+all"):  # what stands behind the first is never looked at (RFC 7208 section 5.1)
        return Check("spf", "warn", f"{domain}: {found[0]} lets everybody send", "end it with ~all or -all")
    return Check("spf", "ok", f"{domain}: {found[0]}")


def _dkim(domain: Domain, lookup: Lookup) -> Check:
    if not domain.selector:
        advice = "none is needed if your provider signs; else set dkim_selector and AGGREGATOR_DKIM_KEY"
        return Check("dkim", "warn", "mails are not signed here", advice)
    name = f"{domain.selector}._domainkey.{domain.sender}"
    found = [text for text in lookup(name, "TXT") if "p" in _tags(text)]
    if len(found) != 1:
        said = "no key" if not found else f"{len(found)} keys"
        return Check("dkim", "fail", f"{name} has {said}", "publish the public key that belongs to AGGREGATOR_DKIM_KEY")
    if not _tags(found[0])["p"]:
        return Check("dkim", "fail", f"{name} is revoked (its p= is empty)", "publish the key, or use another selector")
    if domain.proves is None:
        return Check("dkim", "warn", f"{name} has a key; whether it is yours cannot be told", "see the secrets above")
    if not domain.proves(found[0]):
        advice = "publish the public key that belongs to AGGREGATOR_DKIM_KEY, or use another selector"
        return Check("dkim", "fail", f"{name} is not the key that mails are signed with", advice)
    return Check("dkim", "ok", f"{name} is the key that mails are signed with")


def _dmarc(domain: Domain, lookup: Lookup) -> Check:
    for parent in _parents(domain.sender):
        found = [tags for text in lookup(f"_dmarc.{parent}", "TXT") if (tags := _tags(text)).get("v") == "DMARC1"]
        if len(found) > 1:
            return Check("dmarc", "fail", f"_dmarc.{parent} has {len(found)} records, which count as none", "keep one")
        if not found:
            continue
        text = f"_dmarc.{parent}: p={found[0].get('p', 'none')}"
        if not (domain.selector or _aligned(domain.sender, domain.returns)):
            what = f"{text}; the return path is at {domain.returns}, so SPF does not count for {domain.sender}"
            return Check(
                "dmarc", "warn", what, "sign mails (dkim_selector), or choose a return_path in the same domain"
            )
        return Check("dmarc", "ok", text)
    return Check("dmarc", "warn", f"{domain.sender} has no DMARC record", 'publish "v=DMARC1; p=none" at least')


def _tags(text: str) -> dict[str, str]:
    """A record of tags (RFC 6376 section 3.2), without blanks in the values."""
    return {name.lower(): re.sub(r"\s", "", value) for name, value in _TAG.findall(text)}


def _parents(domain: str) -> list[str]:
    """The domain and those above it, but for the last label."""
    labels = domain.split(".")
    return [".".join(labels[place:]) for place in range(max(1, len(labels) - 1))]


def _aligned(one: str, other: str) -> bool:
    """Whether two domains are of one owner, as far as the names tell: the same, or one below the other."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
