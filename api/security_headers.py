"""What every answer tells a browser: not to guess what it is, not to frame it, not to run anything in it.

The page may run its own modules and have its own stylesheet; nothing within a document counts as either.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOTHING: Final = "default-src 'none'; frame-ancestors 'none'"
_DOCS: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'"
)
"""Swagger UI begins with a script within its page."""
_FRAMED: Final = "frame-ancestors *"
_DOCS_PATHS: Final = ("/docs", "/static-offline-docs")
_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
)


def page_policy(media_origin: str | None) -> str:
    """Of the page.

    Args:
        media_origin: Where films and pictures may come from besides this service: the bucket's, or None.
    """
    return f"{_own_parts(media_origin)}; connect-src 'self'; frame-ancestors 'none'"


def embed_policy(media_origin: str | None) -> str:
    """Of the player alone, which other websites may frame; it can't ask for anything but the film."""
    return f"{_own_parts(media_origin)}; {_FRAMED}"


def _own_parts(media_origin: str | None) -> str:
    media = f"'self' {media_origin}" if media_origin is not None else "'self'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; "
        f"img-src {media}; media-src {media}"
    )


class SecurityHeaders:
    """Middleware: adds the headers that an answer has not set itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        policy = _DOCS if str(scope["path"]).startswith(_DOCS_PATHS) else _NOTHING

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**_HEADERS, "Content-Security-Policy": policy}.items():
                    headers.setdefault(name, value)
                if _FRAMED not in headers["Content-Security-Policy"]:
                    headers.setdefault("X-Frame-Options", "DENY")
            await send(message)

        await self._app(scope, receive, send_with_headers)
