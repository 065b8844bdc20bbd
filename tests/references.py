"""references: files of 500 records as programs write them, with broken ones among them whose lines are known."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

COUNT = 500
EVERY = 25
"""One record in so many is broken."""


@dataclass
class File:
    """A file as text, the lines where its broken records begin, and how many records are sound."""

    text: str = ""
    broken: list[int] = field(default_factory=list)
    sound: int = 0

    @property
    def next(self) -> int:
        """The line in which what is added next begins."""
        return self.text.count("\n") + 1


def _file(head: str, records: Callable[[int], str], breaks: Sequence[Callable[[str], str]], tail: str = "") -> File:
    made = File(head)
    for number in range(COUNT):
        record = records(number)
        if number % EVERY == 3:
            made.broken.append(made.next)
            record = breaks[len(made.broken) % len(breaks)](record)
        else:
            made.sound += 1
        made.text += record
    made.text += tail
    return made


def bibtex() -> File:
    """As Google Scholar, DBLP, Zotero and JabRef write it."""
    head = (
        "% Encoding: UTF-8\n\n"
        '@string{is = "Proc. {Interspeech}"}\n'
        "@preamble{ {\\newcommand{\\noop}[1]{}} }\n"
        "@comment{jabref-meta: databaseType:bibtex;}\n\n"
    )
    return _file(
        head,
        lambda n: (_scholar, _dblp, _zotero, _jabref)[n % 4](n),
        (
            lambda text: text.replace("}", "", 1),
            lambda text: text.replace(",\n", "\n", 1),
            lambda text: text.replace("title", "titel"),
            lambda text: text[: text.index("itle") + 12] + "\n\n",
        ),
    )


def _scholar(n: int) -> str:
    return (
        f"@article{{mueller{n}codec,\n"
        f"  title={{A {{CTC}} model number {n} for {{B}}eyond-vocabulary words}},\n"
        f"  author={{M{{\\\"u}}ller, J{{\\\"o}}rg and Garc{{\\'\\i}}a, Mar{{\\'\\i}}a and others}},\n"
        f"  journal={{arXiv preprint arXiv:{2001 + n // 100}.{10000 + n}}},\n"
        "  year={2020}\n}\n\n"
    )


def _dblp(n: int) -> str:
    return (
        f"@inproceedings{{DBLP:conf/interspeech/Doe{n},\n"
        f"  author       = {{Jane Doe and\n                  John R. Smith Jr.}},\n"
        f"  title        = {{Title number {n} with $O(n\\log n)$ and 50\\% of\n                  {{LSTM}}s}},\n"
        "  booktitle    = is,\n"
        f"  pages        = {{1--5}},\n  doi          = {{10.21437/Interspeech.2020-{n}}},\n"
        f"  url          = {{https://doi.org/10.21437/Interspeech.2020-{n}}},\n"
        "  bibsource    = {dblp computer science bibliography, https://dblp.org}\n}\n\n"
    )


def _zotero(n: int) -> str:
    return (
        f"@misc{{key_{n},\n\ttitle = {{Self-supervised item {n}}},\n"
        f"\turl = {{http://arxiv.org/abs/{2101 + n // 100}.{20000 + n}v2}},\n"
        f"\tdoi = {{10.48550/arXiv.{2101 + n // 100}.{20000 + n}}},\n"
        "\tabstract = {We show, with \\{braces\\} and an e-mail (a@example.org), that it works. It does.},\n"
        "\tauthor = {Baevski, Alexei and {Research Team}},\n\tmonth = jun,\n\tyear = {2020},\n"
        "\tnote = {arXiv:1234.56789 is another},\n}\n\n"
    )


def _jabref(n: int) -> str:
    return (
        f"@Article{{Smith{n},\n  author  = {{van der Berg, Ann}},\n"
        f'  title   = "Old style {{\\\'e}}tude number {n}",\n  journal = {{J. Acoust.}},\n  year    = 1999,\n'
        f"  url     = {{https://example.org/papers?id={n}}}\n}}\n\n"
    )


def ris() -> File:
    """As Zotero, Mendeley and publishers write it."""
    return _file(
        "\ufeff",
        _ris,
        (
            lambda text: text.replace("ER  - \n", ""),
            lambda text: text.replace("TI  - ", "XX  - ").replace("T1  - ", "XX  - "),
            lambda text: text.partition("\n")[2],
        ),
    )


def _ris(n: int) -> str:
    arxiv = f"{2101 + n // 100}.{20000 + n}"
    named = f"M1  - arXiv:{arxiv}\nUR  - http://arxiv.org/abs/{arxiv}\nL1  - internal-pdf://{n}.pdf\n"
    if n % 3 == 1:
        named = f"DO  - 10.1109/TASLP.2020.{n}\nUR  - https://ieeexplore.ieee.org/document/{n}\n"
    return (
        f"TY  - {'JOUR' if n % 3 else 'PREPRINT'}\n"
        f"{'T1' if n % 2 else 'TI'}  - Streaming models, part {n}:\n  a study\n"
        "AU  - Livescu, Karen\nAU  - Smith, John, Jr.\nAU  - OpenAI\n"
        "AB  - First line of the abstract <i>in italics</i>\nand a second line.\n"
        f"PY  - 2020/01/02/\n{named}N1  - see also arXiv:1234.56789\nKW  - speech\nKW  - codec\nER  - \n\n"
    )


def csl() -> File:
    """As Zotero exports it: one list, its records indented by a tab."""
    made = _file(
        "[\n",
        lambda n: _indented(json.dumps(_csl(n), indent="\t", ensure_ascii=False)) + ",\n",
        (
            lambda text: text.replace('"title": "', '"title": '),
            lambda text: text.replace('"title": ', '"titel": '),
            lambda text: text.replace('"author": [', '"author": ', 1),
            lambda text: f'\t"{text.count("x")}",\n',
        ),
    )
    made.text = made.text.removesuffix(",\n") + "\n]\n"
    return made


def _indented(text: str) -> str:
    return "\n".join(f"\t{line}" for line in text.splitlines())


def _csl(n: int) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": f"http://zotero.org/users/1/items/ABC{n}",
        "type": "article-journal",
        "abstract": 'With "quotes", a backslash \\ and {braces}.',
        "container-title": "IEEE/ACM TASLP",
        "title": f"Robust <i>systems</i> of the kind {n}",
        "author": [
            {"family": "Müller", "given": "Jörg"},
            {"family": "Berg", "given": "Ann", "non-dropping-particle": "van der"},
            {"literal": "Research Team"},
        ],
        "issued": {"date-parts": [["2020", 6, 1]]},
    }
    if n % 2:
        return item | {"DOI": f"10.1109/TASLP.2020.{n}", "URL": f"https://ieeexplore.ieee.org/document/{n}"}
    return item | {"number": f"arXiv:{2101 + n // 100}.{20000 + n}", "URL": "http://arxiv.org/abs/x", "type": "article"}


def zotero_item(n: int) -> dict[str, Any]:
    """An item as Zotero's web API gives it; every tenth is a file or a note, every fiftieth has no title."""
    data: dict[str, Any] = {
        "key": f"K{n:07}",
        "version": n,
        "itemType": "preprint" if n % 2 else "journalArticle",
        "title": "" if n % 50 == 7 else f"Zotero work number {n}",
        "creators": [
            {"creatorType": "editor", "firstName": "Ed", "lastName": "Itor"},
            {"creatorType": "author", "firstName": "Karen", "lastName": "Livescu"},
            {"creatorType": "author", "name": "Research Team"},
        ],
        "abstractNote": "What it says.\nAnd more.",
        "url": f"http://arxiv.org/abs/{2101 + n // 100}.{20000 + n}" if n % 2 else "",
        "extra": "" if n % 2 else f"Citation Key: x{n}\nDOI: 10.1109/X.{n}",
        "dateAdded": "2020-01-01T00:00:00Z",
    }
    if n % 10 == 0:
        data = {"key": f"K{n:07}", "itemType": "attachment" if n % 20 else "note", "note": "<p>mine</p>"}
    return {"key": data["key"], "version": n, "library": {"type": "user", "id": 475425}, "data": data}
