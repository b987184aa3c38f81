"""A network between browser and service that can go silent, as when a lid is closed or a train enters a tunnel."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

_PIECE_BYTES: Final = 64 * 1024
_BUFFER_BYTES: Final = 64 * 1024
"""What is held for a receiver: the system would hold megabytes, and a whole file would seem to be sent."""


class Network:
    """Passes bytes on until it is silenced.

    No connection breaks then: those that were open stay so and are dead for good, and new ones are opened and hear
    nothing. Once it speaks again, new ones get through.

    Attributes:
        address: Where the service is found behind it.
        silence: Set once nothing is heard.
    """

    def __init__(self, service: str, address: str) -> None:
        self.address = address
        self.silence = asyncio.Event()
        parts = urlsplit(service)
        self._service = (parts.hostname, parts.port)
        self._swallows = False
        self._left_bytes: int | None = None
        self._is_over = asyncio.Event()
        self._streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    def goes_silent(self) -> None:
        """From now on nothing is heard, and what is sent vanishes."""
        self._swallows = True
        self._silence()

    def speaks(self, *, for_bytes: int | None = None, swallows: bool = False) -> None:
        """New connections get through.

        Args:
            for_bytes: Until the service was sent so many; then it is silent again.
            swallows: Whether what is sent then vanishes, or stands still once all buffers are full.
        """
        self.silence = asyncio.Event()
        self._left_bytes = for_bytes
        self._swallows = swallows

    def ends(self) -> None:
        """Break all connections."""
        self._is_over.set()
        for _, writer in self._streams:
            writer.transport.abort()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody comes."""
        silence = self.silence
        self._streams.append((reader, writer))
        with suppress(OSError):
            if silence.is_set():
                await self._hear_nothing(reader)
                return
            there = await asyncio.open_connection(*self._service)
            self._streams.append(there)
            await asyncio.gather(self._send(reader, there[1], silence), _answer(there[0], writer, silence))
        writer.close()

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, silence: asyncio.Event) -> None:
        while piece := await reader.read(_PIECE_BYTES):
            if silence.is_set():
                await self._hear_nothing(reader)
                return
            writer.write(piece)
            await writer.drain()
            if self._left_bytes is not None:
                self._left_bytes -= len(piece)
                if self._left_bytes <= 0:
                    self._silence()
        writer.close()

    async def _hear_nothing(self, reader: asyncio.StreamReader) -> None:
        while self._swallows and await reader.read(_PIECE_BYTES):
            pass
        await self._is_over.wait()

    def _silence(self) -> None:
        self._left_bytes = None
        self.silence.set()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, silence: asyncio.Event) -> None:
    while piece := await reader.read(_PIECE_BYTES):
        if not silence.is_set():
            writer.write(piece)
            await writer.drain()
    if not silence.is_set():
        writer.close()


@asynccontextmanager
async def network(service: str) -> AsyncIterator[Network]:
    """A network to the service, which speaks."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        listener.bind(("127.0.0.1", 0))
        between = Network(service, f"http://127.0.0.1:{listener.getsockname()[1]}")
        server = await asyncio.start_server(between.connect, sock=listener)
        try:
            yield between
        finally:
            server.close()
            between.ends()
