"""text: pure string helpers: names of works, links, plain text out of markup, Unicode out of TeX. None of them raises.

links.py    key_of, canonical, arxiv_id, safe_link: what a link names, and which links may be shown
markup.py   plain, fold, cut: HTML to text, text to one line, text to a shorter text
mentions.py papers_in: the papers that a text links to
tex.py      unicode: TeX in titles and abstracts to Unicode
"""

from aggregator.text.links import arxiv_id, canonical, key_of, safe_link
from aggregator.text.markup import cut, fold, plain
from aggregator.text.mentions import papers_in
from aggregator.text.tex import unicode

__all__ = ["arxiv_id", "canonical", "cut", "fold", "key_of", "papers_in", "plain", "safe_link", "unicode"]
