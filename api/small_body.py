"""Routes whose request is a small JSON document: FastAPI would read any body into memory."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

MOST_BODY_BYTES: Final = 64 * 1024


class SmallBodyRoute(APIRoute):
    """A route that answers 413 to a body of more than ``most_bytes``, and reads no more of it."""

    most_bytes = MOST_BODY_BYTES

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, given a request that can't be read for longer."""
        handle = super().get_route_handler()

        async def handle_small(request: Request) -> Response:
            return await handle(Request(request.scope, _limited(request.receive, self.most_bytes)))

        return handle_small


def _limited(receive: Receive, most_bytes: int) -> Receive:
    read_bytes = 0

    async def receive_no_more() -> Message:
        nonlocal read_bytes
        message = await receive()
        read_bytes += len(message.get("body", b""))
        if read_bytes > most_bytes:
            raise HTTPException(413, f"A request here has at most {most_bytes} bytes.")
        return message

    return receive_no_more
