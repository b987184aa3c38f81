"""Asks a server for a file: through every redirect, each checked anew, to an answer that begins."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from email.message import Message
from typing import Final

import httpcore
import httpx

from contracts.errors import AddressRefused, SourceFailed, SourceNotFound
from fetching.addresses import AddressRules
from fetching.connecting import CheckedBackend, Resolve, resolve
from fetching.source_url import SourceUrl, SourceUrlInvalid

MOST_REDIRECTS: Final = 5

_HEADERS: Final = {"User-Agent": "rushes", "Accept": "*/*", "Accept-Encoding": "identity"}
"""The file as it is: packed, it could be neither measured nor continued."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MAY_PASS: Final = frozenset({408, 425, 429})
"""Refusals of the server that say: not now."""

_CLIENT_ERRORS: Final = range(400, 500)
_LONGEST_DISPOSITION: Final = 2000
"""Of letters. A name has 255 bytes at the most, each of which may be written as three."""


@dataclass(frozen=True)
class Patience:
    """How long a server may take.

    Attributes:
        connect_seconds: For a connection: the name, each address, the certificate.
        stall_seconds: For an answer to begin, and then for each ``fetching.transfer.LEAST_BYTES`` of it.
        pause_seconds: Not the server's: how long to wait before it is asked again.
        whole_seconds: For the whole file, every connection included.
    """

    connect_seconds: float = 10
    stall_seconds: float = 30
    pause_seconds: float = 1
    whole_seconds: float = 12 * 3600


class Answer:
    """An answer whose body can be read once.

    Attributes:
        url: Where it came from, after all redirects.
        status: Of HTTP.
    """

    def __init__(self, url: SourceUrl, response: httpcore.Response) -> None:
        self.url = url
        self.status = response.status
        self._response = response
        self._headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}

    def header(self, name: str) -> str | None:
        """A header's text, by its name in lower case."""
        return self._headers.get(name)

    @property
    def length(self) -> int | None:
        """How many bytes the body has, where the server says so."""
        said = self.header("content-length") or ""
        return int(said) if said.isascii() and said.isdecimal() else None

    @property
    def filename(self) -> str:
        """What the server calls the file, else the last part of the URL; a label, never a path."""
        said = self.header("content-disposition") or ""
        if len(said) > _LONGEST_DISPOSITION:
            return self.url.filename  # to read one of many parts takes as long as the square of its length
        message = Message()
        message["Content-Disposition"] = said
        try:
            return message.get_filename() or self.url.filename
        except (TypeError, ValueError):  # parts of a name that can't be put in order
            return self.url.filename

    @property
    def validator(self) -> str | None:
        """What names this very content, so that the rest of it can be asked for; None where nothing does."""
        tag = self.header("etag")
        return tag if tag is not None and not tag.startswith("W/") else self.header("last-modified")

    def is_not_of(self, validator: str) -> bool:
        """Whether it says that it belongs to other content than this names; not every server knows ``If-Range``."""
        said = self.header("etag" if validator.startswith('"') else "last-modified")
        return said is not None and said != validator

    async def body(self) -> AsyncGenerator[bytes]:
        """The bytes as they come. Raises ``SourceFailed`` where the connection breaks."""
        with told_as_source_failed(self.url):
            async for piece in self._response.aiter_stream():
                yield piece


class Sources:
    """Asks servers, whichever URL names them.

    Args:
        rules: Which addresses may be asked.
        patience: How long they may take.
        resolve: Finds the addresses of a name.
    """

    def __init__(self, rules: AddressRules, patience: Patience, resolve: Resolve = resolve) -> None:
        self._rules = rules
        self._network = CheckedBackend(rules, resolve)
        self.patience = patience
        self._tls = httpx.create_ssl_context()

    @asynccontextmanager
    async def open(self, url: SourceUrl, headers: Mapping[str, str]) -> AsyncIterator[Answer]:
        """Ask for the URL's content, with more headers; the answer is open for as long as the block lasts.

        Raises:
            AddressRefused: It, or something that it is redirected to, may not be asked.
            SourceNotFound: The server says that there is no such file, or does not give it out.
            SourceFailed: The server does not answer, or not as it should, or not now.
        """
        for _ in range(MOST_REDIRECTS + 1):
            url.check(self._rules)
            # A pool of its own: a connection is never taken over by another name.
            async with (
                httpcore.AsyncConnectionPool(self._tls, network_backend=self._network) as connections,
                self._asked(connections, url, headers) as answer,
            ):
                if answer.status not in _REDIRECTS:
                    _check_status(answer)
                    yield answer
                    return
                url = _redirected(answer)
        raise SourceNotFound(f"The URL is redirected more than {MOST_REDIRECTS} times; give the one that it ends at.")

    @asynccontextmanager
    async def _asked(
        self, connections: httpcore.AsyncConnectionPool, url: SourceUrl, headers: Mapping[str, str]
    ) -> AsyncIterator[Answer]:
        patience = self.patience
        waits = {"connect": patience.connect_seconds, "read": patience.stall_seconds, "write": patience.stall_seconds}
        sent = {"Host": url.url.netloc.decode("ascii"), **_HEADERS, **headers}
        asked = httpcore.Request(
            "GET",
            httpcore.URL(scheme=url.url.raw_scheme, host=url.url.raw_host, port=url.url.port, target=url.url.raw_path),
            headers=list(sent.items()),
            extensions={"timeout": waits},
        )
        with told_as_source_failed(url):
            async with asyncio.timeout(patience.connect_seconds + patience.stall_seconds):
                response = await connections.handle_async_request(asked)
        try:
            yield Answer(url, response)
        finally:
            await response.aclose()


@contextmanager
def told_as_source_failed(url: SourceUrl) -> Iterator[None]:
    """Turn what the network does into ``SourceFailed``, without the URL's query, which may be a secret."""
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException) as error:
        raise SourceFailed(f"The server {url.host} does not answer in time.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        why = str(error).strip().rstrip(".") or type(error).__name__
        raise SourceFailed(f"The connection to {url.host} failed: {why}.") from error


def _redirected(answer: Answer) -> SourceUrl:
    location = answer.header("location")
    if location is None:
        raise SourceFailed(f"The server {answer.url.host} redirects to nowhere.")
    try:
        return answer.url.redirected(location)
    except SourceUrlInvalid as error:
        raise AddressRefused(f"The server {answer.url.host} redirects to what is not fetched. {error}") from error


def _check_status(answer: Answer) -> None:
    host, status = answer.url.host, answer.status
    if status in {200, 206, 416}:
        return
    if status in _CLIENT_ERRORS and status not in _MAY_PASS:
        meaning = "has no such file" if status in {404, 410} else "does not give the file out"
        raise SourceNotFound(f"The server {host} {meaning}: it answers {status}. Check the URL, then import it again.")
    raise SourceFailed(f"The server {host} answers {status} instead of the file.")
