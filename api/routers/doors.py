"""Addresses beside ``/videos/{video_id}`` that take POST and nothing else: their names are no ids of videos."""

from typing import Final, NoReturn

from fastapi import APIRouter, Request

from api.problems import Problem, ProblemCode

_DOORS: Final = ("upload", "import", "direct")
_OTHER_METHODS: Final = ("GET", "HEAD", "PUT", "PATCH", "DELETE")

router = APIRouter(prefix="/api/v1/videos")


async def _refuse(request: Request) -> NoReturn:
    detail = f"{request.url.path} does not take {request.method}."
    raise Problem(ProblemCode.METHOD_NOT_ALLOWED, detail, headers={"Allow": "POST"})


for _door in _DOORS:
    router.add_api_route(
        f"/{_door}", _refuse, methods=list(_OTHER_METHODS), include_in_schema=False, response_model=None
    )
