"""A request's body: read as it arrives, or left, in a way that lets the client hear the answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

DRAIN_BYTES: Final = 4 * 1024 * 1024
DRAIN_SECONDS: Final = 2.0


class RequestBody:
    """The pieces of one request's body.

    Args:
        request: Whose body; nothing else may read it.
    """

    def __init__(self, request: Request) -> None:
        self._stream = request.stream()
        self._started = False
        self._expects_continue = request.headers.get("expect", "").lower() == "100-continue"

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield what arrives, until the body is complete. Raises ``ClientDisconnect`` when the client goes away."""
        self._started = True
        async for piece in self._stream:
            if piece:
                yield piece

    async def drain(self) -> None:
        """Read a bounded rest of the body and forget it.

        A connection closed with unread bytes is reset, and many clients then lose an answer that was already sent. A
        client that waits for "100 Continue" sends nothing before it is asked to, so it is not asked.
        """
        if self._expects_continue and not self._started:
            return
        drained = 0
        with suppress(TimeoutError, ClientDisconnect):
            async with asyncio.timeout(DRAIN_SECONDS), aclosing(self._stream) as stream:
                async for piece in stream:
                    drained += len(piece)
                    if drained > DRAIN_BYTES:
                        return
