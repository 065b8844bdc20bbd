"""_sink: a mail server that takes everything and keeps nothing. Prints its port and serves."""

import asyncio


class Sink(asyncio.Protocol):
    """One conversation: as little SMTP as a sender needs, so that its time is not the sender's."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._rest, self._in_data = transport, b"", False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer all commands that are whole; a message ends at a dot on a line of its own."""
        self._rest += data
        while True:
            end = b"\r\n.\r\n" if self._in_data else b"\r\n"
            said, found, rest = self._rest.partition(end)
            if not found:
                return
            self._rest = rest
            self._answer(b"." if self._in_data else said[:4].upper())

    def _answer(self, verb: bytes) -> None:
        self._in_data = verb == b"DATA"
        self._transport.write({b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(verb, b"250 taken\r\n"))


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
