"""Which videos a list is of, told from its query."""

import re
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request

from api.moments import MOMENT_DESCRIPTION, Moment
from contracts.errors import ErrorCode
from contracts.metadata import checked_metadata
from contracts.status import VideoStatus
from database.pages import VideoFilter

_METADATA: Final = re.compile(r"metadata\[([^\[\]]+)\]")

_TEXT: Final = r"^[^\x00]*$"
"""PostgreSQL has no text with a NUL in it."""

METADATA_PARAMETER: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "metadata",
            "in": "query",
            "required": False,
            "style": "deepObject",
            "explode": True,
            "description": "Only videos that have this under that key: `metadata[order]=4711`; of several keys, all.",
            "schema": {"type": "object", "additionalProperties": {"type": "string"}},
            "example": {"order": "4711"},
        }
    ]
}
"""FastAPI knows no parameter of the style ``deepObject``, so this is read, and documented, by hand."""


async def _wanted(  # noqa: PLR0917 # solved by FastAPI, by name
    request: Request,
    status: Annotated[VideoStatus | None, Query(description="Only videos in this status.")] = None,
    error_code: Annotated[ErrorCode | None, Query(description="Only videos in error for this reason.")] = None,
    title: Annotated[
        str | None,
        Query(max_length=200, pattern=_TEXT, description="Only videos with this in their title, in any letter case."),
    ] = None,
    id: Annotated[  # noqa: A002 # the name of the parameter
        str | None,
        Query(
            pattern=r"^[0-9a-fA-F]{4,8}(-[0-9a-fA-F-]{0,27})?$",
            description="Only videos whose id begins so; four digits at least.",
        ),
    ] = None,
    user: Annotated[
        str | None,
        Query(
            max_length=200,
            pattern=_TEXT,
            description="Only this user's videos. Who is no administrator has none of anybody else's, as without it.",
        ),
    ] = None,
    created_after: Annotated[
        Moment | None, Query(description=f"Only videos from then on. {MOMENT_DESCRIPTION}")
    ] = None,
    created_before: Annotated[
        Moment | None, Query(description=f"Only videos from before then. {MOMENT_DESCRIPTION}")
    ] = None,
) -> VideoFilter:
    asked = request.query_params.multi_items()
    metadata = {found[1]: value for name, value in asked if (found := _METADATA.fullmatch(name)) is not None}
    return VideoFilter(
        status=status,
        error_code=error_code,
        title=title,
        metadata=checked_metadata(metadata),
        created_after=created_after,
        created_before=created_before,
        id_prefix=id,
        user=user,
    )


VideoFilterDep = Annotated[VideoFilter, Depends(_wanted)]
"""What of the caller's videos is asked for."""
