"""Sends a message to a server that a stranger has named: to checked addresses, and never to where it redirects."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import httpcore
import httpx

from contracts.errors import AddressRefused, SourceFailed
from fetching.addresses import AddressRules
from fetching.connecting import CheckedBackend, Resolve, resolve
from fetching.source_url import SourceUrl

_MOST_ANSWER_BYTES: Final = 1024


@dataclass(frozen=True)
class Posted:
    """What came of it.

    Attributes:
        status: Of HTTP; None where there was no answer.
        detail: The beginning of the answer as text, or a sentence that says why there was none.
    """

    status: int | None
    detail: str


class Poster:
    """Sends messages.

    Args:
        rules: Which addresses may be sent to.
        timeout_seconds: How long one may take until it is answered, connection included. What the answer says is
            waited for a third of that.
        resolve: Finds the addresses of a name.
    """

    def __init__(self, rules: AddressRules, timeout_seconds: float, resolve: Resolve = resolve) -> None:
        self._rules = rules
        self._network = CheckedBackend(rules, resolve)
        self._timeout_seconds = timeout_seconds
        self._words_seconds = timeout_seconds / 3
        self._tls = httpx.create_ssl_context()

    async def post(self, url: SourceUrl, headers: Mapping[str, str], body: bytes) -> Posted:
        """Send ``body``. Whatever goes wrong is told as a ``Posted`` without a status."""
        try:
            url.check(self._rules)
            return await self._post(url, headers, body)
        except AddressRefused as error:
            return Posted(None, str(error))
        except (TimeoutError, httpcore.TimeoutException):
            return Posted(None, f"No answer within {self._timeout_seconds:g} seconds.")
        except (SourceFailed, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            why = str(error).strip().rstrip(".") or type(error).__name__
            return Posted(None, f"The server {url.host} can't be reached: {why}.")

    async def _post(self, url: SourceUrl, headers: Mapping[str, str], body: bytes) -> Posted:
        sent = {
            "Host": url.url.netloc.decode("ascii"),
            "User-Agent": "rushes",
            "Content-Length": str(len(body)),
            **headers,
        }
        asked = httpcore.Request(
            "POST",
            httpcore.URL(scheme=url.url.raw_scheme, host=url.url.raw_host, port=url.url.port, target=url.url.raw_path),
            headers=list(sent.items()),
            content=body,
        )
        # A pool of its own: a connection is never taken over by another name.
        async with httpcore.AsyncConnectionPool(self._tls, network_backend=self._network) as connections:
            async with asyncio.timeout(self._timeout_seconds):
                answer = await connections.handle_async_request(asked)
            try:
                return Posted(answer.status, await _beginning(answer, self._words_seconds))
            finally:
                await answer.aclose()


async def _beginning(answer: httpcore.Response, within_seconds: float) -> str:
    """The first bytes of an answer as text. What drips or breaks off takes nothing back of its status."""
    read = b""
    with suppress(TimeoutError, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        async with asyncio.timeout(within_seconds):
            async for piece in answer.aiter_stream():
                read += piece
                if len(read) >= _MOST_ANSWER_BYTES:
                    break
    text = read[:_MOST_ANSWER_BYTES].decode("utf-8", errors="replace")
    return "".join(character for character in text if character.isprintable() or character in "\n\t")
