"""A real HTTP server on loopback that takes what is sent to it, and answers as a test says."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Received:
    """A request. Header names are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """The server.

    Attributes:
        answers: Status and body of each answer, in order; the last one from then on. A status of 0: none.
        location: Where an answer leads on to.
        drips: Whether of what an answer says only a byte comes.
        received: Every request.
        port: On 127.0.0.1.
    """

    answers: list[tuple[int, bytes]] = field(default_factory=lambda: [(204, b"")])
    location: str = ""
    drips: bool = False
    received: list[Received] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Where to send."""
        return f"http://127.0.0.1:{self.port}/events"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.received.append(Received(first.split(" ")[1], headers, body))
            status, answer = self.answers[min(len(self.received), len(self.answers)) - 1]
            if status == 0:
                await reader.read()  # until the sender has given up
            location = f"Location: {self.location}\r\n" if self.location else ""
            head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(answer)}\r\n{location}\r\n"
            writer.write(head.encode() + (answer[:1] if self.drips else answer))
            await writer.drain()
            if self.drips:
                await reader.read()  # until the sender has given up
        writer.close()


@asynccontextmanager
async def receiving(*answers: int | tuple[int, bytes]) -> AsyncIterator[Receiver]:
    """A receiver that gives these answers."""
    receiver = Receiver()
    if answers:
        receiver.answers = [(answer, b"") if isinstance(answer, int) else answer for answer in answers]
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
