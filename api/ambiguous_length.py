"""Requests that say in two ways how long their body is: two servers in a row may each believe another one.

Whoever can make them disagree can smuggle a request past the first. RFC 9112, section 6.1, lets a server refuse them.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, ProblemCode, problem_response


class AmbiguousLength:
    """Middleware: refuses requests with both ``Transfer-Encoding`` and ``Content-Length``, and ends the connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] != "http" or not {"transfer-encoding", "content-length"} <= set(Headers(scope=scope).keys()):
            await self._app(scope, receive, send)
            return
        problem = Problem(ProblemCode.AMBIGUOUS_LENGTH, "Send Content-Length or Transfer-Encoding, and not both.")

        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        answer = problem_response(problem, path=scope["path"], request_id=scope.get("request_id"))
        await answer(scope, receive, send_and_close)
