"""Whatever tells of events, what was asked besides is not lost: of what is no stream of ours one error tells."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from client.connection import Connection
from client.errors import FOREIGN_ANSWER, RushesError
from client.listening import _lines, events
from client.waiting import Waiting
from contracts.status import VideoStatus
from tests.client.test_waiting import Api

STREAM = "Content-Type: text/event-stream"
STRANGERS = {
    "no JSON": ("200 OK", STREAM, b"event: video.ready\ndata: <html>\n\n"),
    "JSON of something else": ("200 OK", STREAM, b"event: video.ready\ndata: [1]\n\n"),
    "an id that is no number": ("200 OK", STREAM, b"id: first\nevent: video.ready\ndata: {}\n\n"),
    "a page": ("200 OK", "Content-Type: text/html", b"<h1>Sign in: to the hotel's network</h1>\n\n\n"),
    "not packed as it says": ("200 OK", f"{STREAM}\r\nContent-Encoding: gzip", b"event: video.ready\ndata: {}\n\n"),
    "redirects without end": ("302 Found", "Location: /events", b""),
}
NO_VIDEO = ("200 OK", STREAM, b'event: video.progress\ndata: {"id": 5}\n\n')


@asynccontextmanager
async def telling(status: str, headers: str, content: bytes) -> AsyncIterator[Connection]:
    """A connection to what answers everything with this."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\n{headers}\r\nConnection: close\r\n\r\n".encode() + content)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        connection = Connection(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        yield connection
        await connection.close()


@pytest.mark.parametrize("told", STRANGERS.values(), ids=STRANGERS.keys())
async def test_a_stream_of_something_else_is_told_as_that(told: tuple[str, str, bytes]) -> None:
    async with telling(*told) as connection:
        with pytest.raises(RushesError) as caught:
            await anext(events(connection, "/events"))
    assert caught.value.code == FOREIGN_ANSWER


@pytest.mark.parametrize("told", [*STRANGERS.values(), NO_VIDEO], ids=[*STRANGERS.keys(), "a video that is none"])
async def test_a_video_is_waited_for_whatever_tells_of_it(told: tuple[str, str, bytes]) -> None:
    api = Api(*[VideoStatus.PROCESSING] * 3, VideoStatus.READY)
    async with telling(*told) as connection:
        waiting = Waiting(api.look, lambda begun: events(connection, "/events", on_begun=begun), poll_seconds=0.05)
        settled = await waiting.settled(lambda _: None)
    assert settled.status is VideoStatus.READY


ENDS_OF_LINES = "\u2028 \u2029 \u0085 \v \f \x1c \x1d \x1e \x7f"
"""Of which text is full where programs cut it, and streams of events are not."""


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
async def test_an_event_is_told_whatever_ends_of_lines_its_text_has(line_end: str) -> None:
    data = json.dumps({"title": ENDS_OF_LINES}, ensure_ascii=False)
    frame = f"id: 20{line_end}event: video.updated{line_end}data: {data}{line_end}{line_end}".encode()
    async with telling("200 OK", STREAM, frame * 2) as connection, aclosing(events(connection, "/events")) as told:
        heard = [await anext(told) for _ in range(2)]
    assert [(event.id, event.data) for event in heard] == [(20, {"title": ENDS_OF_LINES})] * 2


async def test_lines_that_come_byte_by_byte_are_the_same() -> None:
    async def byte_by_byte() -> AsyncIterator[bytes]:
        for byte in "a\r\n\r\nb\u2028c\n\r\n".encode():
            yield bytes([byte])

    assert [line.decode() async for line in _lines(byte_by_byte())] == ["a", "", "b\u2028c", ""]
