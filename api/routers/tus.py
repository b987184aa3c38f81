"""``/api/v1/uploads``: uploads over several requests, as tus 1.0 has them."""

from collections.abc import AsyncIterator
from typing import Final, cast

import structlog
from fastapi import APIRouter, Request, Response, status
from starlette.requests import ClientDisconnect

from api.authentication import CallerDep
from api.idempotency import IdempotencyKeyDep, answer_headers, tell
from api.openapi import problem_answers
from api.problems import Code, Problem, ProblemCode
from api.services import ResumableDep, VideoId
from api.tus_headers import (
    CHECKSUM_ALGORITHMS,
    EXTENSIONS,
    MEDIA_TYPE,
    UPLOADS_PATH,
    VERSION,
    check_media_type,
    check_version,
    checksum_of,
    length_of,
    metadata_of,
    number,
    state_headers,
)
from contracts.errors import ErrorCode
from contracts.metadata import metadata_from_json
from contracts.refusals import RefusalCode, Refused
from ingest.uploads import SenderGone

router = APIRouter(prefix=UPLOADS_PATH, tags=["uploads"])

_audit = structlog.stdlib.get_logger("audit")

_BYTES: Final = {"requestBody": {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}}
_ANY: Final = (ProblemCode.TUS_VERSION, ErrorCode.DATABASE_UNAVAILABLE, ErrorCode.STORAGE_FAILED)
_ONE: Final = (*_ANY, RefusalCode.VIDEO_NOT_FOUND, RefusalCode.UPLOAD_GONE, ProblemCode.INVALID_REQUEST)
_WRITE: Final = (
    ProblemCode.TUS_HEADER,
    ProblemCode.TUS_MEDIA_TYPE,
    RefusalCode.UPLOAD_LOCKED,
    RefusalCode.WRONG_OFFSET,
    RefusalCode.TOO_LARGE,
    RefusalCode.CHECKSUM_MISMATCH,
    RefusalCode.UPLOAD_WITHDRAWN,
)
_CREATE: Final = (
    RefusalCode.UNSUPPORTED_EXTENSION,
    RefusalCode.FILE_EMPTY,
    RefusalCode.INVALID_TITLE,
    RefusalCode.INVALID_METADATA,
    RefusalCode.NO_ROOM,
    RefusalCode.INVALID_IDEMPOTENCY_KEY,
    RefusalCode.IDEMPOTENCY_KEY_REUSED,
    RefusalCode.UPLOAD_GONE,
    ErrorCode.UNKNOWN_PROFILE,
)


@router.options("", operation_id="describe_uploads", summary="What of tus is spoken", status_code=204)
@router.options("/{_}", include_in_schema=False, status_code=204)
async def describe_uploads(resumable: ResumableDep) -> Response:
    """Version and extensions of tus, the largest file, the checksums that are taken."""
    headers = {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(resumable.limits.max_bytes),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUM_ALGORITHMS),
    }
    return Response(status_code=status.HTTP_204_NO_CONTENT, headers=headers)


@router.post(
    "",
    operation_id="create_upload",
    summary="Begin an upload",
    status_code=status.HTTP_201_CREATED,
    response_class=Response,
    openapi_extra=_BYTES,
    responses=problem_answers(*_ANY, *_WRITE, *_CREATE, RefusalCode.TOO_MANY_UPLOADS)
    | answer_headers(status.HTTP_201_CREATED),
)
async def create_upload(
    request: Request, caller: CallerDep, resumable: ResumableDep, idempotency_key: IdempotencyKeyDep
) -> Response:
    """Makes the video, whose id is the upload's. `Upload-Metadata`: `filename`; more if wanted.

    That is `title`, `profile`, and `metadata`, a JSON object of texts. Bytes may come with it.

    With the `Idempotency-Key` of an upload that was declared in the same words, the answer is that one, and
    `Upload-Offset` where to go on; bytes are taken only if none of it is here. Its metadata stays as it is.
    """
    check_version(request.headers)
    metadata = metadata_of(request.headers)
    if "filename" not in metadata:
        raise Problem(ProblemCode.TUS_HEADER, "Send the file's name as filename in Upload-Metadata.")
    with_bytes = "content-type" in request.headers
    checksum = None
    if with_bytes:
        check_media_type(request.headers)
        checksum = checksum_of(request.headers)
    state, replayed = await resumable.create(
        caller.user_id,
        idempotency_key,
        filename=metadata["filename"],
        length=length_of(request.headers),
        title=metadata.get("title", ""),
        profile=metadata.get("profile", ""),
        user_metadata=metadata_from_json(metadata.get("metadata", "")),
    )
    location = f"{UPLOADS_PATH}/{state.video_id}"
    if with_bytes and state.offset == 0:
        try:
            state = await resumable.append(caller.user_id, state.video_id, 0, _pieces(request), checksum)
        except Refused as refused:  # of the bytes; the upload itself was begun, and can be gone on with
            raise Problem(cast("Code", refused.code), refused.detail, headers={"Location": location}) from refused
    response = Response(status_code=status.HTTP_201_CREATED, headers=state_headers(state))
    tell(response, location, replayed=replayed)
    return response


@router.head(
    "/{video_id}",
    operation_id="get_upload_offset",
    summary="How far an upload is",
    response_class=Response,
    responses=problem_answers(*_ONE),
)
async def get_upload_offset(
    request: Request, caller: CallerDep, resumable: ResumableDep, video_id: VideoId
) -> Response:
    """`Upload-Offset` is how many bytes are durable: the place to go on from."""
    check_version(request.headers)
    state = await resumable.state(caller.user_id, video_id)
    headers = {"Upload-Length": str(state.length), "Cache-Control": "no-store", **state_headers(state)}
    return Response(status_code=status.HTTP_200_OK, headers=headers)


@router.patch(
    "/{video_id}",
    operation_id="append_to_upload",
    summary="Send bytes of an upload",
    status_code=status.HTTP_204_NO_CONTENT,
    response_class=Response,
    openapi_extra=_BYTES,
    responses=problem_answers(*_ONE, *_WRITE, RefusalCode.NO_ROOM, RefusalCode.TOO_MANY_UPLOADS),
)
async def append_to_upload(request: Request, caller: CallerDep, resumable: ResumableDep, video_id: VideoId) -> Response:
    """From `Upload-Offset` on. With the last byte the file is whole, and its processing starts.

    Whatever ends the request early, what arrived before counts, unless `Upload-Checksum` was to come true.
    """
    check_version(request.headers)
    check_media_type(request.headers)
    state = await resumable.append(
        caller.user_id,
        video_id,
        number(request.headers, "Upload-Offset"),
        _pieces(request),
        checksum_of(request.headers),
    )
    return Response(status_code=status.HTTP_204_NO_CONTENT, headers=state_headers(state))


@router.delete(
    "/{video_id}",
    operation_id="terminate_upload",
    summary="Forget an unfinished upload",
    status_code=status.HTTP_204_NO_CONTENT,
    response_class=Response,
    responses=problem_answers(*_ONE, RefusalCode.UPLOAD_FINISHED),
)
async def terminate_upload(request: Request, caller: CallerDep, resumable: ResumableDep, video_id: VideoId) -> Response:
    """Neither the video nor a byte of it stays."""
    check_version(request.headers)
    await resumable.terminate(caller.user_id, video_id)
    _audit.info("video deleted", user_id=caller.user_id, owner=caller.user_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.post("/{video_id}", include_in_schema=False)
async def overridden_method(
    request: Request,
    caller: CallerDep,
    resumable: ResumableDep,
    video_id: VideoId,
) -> Response:
    """For clients whose network lets no PATCH or DELETE through."""
    match request.headers.get("x-http-method-override", "").upper():
        case "PATCH":
            return await append_to_upload(request, caller, resumable, video_id)
        case "DELETE":
            return await terminate_upload(request, caller, resumable, video_id)
        case _:
            raise Problem(ProblemCode.METHOD_NOT_ALLOWED, "PATCH, HEAD and DELETE are taken here.")


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises ``SenderGone`` when the client goes away before its end."""
    try:
        async for piece in request.stream():
            if piece:
                yield piece
    except ClientDisconnect as error:
        raise SenderGone from error
