"""notes: the links of a plain letter: numbered where they belong, listed where a part ends."""

from collections.abc import Sequence

from aggregator.render.card import Link


class Notes:
    """Gives each address a number, [1], and lists those that were numbered since the list before."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._listed = 0

    def mark(self, url: str) -> str:
        """The number of an address, " [3]"; "" for none."""
        return f" [{self._numbers.setdefault(url, len(self._numbers) + 1)}]" if url else ""

    def told(self, links: Sequence[Link], between: str) -> str:
        """Links in a row, such as "Abstract [1] · PDF [2]"."""
        return between.join(f"{link.label}{self.mark(link.url)}" for link in links)

    def lines(self) -> list[str]:
        """The addresses not listed yet, such as "[3] https://…"."""
        fresh = list(self._numbers.items())[self._listed :]
        self._listed = len(self._numbers)
        wide = len(f"[{self._listed}]")
        return [f"{f'[{number}]'.rjust(wide)} {url}" for url, number in fresh]
