"""Serving a file that lives in a bucket: by a redirect to it, or through the api."""

from dataclasses import dataclass
from email.utils import format_datetime
from typing import Literal

from fastapi import Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from starlette.datastructures import MutableHeaders

from api.published_file import Keeping, settled, single_range
from storage.protocol import RemoteFile


@dataclass(frozen=True)
class RemoteServing:
    """How files in a bucket are served.

    Attributes:
        way: By a redirect to a signed address of the bucket, or through the api.
        seconds: How long such an address can be read.
    """

    way: Literal["redirect", "stream"] = "redirect"
    seconds: int = 3600


async def remote_file(
    request: Request,
    file: RemoteFile,
    media_type: str,
    serving: RemoteServing,
    *,
    keeping: Keeping = Keeping.FOR_AN_HOUR,
    disposition: str | None = None,
) -> Response:
    """The answer to GET or HEAD: 302 to the bucket, or as for a file on a disk; several ranges get the whole file.

    Raises:
        Problem: The file has no byte in the asked range (416).
    """
    if serving.way == "redirect" and request.method == "GET":
        address = await file.address(serving.seconds, media_type, disposition)
        # The address may be used for half of its life by then, so that a player has the other half.
        kept = {"Cache-Control": f"private, max-age={serving.seconds // 2}"}
        return RedirectResponse(address, status_code=302, headers=kept)
    headers = MutableHeaders(headers={"Cache-Control": keeping.value})
    headers["ETag"] = f'"{file.etag}"'
    headers["Last-Modified"] = format_datetime(file.modified, usegmt=True)
    headers["Accept-Ranges"] = "bytes"
    if disposition is not None:
        headers["Content-Disposition"] = disposition
    if (decided := settled(request, headers, file.size_bytes)) is not None:
        return decided
    asked = single_range(request, headers, file.size_bytes)
    begin, end = asked or (0, file.size_bytes)
    headers["Content-Length"] = str(end - begin)
    if asked is not None:
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{file.size_bytes}"
    status = 200 if asked is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=dict(headers), media_type=media_type)
    return StreamingResponse(file.read(begin, end), status_code=status, headers=dict(headers), media_type=media_type)
