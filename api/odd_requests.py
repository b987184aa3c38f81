"""Requests that no client of good will sends: each is refused before anything reads on, and its connection ends.

- Two lengths: two servers in a row may each believe another one, and whoever can make them disagree can smuggle a
  request past the first. RFC 9112, section 6.1, lets a server refuse them.
- Headers by the thousand: what looks for one goes through all of them.
- Another version of HTTP: what follows, such as HTTP/2's preface, is no request of ours.
"""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, ProblemCode, problem_response

MOST_HEADERS: Final = 100
"""As Apache and Envoy have it; a browser behind two proxies sends about forty."""

_LENGTHS: Final = frozenset({b"transfer-encoding", b"content-length"})


class OddRequests:
    """Middleware: answers such a request itself, and ends the connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] != "http" or (problem := _problem(scope)) is None:
            await self._app(scope, receive, send)
            return

        async def send_and_close(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        answer = problem_response(problem, path=scope["path"], request_id=scope.get("request_id"))
        await answer(scope, receive, send_and_close)


def _problem(scope: Scope) -> Problem | None:
    headers = Headers(scope=scope).raw
    if not scope["http_version"].startswith("1."):
        return Problem(ProblemCode.UNKNOWN_HTTP_VERSION, "Ask by HTTP/1.1.")
    if len(headers) > MOST_HEADERS:
        return Problem(ProblemCode.TOO_MANY_HEADERS, f"A request has at most {MOST_HEADERS} headers.")
    if {name for name, _ in headers} >= _LENGTHS:
        return Problem(ProblemCode.AMBIGUOUS_LENGTH, "Send Content-Length or Transfer-Encoding, and not both.")
    return None
