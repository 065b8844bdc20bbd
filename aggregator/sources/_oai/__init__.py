"""_oai: archives that answer OAI-PMH 2.0: their lists, page by page, and their records as entries.

protocol.py identify, pages: what is asked, over resumption tokens, refusals and breaks
harvest.py  what comes of the pages
answer.py   one answer: whether it is OAI-PMH, what it refuses, its records
records.py  a record as an entry, in the formats arXiv, arXivRaw and oai_dc

https://www.openarchives.org/OAI/openarchivesprotocol.html
"""

from aggregator.sources._oai.answer import Answer, Record, RefusalError, answer
from aggregator.sources._oai.harvest import Harvest
from aggregator.sources._oai.protocol import Question, Repository, identify, pages
from aggregator.sources._oai.records import entries

__all__ = [
    "Answer", "Harvest", "Question", "Record", "RefusalError", "Repository", "answer", "entries", "identify", "pages",
]  # fmt: skip
