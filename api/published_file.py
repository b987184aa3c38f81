"""Serving one file: byte ranges by Starlette, and around them what RFC 9110 asks of conditions and broken ranges."""

import os
import re
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from fastapi import Request
from fastapi.responses import FileResponse, Response
from starlette.datastructures import Headers
from starlette.types import Scope

from api.problems import Problem, ProblemCode

_RANGES: Final = re.compile(r"bytes=\s*(?:(?:\d+-\d*|-\d+)\s*(?:,\s*|$))+", re.IGNORECASE)
_ONE_RANGE: Final = re.compile(r"(\d*)-(\d*)")
_MAX_DIGITS: Final = 18


class Keeping(StrEnum):
    """How a viewer's own cache may keep a file, as ``Cache-Control``."""

    FOR_AN_HOUR = "private, max-age=3600"
    """What its address names never changes, but its video may be deleted."""

    COMPARED = "private, no-cache"
    """Its address may name another file at any time, so it is compared by its ETag before it is used again."""


def published_file(
    request: Request,
    path: Path,
    status: os.stat_result,
    media_type: str,
    *,
    keeping: Keeping = Keeping.FOR_AN_HOUR,
    disposition: str | None = None,
) -> Response:
    """The answer to GET or HEAD of a file on a disk: 200, 206 for a range of it, or 304 when the client has it already.

    Raises:
        Problem: The file has no byte in the asked range (416).
    """
    headers = {"Cache-Control": keeping.value}
    if disposition is not None:
        headers["Content-Disposition"] = disposition
    answer = FileResponse(path, media_type=media_type, stat_result=status, headers=headers)
    return settled(request, answer.headers, status.st_size) or answer


def settled(request: Request, headers: Headers, size_bytes: int) -> Response | None:
    """The answer to a request whose conditions decide it; a ``Range`` that is to be ignored is taken from others.

    Args:
        request: GET or HEAD.
        headers: ``ETag``, ``Last-Modified`` and ``Cache-Control`` of the file.
        size_bytes: Its size.

    Raises:
        Problem: The file has no byte in the asked range (416).
    """
    if _is_known(request.headers, headers):
        kept = {name: headers[name] for name in ("etag", "last-modified", "cache-control")}
        return Response(status_code=304, headers=kept)
    asked = request.headers.get("range")
    if asked is not None and _applies(request.headers, headers):
        if not _is_understood(asked):
            _forget_range(request.scope)
        elif not _is_satisfiable(asked, size_bytes):
            raise Problem(
                ProblemCode.RANGE_NOT_SATISFIABLE,
                f"The file has {size_bytes} bytes.",
                headers={"Content-Range": f"bytes */{size_bytes}"},
            )
    return None


def single_range(request: Request, headers: Headers, size_bytes: int) -> tuple[int, int] | None:
    """First byte and the one after the last of the one range that is asked for; None for all of the file.

    Args:
        request: One that ``settled`` has let pass.
        headers: As there.
        size_bytes: As there.
    """
    asked = request.headers.get("range")
    if asked is None or not _applies(request.headers, headers):
        return None
    ranges = _ONE_RANGE.findall(asked)
    ranges = [(first, last) for first, last in ranges if first or last]
    if len(ranges) != 1:
        return None  # who asks for several has to take all of it, which RFC 9110 allows
    ((first, last),) = ranges
    if not first:
        return max(0, size_bytes - int(last)), size_bytes
    return int(first), min(int(last) + 1, size_bytes) if last else size_bytes


def _is_known(request: Headers, answer: Headers) -> bool:
    if (tags := request.get("if-none-match")) is not None:
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return "*" in known or answer["etag"] in known
    if (since := request.get("if-modified-since")) is not None:
        try:
            return parsedate_to_datetime(answer["last-modified"]) <= parsedate_to_datetime(since)
        except (ValueError, TypeError):
            return False
    return False


def _applies(request: Headers, answer: Headers) -> bool:
    condition = request.get("if-range")
    return condition is None or condition in {answer["etag"], answer["last-modified"]}


def _is_understood(asked: str) -> bool:
    """Whether it is a valid set of byte ranges; any other ``Range`` is to be ignored."""
    if not _RANGES.fullmatch(asked.strip()):
        return False
    ranges = _ONE_RANGE.findall(asked)
    if any(len(first) > _MAX_DIGITS or len(last) > _MAX_DIGITS for first, last in ranges):
        return False
    return all(int(first) <= int(last) for first, last in ranges if first and last)


def _is_satisfiable(asked: str, size: int) -> bool:
    """Whether Starlette can serve every one of the ranges; it refuses a set of which one is beyond the end."""
    ranges = _ONE_RANGE.findall(asked)
    return size > 0 and all(int(first) < size if first else int(last) > 0 for first, last in ranges)


def _forget_range(scope: Scope) -> None:
    scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"range"]
