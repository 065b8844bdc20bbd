"""_origin: a proxy that answers for hundreds of host names, each with a feed, after 150 ms. Prints its port and serves.

Every feed has an ETag and a Last-Modified and answers 304 to a conditional request. GET http://count/ tells how many
requests were answered and how many bytes were sent since the last time it was asked.
"""

import asyncio
import hashlib
import json
import random
import re
from email.utils import formatdate
from urllib.parse import urlsplit

FEEDS = 500
ENTRIES = 30
DELAY = 0.15
_SYLLABLES = re.findall(r"\w+", "ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo zu")
_WORDS = [a + b + c for a in _SYLLABLES for b in _SYLLABLES for c in _SYLLABLES]
_ODDS = [1 / rank for rank in range(1, len(_WORDS) + 1)]
"""As often as words of that rank in any language (Zipf)."""


def feed(host: str) -> bytes:
    """Thirty entries of about 600 characters, the same for a host at all times."""
    items = []
    chance = random.Random(host)
    for n in range(ENTRIES):
        words = chance.choices(_WORDS, _ODDS, k=90)
        link, when = f"http://{host}/posts/{n}", formatdate(1_763_000_000 + 3600 * n, usegmt=True)
        items.append(
            f"<item><title>{' '.join(words[:8]).capitalize()} {host} {n}</title><link>{link}</link>"
            f'<guid isPermaLink="true">{link}</guid><pubDate>{when}</pubDate>'
            f"<author>ada@{host} (Ada {words[0].capitalize()})</author><category>{words[1]}</category>"
            f'<description>&lt;p&gt;{" ".join(words[:60])} &lt;a href="{link}"&gt;{words[3]}&lt;/a&gt;.&lt;/p&gt;'
            f"&lt;p&gt;{' '.join(words[60:90])}&lt;/p&gt;</description></item>"
        )
    head = f"<title>{host}</title><link>http://{host}/</link><description>A feed.</description>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{"".join(items)}</channel></rss>'.encode()


class Origin:
    """All hosts at once. Their feeds are written beforehand: what the origin does meanwhile, it does on our time."""

    def __init__(self) -> None:
        self.requests = 0
        self.sent = 0
        self._feeds = {host: feed(host) for host in (f"f{n}.example" for n in range(FEEDS))}
        self._etags = {host: f'"{hashlib.md5(body).hexdigest()}"' for host, body in self._feeds.items()}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, for as many requests as it is kept."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                target = head.split(" ", 2)[1]
                host = urlsplit(target).hostname or ""
                if host == "count":
                    answer = self._answer(200, json.dumps([self.requests, self.sent]).encode(), "")
                    self.requests = self.sent = 0
                    writer.write(answer)
                else:
                    await asyncio.sleep(DELAY)
                    answer = self._page(host, head.lower())
                    self.requests += 1
                    self.sent += len(answer)
                    writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def _page(self, host: str, head: str) -> bytes:
        body, etag = self._feeds[host], self._etags[host]
        unchanged = f"if-none-match: {etag}" in head
        return self._answer(304 if unchanged else 200, b"" if unchanged else body, etag)

    @staticmethod
    def _answer(status: int, body: bytes, etag: str) -> bytes:
        lines = [
            f"HTTP/1.1 {status} OK",
            f"Content-Length: {len(body)}",
            "Content-Type: application/rss+xml; charset=utf-8",
            "Last-Modified: Thu, 13 Nov 2025 03:33:20 GMT",
        ]
        if status == 304:
            del lines[1]
        lines += [f"ETag: {etag}"] if etag else []
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.start_server(Origin().serve, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
