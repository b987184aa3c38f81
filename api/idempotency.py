"""``Idempotency-Key``: how a request that makes a video is sent again without making a second one."""

from typing import Annotated, Any, Final

from fastapi import Depends, Header, Response

from ingest.rules import checked_idempotency_key

REPLAYED_HEADER: Final = "Idempotency-Replayed"


async def _key(
    idempotency_key: Annotated[
        str | None,
        Header(description="Any name of this video, 1 to 255 characters. Sent again, it gets the first answer again."),
    ] = None,
) -> str | None:
    return checked_idempotency_key(idempotency_key)


IdempotencyKeyDep = Annotated[str | None, Depends(_key)]
"""The key that the caller sent, if any; 422 where it can't be kept."""


def answer_headers(status: int) -> dict[int | str, dict[str, Any]]:
    """For the ``responses`` of a route: what its answer of this status says in headers."""
    return {
        status: {
            "headers": {
                "Location": {"description": "Where it is.", "schema": {"type": "string"}},
                REPLAYED_HEADER: {
                    "description": "`true` when an earlier request with the same key made the video.",
                    "schema": {"type": "string"},
                },
            }
        }
    }


def tell(response: Response, location: str, *, replayed: bool) -> None:
    """Say in the answer where the video is, and whether an earlier request made it."""
    response.headers["Location"] = location
    if replayed:
        response.headers[REPLAYED_HEADER] = "true"
