"""Brings a file here, from its first byte to its last, over as many connections as it takes.

What has arrived is kept when a connection breaks, and the rest asked for, where the server can do that and says that
the file is still the same; else the file is begun anew. To go on is not to try again: what a server refuses from the
start is told to the caller at once.
"""

import asyncio
import re
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final, Protocol

from contracts.errors import InvalidMedia, LimitExceeded, SourceFailed, SourceTooSlow
from fetching.addresses import NameRefused
from fetching.source import Answer, Sources
from fetching.source_url import SourceUrl

LEAST_BYTES: Final = 64 * 1024
"""So many have to arrive within ``Patience.stall_seconds``: a server that drips is one that has stalled."""

_BATCH_BYTES: Final = 1024 * 1024
_MOST_FUTILE: Final = 3
"""So many connections in a row may bring the file no further than it was."""

_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


@dataclass(frozen=True)
class Content:
    """What a server says of a file.

    Attributes:
        whole_bytes: How large it is, where that is known.
        validator: Names this very content, so that the rest of it can be asked for; None where nothing does.
        filename: What the server calls it; a label, perhaps empty.
    """

    whole_bytes: int | None = None
    validator: str | None = None
    filename: str = ""


class Sink(Protocol):
    """Where the bytes go."""

    async def begin(self, content: Content) -> None:
        """The first byte of this follows, whatever came before."""

    async def write(self, *pieces: bytes) -> None:
        """The next bytes."""

    def tell(self, received_bytes: int, whole_bytes: int | None) -> None:
        """So many have arrived, of so many where that is known."""


@dataclass(frozen=True)
class Fetched:
    """A file of which every byte has arrived.

    Attributes:
        size_bytes: How many.
        filename: What the server calls it; a label, perhaps empty.
    """

    size_bytes: int
    filename: str


class Transfer:
    """One file on its way. Used once.

    Args:
        sources: Asks servers.
        url: Of the file.
        sink: Gets the bytes.
        max_bytes: Largest file that is taken.
        content: What an earlier transfer was told of the file, of which the sink has the first bytes; None for none.
        received_bytes: How many these are. Where the file is another one by now, it is begun anew.
    """

    def __init__(
        self,
        sources: Sources,
        url: SourceUrl,
        sink: Sink,
        *,
        max_bytes: int,
        content: Content | None = None,
        received_bytes: int = 0,
    ) -> None:
        self._sources = sources
        self._url = url
        self._sink = sink
        self._max_bytes = max_bytes
        self._batch: list[bytes] = []
        self._batch_bytes = 0
        self._received_bytes = self._furthest_bytes = received_bytes
        self._content = content or Content()

    async def run(self) -> Fetched:
        """Bring the whole file.

        Raises:
            AddressRefused: The URL, or something that it is redirected to, may not be asked.
            SourceNotFound: There is no such file, or it is not given out.
            SourceFailed: The server fails, or breaks off again and again.
            SourceTooSlow: It took longer than it may.
            LimitExceeded: It is larger than is taken; told as soon as that shows.
            InvalidMedia: It has no byte.
        """
        seconds = self._sources.patience.whole_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._read_all()
        except TimeoutError:
            raise SourceTooSlow(
                f"The file did not arrive within {seconds:g} seconds. Have it served faster, or raise "
                "RUSHES_IMPORT_TIMEOUT_SECONDS."
            ) from None
        if self._received_bytes == 0:
            raise InvalidMedia("The URL leads to a file without a byte.")
        return Fetched(self._received_bytes, self._content.filename)

    async def _read_all(self) -> None:
        futile = 0
        while True:
            before = self._furthest_bytes
            try:
                return await self._read_on_where_it_was()
            except SourceFailed:
                futile = 0 if self._furthest_bytes > before else futile + 1
                if self._received_bytes == 0 or futile == _MOST_FUTILE:
                    await self._write()  # for whoever goes on
                    raise
            await asyncio.sleep(self._sources.patience.pause_seconds)

    async def _read_on_where_it_was(self) -> None:
        """As ``_read_on``. A name that something has come from is one whose server is away, when it leads nowhere."""
        try:
            await self._read_on()
        except NameRefused as error:
            if self._received_bytes == 0:
                raise
            raise SourceFailed(str(error)) from error

    async def _read_on(self) -> None:
        """Ask for what is missing and read until it is here. Raises ``SourceFailed`` where the connection breaks."""
        async with self._sources.open(self._url, self._what_is_missing()) as answer:
            if answer.header("content-encoding") not in {None, "", "identity"}:
                raise SourceFailed(f"The server {answer.url.host} packs the file, though it was asked not to.")
            if not self._goes_on(answer):
                await self._begin_with(answer)
            elif not self._content.filename:
                self._content = replace(self._content, filename=answer.filename)
            await self._read_body(answer)
        await self._write()
        self._check_end(answer)

    def _check_end(self, answer: Answer) -> None:
        """Raise ``SourceFailed`` where an answer ended well, and the file did not end with it.

        A server may send less of a range than was asked for (RFC 9110, section 15.3.7), and the rest when asked again.
        """
        whole = self._content.whole_bytes
        if whole is None or self._received_bytes == whole:
            return
        if self._received_bytes > whole:
            self._forget()
        raise SourceFailed(
            f"The server {answer.url.host} has sent {self._received_bytes} bytes of a file that has {whole} by its own "
            "account."
        )

    def _forget(self) -> None:
        """The next connection asks for all of it."""
        self._content = replace(self._content, validator=None)

    def _what_is_missing(self) -> dict[str, str]:
        validator = self._content.validator
        if self._received_bytes == 0 or validator is None:
            return {}
        return {"Range": f"bytes={self._received_bytes}-", "If-Range": validator}

    def _goes_on(self, answer: Answer) -> bool:
        """Whether the answer is the rest of what is here. Raises ``SourceFailed`` for a part that is not."""
        if answer.status == 200:  # noqa: PLR2004 - OK: all of it
            return False
        found = _CONTENT_RANGE.fullmatch(answer.header("content-range") or "")
        validator, whole = self._content.validator, self._content.whole_bytes
        if found is None or int(found[1]) != self._received_bytes or validator is None:
            self._forget()
            raise SourceFailed(f"The server {answer.url.host} sends another part of the file than it was asked for.")
        of_bytes = whole if found[3] == "*" else int(found[3])
        if of_bytes is None or of_bytes != (whole or of_bytes) or answer.is_not_of(validator):
            self._forget()
            raise SourceFailed(f"The server {answer.url.host} sends a part of another file than it was asked for.")
        self._content = replace(self._content, whole_bytes=of_bytes)
        return True

    async def _begin_with(self, answer: Answer) -> None:
        self._batch.clear()
        self._batch_bytes = self._received_bytes = 0
        self._content = Content(answer.length, answer.validator, answer.filename)
        self._check_size(answer.length or 0)
        await self._sink.begin(self._content)

    async def _read_body(self, answer: Answer) -> None:
        seconds = self._sources.patience.stall_seconds
        loop = asyncio.get_running_loop()
        judged = self._received_bytes
        try:
            async with aclosing(answer.body()) as body, asyncio.timeout(seconds) as stalled:
                async for piece in body:
                    self._take(piece)
                    if self._batch_bytes >= _BATCH_BYTES:
                        stalled.reschedule(None)  # a slow disk is not the server's fault
                        await self._write()
                    elif self._received_bytes - judged < LEAST_BYTES:
                        continue
                    judged = self._received_bytes
                    stalled.reschedule(loop.time() + seconds)
        except TimeoutError:
            raise SourceFailed(f"The server {answer.url.host} has stopped sending.") from None

    def _take(self, piece: bytes) -> None:
        self._received_bytes += len(piece)
        self._check_size(self._received_bytes)
        self._furthest_bytes = max(self._furthest_bytes, self._received_bytes)
        self._batch.append(piece)
        self._batch_bytes += len(piece)
        self._sink.tell(self._received_bytes, self._content.whole_bytes)

    async def _write(self) -> None:
        """Hand on what has arrived. What a broken connection left is kept for the next one, so it is in order."""
        batch, self._batch, self._batch_bytes = self._batch, [], 0
        if batch:
            await self._sink.write(*batch)

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self._max_bytes:
            raise LimitExceeded(
                f"The file has more than the {self._max_bytes} bytes that an import may have (RUSHES_MAX_IMPORT_BYTES)."
            )
