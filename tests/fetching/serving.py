"""A real HTTP server on loopback that has one file, and gives it out as well or as badly as a test says."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

TAG: Final = '"one"'


@dataclass(frozen=True)
class Asked:
    """A request. Header names are in lower case."""

    path: str
    headers: Mapping[str, str]


@dataclass
class FileServer:
    """The server.

    Attributes:
        content: Of the file.
        replies: How each request is answered, in order; the last one from then on.
        asked: Every request.
        port: On 127.0.0.1.
        reached: Set once a reply has come to where it waits.
    """

    content: bytes
    replies: "list[Reply]" = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str = "/clip.mp4", host: str = "127.0.0.1") -> str:
        """A URL of the file."""
        return f"http://{host}:{self.port}{path}"

    @property
    def ranges(self) -> list[str | None]:
        """Which part each request asked for."""
        return [asked.headers.get("range") for asked in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            self.asked.append(Asked(first.split(" ")[1], headers))
            number = min(len(self.asked), len(self.replies)) - 1
            reply = self.replies[number] if self.replies else well()
            await reply(self, self.asked[-1], writer)
            await writer.drain()
        writer.close()


Reply = Callable[[FileServer, Asked, asyncio.StreamWriter], Awaitable[None]]


def well(*, tag: str | None = TAG, cut_to: int | None = None, then_hang: bool = False) -> Reply:
    """As a good server does, ranges included.

    Args:
        tag: What names the content; None for nothing.
        cut_to: Break off after so many bytes.
        then_hang: Instead of breaking off, send nothing more.
    """

    async def reply(server: FileServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        whole = len(server.content)
        found = re.fullmatch(r"bytes=(\d+)-", asked.headers.get("range", ""))
        goes_on = found is not None and tag is not None and asked.headers.get("if-range") == tag
        begin = int(found[1]) if found is not None and goes_on else 0
        headers = {"Content-Length": str(whole - begin), **({"ETag": tag} if tag else {})}
        if goes_on:
            headers["Content-Range"] = f"bytes {begin}-{whole - 1}/{whole}"
        write_head(writer, 206 if goes_on else 200, headers)
        end = whole if cut_to is None else begin + cut_to
        writer.write(server.content[begin:end])
        if then_hang:
            await hang(server, writer)

    return reply


def part(*, shorter_by: int = 0, longer_by: int = 0, tag: str = TAG, of: str | None = None) -> Reply:
    """The rest of the file, whatever was asked by ``If-Range``, and an end that keeps HTTP's rules.

    Args:
        shorter_by: So many bytes are left out at its end, as its ``Content-Range`` says.
        longer_by: So many bytes come beyond its ``Content-Range``.
        tag: What names the content.
        of: What it calls the length of the whole file; default: the truth.
    """

    async def reply(server: FileServer, asked: Asked, writer: asyncio.StreamWriter) -> None:
        whole = len(server.content)
        begin = int(asked.headers["range"].removeprefix("bytes=").rstrip("-"))
        end = whole - shorter_by
        body = server.content[begin:end] + b"x" * longer_by
        said = {
            "Content-Range": f"bytes {begin}-{end - 1}/{of or whole}",
            "Content-Length": str(len(body)),
            "ETag": tag,
        }
        write_head(writer, 206, said)
        writer.write(body)

    return reply


def status(code: int, **headers: str) -> Reply:
    """A status and nothing else."""

    async def reply(_server: FileServer, _asked: Asked, writer: asyncio.StreamWriter) -> None:
        write_head(
            writer, code, {"Content-Length": "0", **{key.replace("_", "-"): text for key, text in headers.items()}}
        )

    return reply


def redirect(to: str) -> Reply:
    """Lead on."""
    return status(302, Location=to)


def without_length(*, cut_to: int | None = None, **headers: str) -> Reply:
    """All of it, chunk by chunk, or broken off after so many bytes; nobody knows how much it will be."""

    async def reply(server: FileServer, _asked: Asked, writer: asyncio.StreamWriter) -> None:
        named = {key.replace("_", "-"): text for key, text in headers.items()}
        write_head(writer, 200, {"Transfer-Encoding": "chunked", **named})
        content = server.content[:cut_to]
        for begin in range(0, len(content), 65536):
            piece = content[begin : begin + 65536]
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
        if cut_to is None:
            writer.write(b"0\r\n\r\n")

    return reply


async def drip(_server: FileServer, _asked: Asked, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, never enough."""
    write_head(writer, 200, {"Content-Length": "1000000"})
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def hang(server: FileServer, writer: asyncio.StreamWriter) -> None:
    """Send nothing more until the other side goes."""
    await writer.drain()
    server.reached.set()
    while not writer.is_closing():
        await asyncio.sleep(0.01)


async def never(server: FileServer, _asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Not even begin to answer."""
    await hang(server, writer)


def write_head(writer: asyncio.StreamWriter, code: int, headers: Mapping[str, str]) -> None:
    """Status line and headers; the connection is not kept."""
    lines = [f"HTTP/1.1 {code} Said", *(f"{name}: {text}" for name, text in headers.items()), "Connection: close"]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))


@asynccontextmanager
async def serving(content: bytes, *replies: Reply, tls: ssl.SSLContext | None = None) -> AsyncIterator[FileServer]:
    """The server, until the block ends."""
    server = FileServer(content, list(replies))
    connections: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(server.serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    listening = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in tuple(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await listening.wait_closed()
