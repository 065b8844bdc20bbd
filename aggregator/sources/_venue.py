"""_venue: the venue that a comment names: "Accepted at Interspeech 2026" is "Interspeech 2026"."""

import re

_VENUES = {
    "Interspeech": r"INTER\s?SPEECH",
    "ICASSP": r"(?:IEEE\s+)?ICASSP",
    "ASRU": r"ASRU",
    "SLT": r"SLT",
    "WASPAA": r"WASPAA",
    "ISMIR": r"ISMIR",
    "DCASE": r"DCASE",
    "TASLP": r"T-?ASLP(?:RO)?|Trans(?:actions|\.)?\s+on\s+Audio,?\s+Speech,?\s+and\s+Language\s+Proc\w*\.?",
    "TACL": r"TACL",
    "EACL": r"EACL",
    "AACL": r"AACL",
    "NAACL": r"NAACL(?:-HLT)?",
    "EMNLP": r"EMNLP",
    "ACL": r"ACL",
    "NeurIPS": r"NeurIPS|NIPS",
    "ICML": r"ICML",
    "ICLR": r"ICLR",
    "AAAI": r"AAAI",
    "IJCAI": r"IJCAI",
    "ACM MM": r"ACM\s+(?:MM|Multimedia)",
    "SSW": r"SSW",
    "Odyssey": r"(?:Speaker\s+)?Odyssey",
    "ICME": r"ICME",
    "EUSIPCO": r"EUSIPCO",
    "APSIPA": r"APSIPA(?:\s+ASC)?",
    "ISCSLP": r"ISCSLP",
    "DAFx": r"DAFx",
    "MLSP": r"MLSP",
}
_FINDINGS = r"(?P<findings>Findings\s+(?:of\s+)?(?:the\s+)?)?"
_YEAR = (
    r"(?:[-–]?(?P<joined>\d{2})|(?:\s+(?:Workshop|Conference))?[\s,:\-–(]*"
    r"(?:['’]\s?(?P<short>\d{2})|(?P<year>(?:19|20)\d{2})))(?![\d.])"
)
_NAMED = re.compile(
    rf"(?<![\w-]){_FINDINGS}(?:(?P<before>(?:19|20)\d{{2}})\s+)?(?:"
    + "|".join(f"(?P<v{number}>{words})" for number, words in enumerate(_VENUES.values()))
    + rf")(?![a-z])(?:{_YEAR})?",
    re.IGNORECASE,
)
_NAMES = tuple(_VENUES)
_UNDECIDED = re.compile(
    r"\b(?:submitted|submission|submit|under\s+(?:\w+\s+)?review|in\s+review|reviewed\s+at|rejected|withdrawn\s+from"
    r"|to\s+be\s+submitted|intended\s+for|planned\s+for|prepared\s+for|preprint\s+for|for\s+consideration)\b",
    re.IGNORECASE,
)
_DECIDED = re.compile(
    r"\b(?:accept\w*|publish\w*|present\w*|appear\w*|appeared|camera[- ]ready|proceedings|proc\.|oral|poster|spotlight"
    r"|in\s+press|best\s+paper|workshops?\s+at|won|winner|ranked|place)\b",
    re.IGNORECASE,
)
_OTHERS = re.compile(r"\b(?:baseline|template|style|format|challenge|data\s+(?:from|of))\b", re.IGNORECASE)
_ANOTHER = re.compile(
    r"\b(?:extends?|extended|extension|journal\s+version|follow[- ]?up|based\s+on|not\s+(?:yet\s+)?accepted)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[;\n]|(?<=[a-z\d)])\.\s+(?=[A-Z\d])|,\s+(?=(?:but|not)\b)")
_AT = re.compile(
    r"\b(?:accept\w*|appear\w*|publish\w*|present\w*|in\s+press|proc\.|proceedings)(?:\s+[\w/.'&-]+){0,12}\s*\(?$",
    re.IGNORECASE,
)


def venue(comment: str, *, cited: bool = False) -> str:
    """The venue and year that a comment says the paper is accepted at, as "ICASSP 2026"; "" if it says none.

    What is only submitted somewhere is not there yet. A venue without a year counts right after the words that say
    that it is decided ("Accepted to TASLP"). `cited`: the text is a journal reference, so what it names is decided.
    """
    for clause in _CLAUSE.split(comment[:1000]):
        if _ANOTHER.search(clause) and not cited:
            continue
        if cited or _DECIDED.search(clause) or not (_UNDECIDED.search(clause) or _OTHERS.search(clause)):
            for match in _NAMED.finditer(clause):
                if cited or _year(match) or _AT.search(clause[: match.start()]):
                    return _told(match)
    return ""


def _told(match: re.Match[str]) -> str:
    name = next(_NAMES[int(group[1:])] for group, value in match.groupdict().items() if value and group[1:].isdigit())
    return f"{'Findings of ' if match['findings'] else ''}{name} {_year(match)}".strip()


def _year(match: re.Match[str]) -> str:
    short = match["short"] or match["joined"]
    return match["year"] or match["before"] or (f"20{short}" if short else "")
