"""text: pure string helpers: names of works, links, plain text out of markup, Unicode out of TeX. None of them raises.

cuts.py     cut, joins: text to a shorter text, at the end of a sentence; what belongs to the letter before it
links.py    key_of, canonical, arxiv_id, safe_link: what a link names, and which links may be shown
markup.py   plain, fold: HTML to text, text to one line
mentions.py papers_in: the papers that a text links to
prose.py    prose: what a machine wrote as plain words
sentences.py  sentences: a line of text as its sentences
tex/        unicode: TeX in titles and abstracts to Unicode
"""

from aggregator.text.cuts import cut, joins
from aggregator.text.links import arxiv_id, canonical, key_of, safe_link
from aggregator.text.markup import fold, plain
from aggregator.text.mentions import papers_in
from aggregator.text.prose import prose
from aggregator.text.sentences import sentences
from aggregator.text.tex import unicode

__all__ = [
    "arxiv_id", "canonical", "cut", "fold", "joins", "key_of", "papers_in", "plain", "prose", "safe_link",
    "sentences", "unicode",
]  # fmt: skip
