"""``GET /api/v1/videos/{id}/original``: the uploaded file, for its owner."""

from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.openapi import problem_answers
from api.problems import Problem, ProblemCode
from api.published_file import published_file
from api.remote_file import remote_file
from api.services import OptionsDep, ServicesDep, VideoDep
from contracts.errors import ErrorCode, OriginalMissing
from contracts.refusals import RefusalCode
from database.tables import Video
from storage.protocol import RemoteFile
from threads.files import off_loop

router = APIRouter(prefix="/api/v1/videos", tags=["files"])

_MEDIA_TYPE: Final = "application/octet-stream"
"""What a file from outside is, nobody has vouched for: it is saved, and not shown."""

_ADDRESS_SECONDS: Final = 300
"""How long an address in a bucket opens an original to whoever has it: a download has begun by then."""

_CONTENT: Final[dict[str, Any]] = {
    _MEDIA_TYPE: {"schema": {"type": "string", "contentMediaType": _MEDIA_TYPE}},
}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file.", "content": _CONTENT},
    206: {"description": "The asked range of it.", "content": _CONTENT},
    302: {"description": "It is in a bucket, and can be read there for a while."},
    304: {"description": "The client has it already."},
}


@router.get(
    "/{video_id}/original",
    operation_id="get_original",
    summary="Download the file as it was uploaded",
    response_class=Response,
    responses=_ANSWERS
    | problem_answers(
        RefusalCode.VIDEO_NOT_FOUND,
        ProblemCode.FILE_NOT_FOUND,
        ProblemCode.RANGE_NOT_SATISFIABLE,
        ProblemCode.INVALID_REQUEST,
        ErrorCode.DATABASE_UNAVAILABLE,
        ErrorCode.STORAGE_FAILED,
    ),
)
@router.head("/{video_id}/original", include_in_schema=False)
async def get_original(request: Request, video: VideoDep, services: ServicesDep, options: OptionsDep) -> Response:
    """Whole or in byte ranges, under the name that it came with. Links and `public` open published files alone."""
    if video.uploaded_at is None:
        raise _not_there(video)
    disposition = attachment(video.original_filename)
    try:
        file = await services.storage.served(video.original_key)
        if isinstance(file, RemoteFile):
            serving = replace(options.remote_serving, seconds=min(_ADDRESS_SECONDS, options.remote_serving.seconds))
            return await remote_file(request, file, _MEDIA_TYPE, serving, disposition=disposition)
        status = await off_loop(file.path.stat)
    except (OriginalMissing, FileNotFoundError) as error:
        raise _not_there(video) from error
    return published_file(request, file.path, status, _MEDIA_TYPE, disposition=disposition)


def _not_there(video: Video) -> Problem:
    return Problem(ProblemCode.FILE_NOT_FOUND, f"Video {video.id} has no original, or not yet.")


def attachment(filename: str) -> str:
    """A ``Content-Disposition`` by which a file is saved under this name (RFC 6266).

    Who does not read ``filename*`` gets the name with its other letters replaced.
    """
    plain = "".join(character if " " <= character <= "~" and character not in '"\\%' else "_" for character in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
