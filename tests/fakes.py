"""fakes: the edges faked: pages for the network (behind the real Fetcher), words for the model, a list for the mail.

    fetcher = fetcher_over(pages({"https://example.org/feed": b"<rss …>"}), tmp_path)

`pages` answers by address: with the query first, then without it; anything else is a 404. An answer is a body (200), a
status, a whole httpx.Response, an exception to raise, a function of the request, or a list of these that is used up one
by one until the last, which stays.
"""

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import httpx
import numpy as np

from aggregator.errors import DeliveryError
from aggregator.fetch import Fetcher
from aggregator.model import Message, Vectors

One: TypeAlias = "bytes | str | int | httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]"
Answer: TypeAlias = "One | list[One]"


class Pages(httpx.MockTransport):
    """A network of a few pages. `requests` are those that came, in order; `answers` may be changed at any time."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__(self._answer)
        self.answers = {url: list(answer) if isinstance(answer, list) else answer for url, answer in answers.items()}
        self.requests: list[httpx.Request] = []

    @property
    def urls(self) -> list[str]:
        """The addresses asked for, in order."""
        return [str(request.url) for request in self.requests]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        bare = str(request.url.copy_with(query=None))
        answer = self.answers.get(str(request.url), self.answers.get(bare, 404))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        if isinstance(answer, int):
            return httpx.Response(answer)
        return httpx.Response(200, content=answer) if isinstance(answer, bytes | str) else answer(request)


def pages(answers: Mapping[str, Answer]) -> Pages:
    """A network that answers by address."""
    return Pages(answers)


class Clock:
    """A clock that moves only when somebody sleeps; `slept` are the naps, in seconds."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        """The seconds on the clock."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.at += seconds
        self.slept.append(seconds)


def fetcher_over(transport: httpx.BaseTransport, folder: Path, clock: Clock | None = None) -> Fetcher:
    """The real Fetcher over a faked network, with a clock that costs no time."""
    clock = clock or Clock()
    return Fetcher(
        contact="mailto:test@example.org",
        transport=transport,
        slot_dir=folder,
        sleep=clock.sleep,
        clock=clock,
        wall=clock,
    )


class WordEmbedder:
    """A model of one dimension per word (hashed): texts that share words are near. `texts` counts what it embedded."""

    def __init__(self, model: str = "words") -> None:
        self.model, self.revision, self.texts = model, "1", 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See embed.Embedder."""
        self.texts += len(texts)
        vectors = np.zeros((len(texts), 512), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text.casefold()):
                row[zlib.crc32(word.encode()) % 512] += 1
        lengths: Vectors = np.linalg.norm(vectors, axis=1, keepdims=True).clip(1)
        return vectors / lengths


class ListMailer:
    """A post office that keeps what it accepts in `sent`, and what it was given in `tried`.

    `refusals` are raised one after the other for the first messages.
    """

    def __init__(self, *refusals: DeliveryError) -> None:
        self.sent: list[Message] = []
        self.tried: list[Message] = []
        self._refusals = list(refusals)

    def send(self, message: Message, on_data: Callable[[], None]) -> str:
        """See deliver.Mailer."""
        self.tried.append(message)
        if self._refusals:
            raise self._refusals.pop(0)
        on_data()
        self.sent.append(message)
        return "2.0.0 Ok: queued"

    def close(self) -> None:
        """See deliver.Mailer."""
