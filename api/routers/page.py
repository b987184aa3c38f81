"""The page for people: its documents at ``/``, ``/videos/{id}`` and ``/videos/{id}/embed``, its parts at ``/web/…``.

What is served here is the same for everybody, and has no data in it: that the page asks the api for.
"""

from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Request, status
from fastapi import Path as PathParameter
from fastapi.responses import Response

from api.page_files import PageFile, PageFiles
from api.problems import Problem, ProblemCode
from api.published_file import settled
from api.security_headers import embed_policy, page_policy
from api.services import OptionsDep, ServicesDep

router = APIRouter(include_in_schema=False)

_FILES: Final = PageFiles(Path(__file__).resolve().parents[2] / "web")
_LIBRARY: Final = "index.html"
_EMBED: Final = "embed.html"
_DOCUMENT: Final = "text/html"
_FOR_PROGRAMS: Final = ("/api/", "/uploads/", "/web/")


def _may_be_a_video(video_id: str) -> None:
    try:
        UUID(video_id)
    except ValueError:
        raise HTTPException(status.HTTP_404_NOT_FOUND) from None


@router.get("/")
@router.head("/")
async def get_library(request: Request, services: ServicesDep, options: OptionsDep) -> Response:
    """The library: uploads, and a grid of one's videos."""
    return _answer(request, _file(_LIBRARY), page_policy(await _media_origin(services, options)))


@router.get("/videos/{video_id}", dependencies=[Depends(_may_be_a_video)])
@router.head("/videos/{video_id}", dependencies=[Depends(_may_be_a_video)])
async def get_video_page(request: Request, services: ServicesDep, options: OptionsDep) -> Response:
    """The page of one video: the same document, so that uploads go on while somebody looks around."""
    return await get_library(request, services, options)


@router.get("/videos/{video_id}/embed", dependencies=[Depends(_may_be_a_video)])
@router.head("/videos/{video_id}/embed", dependencies=[Depends(_may_be_a_video)])
async def get_embed(request: Request, services: ServicesDep, options: OptionsDep) -> Response:
    """The player alone, which every website may frame."""
    return _answer(request, _file(_EMBED), embed_policy(await _media_origin(services, options)))


@router.get("/web/{name}")
@router.head("/web/{name}")
async def get_part(
    request: Request, name: Annotated[str, PathParameter(description="Of a module, the stylesheet or a picture.")]
) -> Response:
    """A part of the page."""
    return _answer(request, _file(name))


async def nothing_here(request: Request) -> Response | None:
    """The page, which says that there is nothing at the address; None for whoever did not ask as a browser does."""
    asked = request.headers.get("accept", "")
    if request.method != "GET" or _DOCUMENT not in asked or request.url.path.startswith(_FOR_PROGRAMS):
        return None
    # Whoever goes on from here stays in this document, and sees films.
    policy = page_policy(await _media_origin(request.state.services, request.state.options))
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": policy}
    return Response(_file(_LIBRARY).content, status.HTTP_404_NOT_FOUND, headers, _DOCUMENT)


async def _media_origin(services: ServicesDep, options: OptionsDep) -> str | None:
    """Where else the page has to get films and pictures from: the bucket, where viewers are sent there."""
    return await services.storage.published_origin() if options.remote_serving.way == "redirect" else None


def _file(name: str) -> PageFile:
    file = _FILES.get(name)
    if file is None:
        raise Problem(ProblemCode.NOT_FOUND, f"The page has no part {name[:100]!r}.")
    return file


def _answer(request: Request, file: PageFile, policy: str | None = None) -> Response:
    """The file, or 304: a browser asks each time, so that a new release is whole at once."""
    headers = {"ETag": file.etag, "Last-Modified": file.modified, "Cache-Control": "no-cache"}
    whole = Response(file.content, media_type=file.media_type, headers=headers)
    answer = settled(request, whole.headers, len(file.content)) or whole
    if policy is not None:
        # With a 304 as well: a browser takes its headers in place of those that it has kept.
        answer.headers["Content-Security-Policy"] = policy
    return answer
