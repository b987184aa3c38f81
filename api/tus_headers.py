"""The headers of tus 1.0 (https://tus.io/protocols/resumable-upload): read, and written."""

import base64
import re
from datetime import UTC
from email.utils import format_datetime
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, ProblemCode
from ingest.appending import Checksum
from ingest.resumable import UploadState

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,termination,checksum,expiration"
CHECKSUM_ALGORITHMS: Final = ("sha1", "sha256", "md5")
MEDIA_TYPE: Final = "application/offset+octet-stream"
UPLOADS_PATH: Final = "/api/v1/uploads"

_NUMBER: Final = re.compile(r"\d{1,18}")
_RESUMABLE: Final = "Tus-Resumable"


class TusVersion:
    """ASGI middleware: every answer below ``/api/v1/uploads`` says which tus is spoken, a refusal as well."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def send_with_version(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[_RESUMABLE] = VERSION
            await send(message)

        is_ours = scope["type"] == "http" and scope["path"].startswith(UPLOADS_PATH)
        await self._app(scope, receive, send_with_version if is_ours else send)


def check_version(headers: Headers) -> None:
    """Raise ``Problem`` (412) for a client that speaks another tus, or none."""
    spoken = headers.get(_RESUMABLE)
    if spoken != VERSION:
        raise Problem(
            ProblemCode.TUS_VERSION,
            f"Send the header {_RESUMABLE}: {VERSION}." if spoken is None else f"{spoken!r} is not spoken here.",
            headers={"Tus-Version": VERSION},
        )


def number(headers: Headers, name: str) -> int:
    """A header that is a number of bytes. Raises ``Problem`` (400)."""
    value = headers.get(name)
    if value is None or not _NUMBER.fullmatch(value):
        raise Problem(ProblemCode.TUS_HEADER, f"Send the header {name}: a number of bytes.")
    return int(value)


def length_of(headers: Headers) -> int:
    """How long the upload will be. Raises ``Problem`` (400)."""
    if "upload-defer-length" in headers:
        raise Problem(ProblemCode.TUS_HEADER, "Say how long the upload is: Upload-Defer-Length is not taken.")
    return number(headers, "Upload-Length")


def check_media_type(headers: Headers) -> None:
    """Raise ``Problem`` (415) for bytes of another media type than that of tus."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise Problem(ProblemCode.TUS_MEDIA_TYPE, f"Send the header Content-Type: {MEDIA_TYPE}.")


def metadata_of(headers: Headers) -> dict[str, str]:
    """``Upload-Metadata``: pairs of a key and a text in Base64. Raises ``Problem`` (400)."""
    found: dict[str, str] = {}
    for pair in headers.get("upload-metadata", "").split(","):
        key, _, encoded = pair.strip().partition(" ")
        if not key:
            continue
        try:
            found[key] = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
        except ValueError as error:  # of its letters, of its length, or of what it says
            raise Problem(
                ProblemCode.TUS_HEADER, f"Upload-Metadata: the value of {key!r} is not UTF-8 text in Base64."
            ) from error
    return found


def checksum_of(headers: Headers) -> Checksum | None:
    """``Upload-Checksum``: an algorithm and a digest in Base64. Raises ``Problem`` (400)."""
    value = headers.get("upload-checksum")
    if value is None:
        return None
    algorithm, _, encoded = value.strip().partition(" ")
    if algorithm not in CHECKSUM_ALGORITHMS:
        raise Problem(ProblemCode.TUS_HEADER, f"Upload-Checksum: one of {', '.join(CHECKSUM_ALGORITHMS)} is taken.")
    try:
        return Checksum(algorithm, base64.b64decode(encoded.strip(), validate=True))
    except ValueError as error:
        raise Problem(ProblemCode.TUS_HEADER, "Upload-Checksum: the digest is not Base64.") from error


def state_headers(state: UploadState) -> dict[str, str]:
    """Where an upload is."""
    headers = {"Upload-Offset": str(state.offset)}
    if state.expires_at is not None:
        headers["Upload-Expires"] = format_datetime(state.expires_at.astimezone(UTC), usegmt=True)
    return headers
