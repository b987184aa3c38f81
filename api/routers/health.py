"""``/healthz`` and ``/readyz``, for whoever supervises the process."""

from typing import Final

from fastapi import APIRouter

from api.openapi import problem_answers
from api.problems import Problem, ProblemCode
from api.readiness import OK
from api.schemas import Health
from api.schemas import Readiness as ReadinessReport
from api.services import ReadinessDep

_MAY_BE_AWAY: Final = "temporal"

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
async def readyz(readiness: ReadinessDep) -> ReadinessReport:
    """Uploads need the database and storage. While only Temporal is away they are accepted and wait: `degraded`.

    Where Temporal answers and refuses, they would wait until somebody has mended that: not ready, and why.
    """
    answers = await readiness.answers()
    checks = {name: answer.said for name, answer in answers.items()}
    in_the_way = [
        answer.said
        for name, answer in answers.items()
        if not answer.is_ok and (name != _MAY_BE_AWAY or answer.is_refusal)
    ]
    if in_the_way:
        raise Problem(ProblemCode.NOT_READY, " ".join(in_the_way), extensions={"checks": checks})
    return ReadinessReport(status="ready" if answers[_MAY_BE_AWAY].is_ok else "degraded", checks=checks)
