"""A span costs as much as its request has headers, and not the square of it."""

from starlette.types import Message, Receive, Scope, Send

from api.tracing import RequestSpans


class Name(bytes):
    """Of a header; counts how often one of them was compared with another."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Name.compared += 1
        return super().__eq__(other)

    __hash__ = bytes.__hash__


async def nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """An application that does not answer."""


async def test_headers_are_not_compared_with_each_other_however_many_there_are() -> None:
    headers = [(Name(b"%x" % number), b"") for number in range(1000)]

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        """Nobody is there."""

    await RequestSpans(nothing)({"type": "http", "method": "GET", "path": "/", "headers": headers}, receive, send)
    assert Name.compared < 5 * len(headers)
