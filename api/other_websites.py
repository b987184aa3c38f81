"""What a page of another website may make a visitor's browser do here: nothing that changes anything.

A browser sends such a request with the visitor's own connection, and on a machine without keys that is all it takes. It
says where the page came from, though (``Origin``, ``Sec-Fetch-Site``), and under which name it knows this service
(``Host``), which a page can't forge.
"""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import Problem, ProblemCode, problem_response

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class OtherWebsites:
    """Middleware: refuses what was asked by a page of another origin, or of a name that this service is not known by.

    Args:
        app: What is asked.
        hosts: Names of this service besides the loopback ones; empty for any name.
        origins: Of pages that may ask for anything, such as ``https://app.example.com``.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = (), origins: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = {host.lower() for host in hosts}
        self._origins = {origin.lower() for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] == "http" and (problem := self._problem(scope["method"], Headers(scope=scope))) is not None:
            answer = problem_response(problem, path=scope["path"], request_id=scope.get("request_id"))
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _problem(self, method: str, headers: Headers) -> Problem | None:
        host = headers.get("host", "")
        name = host_name(host)
        if self._hosts and name not in self._hosts | _LOOPBACK_NAMES:
            return Problem(
                ProblemCode.UNKNOWN_HOST,
                f"This service is not known as {name[:200]!r}. RUSHES_ALLOWED_HOSTS names those that it has.",
            )
        origin = headers.get("origin")
        if method in SAFE_METHODS or (origin is not None and origin.lower() in self._origins):
            return None
        is_foreign = (
            headers.get("sec-fetch-site") == "cross-site" if origin is None else _address(origin) != _written(host)
        )
        if not is_foreign:
            return None
        return Problem(
            ProblemCode.FOREIGN_ORIGIN,
            "A page of another website asked for this. RUSHES_CORS_ORIGINS names the websites that may.",
        )


def is_loopback_name(host: str) -> bool:
    """Whether a ``Host`` header names this machine itself."""
    return host_name(host) in _LOOPBACK_NAMES


def host_name(host: str) -> str:
    """The name in a ``Host`` header, without the port; empty for what is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _address(origin: str) -> str | None:
    """Host and port of an origin, as a ``Host`` header has them; None for ``null`` and what is no origin at all."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return _written(parts.netloc) if parts.scheme in {"http", "https"} else None


def _written(host: str) -> str:
    return host.lower().removesuffix(":80").removesuffix(":443")
