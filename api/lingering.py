"""An answer that comes before the end of the request's body, in a way that lets the client hear it.

A connection closed with unread bytes is reset, and a client that is still sending then loses an answer that was already
on its way. So the answer is sent whole at once, and the connection kept a while longer to read and forget the rest,
a stranger's only as long as there is room for it.
"""

import asyncio
import math
from contextlib import suppress
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.connections import LINGER, OF_A_CALLER

LINGER_SECONDS: Final = 10.0
"""How long a client may go on sending after its answer. A client that listens meanwhile stops by itself."""

STRANGER_BYTES: Final = 256 * 1024
"""How much is read of a request whose sender is not known; one that still sends then hears it when it next listens."""

_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class LingeringClose:
    """Middleware: holds the end of an answer back until the request's body has ended too, for a bounded time.

    A client that waits for "100 Continue" sends nothing before it is asked to; it is not asked for what nobody reads.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request with a body on through an ``_Exchange``; anything else untouched."""
        if scope["type"] != "http" or scope["method"] in _WITHOUT_BODY or not _has_body(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        await self._app(scope, exchange.receive, exchange.send)


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


class _Exchange:
    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._client_sends = "expect" not in Headers(scope=scope)
        self._body_ended = False
        self._closes_at_once = False
        self._most_bytes: float = math.inf

    async def receive(self) -> Message:
        self._client_sends = True  # the server sends "100 Continue" at the first receive
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._body_ended = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if OF_A_CALLER not in self._scope and not self._body_ended:
                self._most_bytes = STRANGER_BYTES
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
                await self._send(message)
                return
            self._closes_at_once |= Headers(raw=message["headers"]).get("connection", "").lower() == "close"
        elif message["type"] == "http.response.body" and not message.get("more_body", False) and self._is_to_linger:
            await self._send({**message, "more_body": True})
            await self._read_the_rest()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    @property
    def _is_to_linger(self) -> bool:
        return self._client_sends and not self._body_ended and not self._closes_at_once

    async def _read_the_rest(self) -> None:
        if LINGER in self._scope:
            self._scope[LINGER]()
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while not self._body_ended and self._most_bytes > 0:
                    message = await self.receive()
                    self._most_bytes -= len(message.get("body", b""))
