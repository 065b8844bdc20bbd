"""values: what single values must be: mail addresses, time zones, schedules, links, networks."""

import re
import unicodedata
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from aggregator import schedule
from aggregator.errors import InputError

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
_NAMED = re.compile(r"(?P<name>[^<>]*?)\s*<(?P<address>[^<>]*)>")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_JOINERS = "\u200c\u200d"
"""Persian and Indic names are spelt with them."""

_LOOPBACK = re.compile(r"localhost|.+\.localhost", re.IGNORECASE)


def address(text: str) -> str:
    """A mail address without a name, its domain in ASCII (IDNA). Raises ValueError.

    A dot-atom and a domain of two labels or more: our own strict grammar, because libraries read some texts in
    surprising ways.
    """
    local, at, domain = text.strip().rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        ascii_domain = ""
    labels = ascii_domain.split(".")
    good = at and len(local) <= 64 and _LOCAL.fullmatch(local) and len(local) + len(ascii_domain) < 254
    if not good or len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise ValueError(f"{text!r} is not a mail address; write it like me@example.org")
    return f"{local}@{ascii_domain}"


def address_or_none(text: str) -> str:
    """A mail address without a name, or "". Raises ValueError."""
    return address(text) if text.strip() else ""


def selector(text: str) -> str:
    """The selector of a DKIM key (RFC 6376 section 3.1), or "". Raises ValueError."""
    if text and not all(map(_LABEL.fullmatch, text.split("."))):
        raise ValueError(f"{text!r} is no DKIM selector; write it like s1")
    return text


def language(tag: str) -> str:
    """A language by its tag (RFC 5646), such as de or pt-BR. Raises ValueError."""
    if not _LANGUAGE.fullmatch(tag):
        raise ValueError(f"{tag!r} is no language; write it like en, de or pt-BR")
    return tag


def sender(text: str) -> str:
    """A mail address, with a name before it or without. Raises ValueError."""
    match = _NAMED.fullmatch(text.strip())
    if not match:
        return address(text)
    if any(unicodedata.category(char)[0] == "C" and char not in _JOINERS for char in match["name"]):
        raise ValueError(f"{text!r} has a control character; write it like Paper digest <digest@example.org>")
    spec = address(match["address"])
    return f"{match['name']} <{spec}>" if match["name"] else spec


def timezone(name: str) -> str:
    """A name of the tz database. Raises ValueError with the nearest one."""
    try:
        schedule.zone_of(name)
    except InputError as error:
        raise ValueError(str(error)) from None
    return name


def rhythm(text: str) -> str:
    """A schedule. Raises ValueError with the accepted forms."""
    try:
        schedule.parse(text)
    except InputError as error:
        raise ValueError(str(error)) from None
    return text


def link(text: str) -> str:
    """An http or https address without a login, or "". Raises ValueError."""
    if text and not _is_web(text):
        raise ValueError(f"{text!r} is no http or https address")
    return text.rstrip("/")


def contact(text: str) -> str:
    """A web page or a mailto: address, in ASCII, for the User-Agent. Raises ValueError."""
    if text.lower().startswith("mailto:"):
        address(text[len("mailto:") :])
    elif not _is_web(text):
        raise ValueError(f"{text!r} must be a web page (https://…) or a mailto: address")
    if not text.isascii() or re.search(r"[\s()]", text):
        raise ValueError(f"{text!r} must be in plain letters, without spaces and brackets")
    return text


def network(text: str) -> str:
    """A network such as 192.168.1.0/24, or one address. Raises ValueError."""
    try:
        ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is no network; write one like 192.168.1.0/24, or an address") from None
    return text.strip()


def database(url: str) -> str:
    """The url of a database in a file or of PostgreSQL. Raises ValueError that does not show it."""
    kind, _, rest = url.partition("://")
    sqlite = kind == "sqlite" and rest.startswith("/") and rest.strip("/") and not rest.startswith("/:memory:")
    if not sqlite and not (kind in ("postgresql", "postgresql+psycopg") and rest):
        raise ValueError("must be sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME")
    if not sqlite and ":" in rest.partition("/")[0].rpartition("@")[0]:
        raise ValueError("must not hold a password; put it into the environment: PGPASSWORD, or PGPASSFILE for a file")
    return url


def phrase(text: str) -> str:
    """The text without space around it. Raises ValueError if nothing is left, or if it holds a control character."""
    if not text.strip():
        raise ValueError("must not be empty")
    if any(unicodedata.category(char) == "Cc" and not char.isspace() for char in text):
        raise ValueError(f"{text!r} has a control character; take it out")
    return text.strip()


def host(text: str) -> str:
    """The name or address of a machine, or "". Raises ValueError for a name that the DNS cannot have."""
    name = text.strip()
    try:
        if name and not _is_address(name):
            name.removesuffix(".").encode("idna")
    except UnicodeError:
        raise ValueError(f"{text!r} is no name of a machine; write one like mail.example.org") from None
    return name


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself by its very name or address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return bool(_LOOPBACK.fullmatch(host))


def _is_web(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port_is_good = parts.port != 0
    except ValueError:
        return False
    host = parts.hostname or ""
    return parts.scheme in ("http", "https") and bool(host) and port_is_good and "@" not in parts.netloc
