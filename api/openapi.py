"""The parts of the OpenAPI document that are written by hand: problem documents and the upload's body."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import (
    CHECKSUM_MISMATCH_STATUS,
    PROBLEM_MEDIA_TYPE,
    PROBLEMS,
    Code,
    ProblemCode,
    ProblemDocument,
    problem_type,
)
from api.schemas import EXAMPLES
from contracts.errors import ErrorCode
from contracts.refusals import RefusalCode
from events.video_view import METADATA_DESCRIPTION

_SCHEMAS: Final = "#/components/schemas/"

UPLOAD_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "contentMediaType": "application/octet-stream",
                            "description": "The video. Its name must have one of the allowed extensions.",
                        },
                        "title": {
                            "type": "string",
                            "maxLength": 200,
                            "description": "Shown to people. Default: the file's name without its extension.",
                            "examples": ["Ficus in the wind"],
                        },
                        "profile": {
                            "type": "string",
                            "description": "How the video is encoded: one of the profiles of `GET /api/v1/system`.",
                            "examples": ["web"],
                        },
                        "metadata": {
                            "type": "string",
                            "contentMediaType": "application/json",
                            "description": METADATA_DESCRIPTION,
                            "examples": ['{"order": "4711"}'],
                        },
                    },
                }
            }
        },
    }
}

_EXAMPLE_DETAILS: Final[dict[Code, str]] = {
    RefusalCode.UNSUPPORTED_EXTENSION: (
        "The file's name must end in one of .mp4, .mov, .avi. The setting RUSHES_ALLOWED_EXTENSIONS allows others."
    ),
    RefusalCode.TOO_LARGE: "A file may have at most 524288000 bytes.",
    RefusalCode.INVALID_URL: "The URL must begin with https:// or http://.",
    ErrorCode.ADDRESS_REFUSED: (
        "The address 10.1.2.3 is not one of the public internet: it belongs to a private network. Give a public URL, "
        "or have its network added to RUSHES_IMPORT_ALLOWED_ADDRESSES."
    ),
    ProblemCode.INVALID_REQUEST: "query.limit: Input should be less than or equal to 100",
    ErrorCode.UNKNOWN_PROFILE: "There is no profile 'cinema'. There are: archive, mobile, web.",
    ErrorCode.ORIGINAL_MISSING: "The uploaded file is not in storage; upload the video again.",
}


def problem_answers(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that may answer with these problems; an unexpected one is always among them."""
    by_status: dict[int | str, dict[str, Any]] = defaultdict(dict)
    for code in (*codes, ErrorCode.INTERNAL):
        by_status[PROBLEMS[code].status][str(code)] = {"summary": PROBLEMS[code].title, "value": _example(code)}
    return {
        status: {
            "description": f"{_phrase(int(status))}: " + ", ".join(f"`{code}`" for code in examples),
            "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": _SCHEMAS + "Problem"}, "examples": examples}},
        }
        for status, examples in by_status.items()
    }


def documented_codes(responses: Mapping[int | str, Mapping[str, Any]]) -> Iterator[str]:
    """The codes of the problems among the ``responses`` of a route."""
    for answer in responses.values():
        yield from answer.get("content", {}).get(PROBLEM_MEDIA_TYPE, {}).get("examples", {})


def _phrase(status: int) -> str:
    return "Checksum Mismatch" if status == CHECKSUM_MISMATCH_STATUS else HTTPStatus(status).phrase


def openapi_of(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """A function for ``app.openapi``: FastAPI's document, with our problems in place of its validation errors."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            _describe_problems(document)
            _add_examples(document)
            app.openapi_schema = document
        return app.openapi_schema

    return openapi


def _describe_problems(document: dict[str, Any]) -> None:
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    for fastapis_own in ("HTTPValidationError", "ValidationError"):
        schemas.pop(fastapis_own, None)
    problem = ProblemDocument.model_json_schema(ref_template=_SCHEMAS + "{model}")
    schemas.update(problem.pop("$defs", {}))
    problem["title"] = "Problem"
    schemas["Problem"] = problem


def _add_examples(document: dict[str, Any]) -> None:
    """Put in the examples of whole answers: FastAPI would drop every null, and with it members that they must have."""
    for name, examples in EXAMPLES.items():
        document["components"]["schemas"][name]["examples"] = examples


def _example(code: Code) -> dict[str, Any]:
    kind = PROBLEMS[code]
    return {
        "type": problem_type(code),
        "title": kind.title,
        "status": kind.status,
        "code": str(code),
        "detail": _EXAMPLE_DETAILS.get(code, f"{kind.title}."),
        "instance": "/api/v1/videos",
        "request_id": "5f2b8c0e6a5d4a1f9b7e3c2d1a0f4e8b",
    }
