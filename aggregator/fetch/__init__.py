"""fetch: the door to the network: polite, bounded, guarded GET.

    with Fetcher(contact="https://example.org/bot") as fetcher:
        page = fetcher.get("https://example.org/feed", validators=Validators.from_dict(cursor))

    page.py        what comes back, and what its headers mean
    fetcher.py     one GET over all its redirects
    question.py    what is asked, and which hop may be told what
    slots.py       whose turn it is: one at a time per host, pauses, holds, arXiv's slot over all processes
    guard.py       which addresses may be dialled
    deadline.py    how long a request may still take
    post.py        one POST to a server of the owner's own
    transport.py   httpx over httpcore, directly or through the environment's proxy
    network.py     sockets that dial only what was checked and end at the deadline
    decode.py      bounded bodies, plain or gzip
    trouble.py     every failure in one line of words

No other part of the program imports httpx or httpcore, opens a socket for HTTP, or waits out of politeness.
"""

from aggregator.fetch.fetcher import Fetcher
from aggregator.fetch.page import Page, Validators
from aggregator.fetch.post import post
from aggregator.fetch.transport import AnswerTransport

__all__ = ["AnswerTransport", "Fetcher", "Page", "Validators", "post"]
