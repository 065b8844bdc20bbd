"""links: what a link names, its canonical form, and whether it may be shown."""

import re
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

_ID = r"\d{2}(?:0[1-9]|1[0-2])\.\d{4,5}|[a-z][a-z-]{1,15}(?:\.[a-z]{2})?/\d{2}(?:0[1-9]|1[0-2])\d{3}"
_VERSION = r"(?:v\d{1,3})?"
_BARE = re.compile(rf"(?:oai:arxiv\.org:|arxiv:\s*)?({_ID}){_VERSION}", re.IGNORECASE)
_IN_PATH = re.compile(rf"/(?:[a-z-]+/)?({_ID}){_VERSION}(?:\.pdf|\.ps|/)?", re.IGNORECASE)
_IN_DOI = re.compile(rf"10\.48550/arxiv\.({_ID}){_VERSION}", re.IGNORECASE)
_DOI = re.compile(r"10\.\d{4,9}/\S+")

_ARXIV_HOSTS = frozenset({"arxiv.org", "export.arxiv.org", "browse.arxiv.org", "ar5iv.org", "ar5iv.labs.arxiv.org"})
_MIRRORS = {"alphaxiv.org": "/", "huggingface.co": "/papers/", "hf.co": "/papers/", "scirate.com": "/arxiv/"}
"""Sites that show arXiv papers under arXiv's id, and the path that begins such a page."""

_TRACKING = re.compile(
    r"utm_\w+|_?hs(?:enc|mi)|mc_[ce]id|(?:fb|g|d|y|tw)clid|msclkid|[gw]braid|igshid|ref|ref_src|mkt_tok|vero_id|cmpid",
    re.IGNORECASE,
)
_BAD_HOST = re.compile(r"[\s%<>\"\\^`{|}]")
_PORTS = {"http": 80, "https": 443}
_MAX = 4096


def key_of(url: str) -> str:
    """The strongest name of the work behind a link: "arxiv:ID", else "doi:10.…" in lower case, else "url:https://…"."""
    if found := arxiv_id(url):
        return f"arxiv:{found}"
    if found := _doi(url):
        return f"doi:{found.lower()}"
    return f"url:{canonical(url)}"


def arxiv_id(text: str) -> str | None:
    """The arXiv id without its version, from an id, "arXiv:…", "oai:arXiv.org:…", a DOI of arXiv, or a link.

    Links are those of arXiv and of sites that show its papers (alphaXiv, ar5iv, SciRate, Hugging Face papers); an id
    in any other link is only a mention. Both numberings, from 2007-04 ("2501.01234") and before ("cs/0501001").
    """
    text = text.strip()[:_MAX]
    if match := _BARE.fullmatch(text):
        return _folded(match[1])
    if (doi := _doi(text)) is not None:
        match = _IN_DOI.fullmatch(doi)
        return _folded(match[1]) if match else None
    parts = _split(text)
    if parts is None or parts.scheme not in _PORTS:
        return None
    host = _host(parts)
    start = "/" if host in _ARXIV_HOSTS else _MIRRORS.get(host)
    if start is None or not parts.path.startswith(start):
        return None
    match = _IN_PATH.fullmatch(unquote(parts.path))
    return _folded(match[1]) if match else None


@lru_cache(maxsize=4096)
def canonical(url: str) -> str:
    """One spelling for all spellings of a link, so that two links to one page are equal; idempotent.

    https for http, the host in lower case without "www.", no user, no default port, no fragment, no tracking
    parameters, the query sorted, no slash at the end. What is no http link comes back as it is, without outer blanks.
    """
    url = _trimmed(url)
    parts = _split(url)
    if parts is None or parts.scheme not in _PORTS or not parts.hostname:
        return url
    host = _host(parts)
    port = parts.port
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port not in {_PORTS[parts.scheme], 443}:
        netloc = f"{netloc}:{port}"
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~", errors="replace").rstrip("/")
    query = sorted(pair for pair in _pairs(parts.query) if not _TRACKING.fullmatch(pair[0]))
    return urlunsplit(("https", netloc, path, urlencode(query, errors="replace"), ""))


def safe_link(url: str) -> str:
    """The link if it is http or https, names a host, and has no more than 4096 characters; else "".

    Control characters are removed and blanks encoded, as browsers do (https://url.spec.whatwg.org/#concept-basic-url-parser).
    """
    url = _trimmed(url).replace(" ", "%20")
    parts = _split(url)
    if parts is None or parts.scheme not in _PORTS or not parts.hostname or len(url) > _MAX:
        return ""
    return url


def _doi(text: str) -> str | None:
    text = text.strip()
    if text[:4].lower() == "doi:":
        name = text[4:].strip()
    else:
        parts = _split(text)
        if parts is None or parts.scheme not in _PORTS or _host(parts) not in {"doi.org", "dx.doi.org"}:
            return None
        name = unquote(parts.path).strip("/ ")
    return name if _DOI.fullmatch(name) else None


def _folded(identifier: str) -> str:
    """Old ids have their archive in lower case and their subject in capitals ("math.GT/0309136"), which is dropped.

    arXiv names the same paper with and without the subject; without it is the official form.
    """
    archive, slash, number = identifier.lower().partition("/")
    return f"{archive.split('.')[0]}{slash}{number}" if slash else identifier


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    while host.startswith("www.") and "." in host[4:]:
        host = host[4:]
    return host


def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True, errors="replace")


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # only looking at it says whether it is a number
    except ValueError:
        return None
    return None if _BAD_HOST.search(parts.netloc) else parts


def _trimmed(url: str) -> str:
    kept = "".join(c for c in url[: 4 * _MAX] if c == " " or c.isprintable())
    return kept.strip()
