"""``/healthz`` and ``/readyz``, for whoever supervises the process."""

import asyncio
from collections.abc import Awaitable
from typing import Final

from fastapi import APIRouter

from api.openapi import problem_answers
from api.problems import Problem, ProblemCode
from api.schemas import Health, Readiness
from api.services import ServicesDep
from contracts.errors import VideoError
from runs.records import TemporalUnavailable

OK: Final = "ok"
_PING_SECONDS: Final = 2.0
"""Shorter than the patience of those who ask, so that they hear what is away."""

router = APIRouter(tags=["health"])


@router.get("/healthz", operation_id="healthz", summary="Does the process live?")
async def healthz() -> Health:
    """Asks nothing else: restarting the api mends no database."""
    return Health(status=OK)


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="Can the service take uploads?",
    responses=problem_answers(ProblemCode.NOT_READY),
)
async def readyz(services: ServicesDep) -> Readiness:
    """Uploads need the database and storage. While only Temporal is away they are accepted and wait: `degraded`."""
    database, storage, temporal = await asyncio.gather(
        _check(services.database.ping(_PING_SECONDS)),
        _check(services.storage.check()),
        _check(services.runs.server_version()),
    )
    checks = {"database": database, "storage": storage, "temporal": temporal}
    if database != OK or storage != OK:
        away = " ".join(sentence for sentence in (database, storage) if sentence != OK)
        raise Problem(ProblemCode.NOT_READY, away, extensions={"checks": checks})
    return Readiness(status="ready" if temporal == OK else "degraded", checks=checks)


async def _check(question: Awaitable[object]) -> str:
    try:
        async with asyncio.timeout(_PING_SECONDS + 0.5):
            await question
    except (VideoError, TemporalUnavailable) as error:
        return str(error)
    except TimeoutError:
        return "No answer in time."
    return OK
