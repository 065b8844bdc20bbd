r"""tex: TeX in titles and abstracts to Unicode; what it cannot convert stays readable.

mending.py  what other programs did to the text is undone: doubled backslashes, "\n" in letters
dollars.py  which dollars enclose a formula, which are money, which are left over
reader.py   the text, token by token: groups, formulas, arguments
commands.py what each command makes of what it is given
symbols.py  the tables: signs by name, accents, raised and lowered letters
marks.py    dashes, quotes and blanks, once all is read
"""

import re
from functools import lru_cache

from aggregator.text.markup import fold
from aggregator.text.tex.commands import command
from aggregator.text.tex.dollars import enclosed
from aggregator.text.tex.marks import finished
from aggregator.text.tex.mending import mended
from aggregator.text.tex.reader import Reader

_ANY = re.compile(r"[\\${}~]|--|``|''")


@lru_cache(maxsize=2048)
def unicode(tex: str) -> str:
    r"""The text with its TeX in Unicode: "$O(n\log n)$" is "O(n log n)", "{\"o}" is "ö", "CO$_2$" is "CO₂".

    White space is folded. Amounts of money, per cent signs, unknown commands and what they are given stay readable.
    Takes time in proportion to the length, and never raises.
    """
    text = fold(tex)
    if not _ANY.search(text):
        return text
    if "$" in text or "\\" in text:
        text = enclosed(mended(text))
    return fold(finished(Reader(text, command).read()))
