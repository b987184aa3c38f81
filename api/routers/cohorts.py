"""``/api/v1/cohorts``: videos that failed for one reason, retried together."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

import structlog
from fastapi import APIRouter, Path, status
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.authentication import CallerDep
from api.openapi import problem_answers
from api.problems import ProblemCode
from api.services import ServicesDep
from api.small_body import SmallBodyRoute
from contracts.cohorts import CohortInput, CohortProgress, FailedVideos
from contracts.errors import ErrorCode
from contracts.refusals import RefusalCode

router = APIRouter(prefix="/api/v1/cohorts", tags=["videos"], route_class=SmallBodyRoute)

_A_DAY = timedelta(days=1)
_ONE = problem_answers(RefusalCode.COHORT_NOT_FOUND, ProblemCode.INVALID_REQUEST, ProblemCode.TEMPORAL_UNAVAILABLE)
CohortId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="Id of the cohort, as its beginning answered it.")]

_audit = structlog.stdlib.get_logger("audit")


class RetryRequest(BaseModel):
    """Which videos are to be retried, and how fast."""

    model_config = ConfigDict(extra="forbid")

    error_code: ErrorCode = Field(description="Those in error for this reason.", examples=["storage_failed"])
    failed_after: AwareDatetime | None = Field(default=None, description="Since then; a day ago by default.")
    a_minute: Annotated[float, Field(gt=0, le=6000)] = Field(default=60, description="How many are begun in a minute.")
    dry_run: bool = Field(default=False, description="Only count them.")


class CohortAccepted(BaseModel):
    """What was begun."""

    cohort_id: str | None = Field(description="Its id; null where they were only counted, or there are none.")
    total: int = Field(description="How many videos it has.", examples=[12])


class CohortView(BaseModel):
    """How far it is."""

    cohort_id: str
    total: int = Field(description="How many videos it had at its beginning.", examples=[12])
    retried: int = Field(description="How many were begun.", examples=[7])
    passed_over: int = Field(description="How many could not be.", examples=[0])
    is_paused: bool
    is_done: bool

    @classmethod
    def of(cls, cohort_id: str, progress: CohortProgress) -> "CohortView":
        """The progress."""
        return cls(
            cohort_id=cohort_id,
            total=progress.total,
            retried=progress.retried,
            passed_over=progress.passed_over,
            is_paused=progress.is_paused,
            is_done=progress.is_done,
        )


@router.post(
    "",
    operation_id="retry_cohort",
    summary="Retry all videos that failed for one reason",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problem_answers(
        ProblemCode.INVALID_REQUEST, ErrorCode.DATABASE_UNAVAILABLE, ProblemCode.TEMPORAL_UNAVAILABLE
    ),
)
async def retry_cohort(wanted: RetryRequest, services: ServicesDep, caller: CallerDep) -> CohortAccepted:
    """The caller's, or everybody's for an administrator. One that fails once more is not taken again."""
    now = datetime.now(UTC)
    videos = FailedVideos(
        error_code=wanted.error_code,
        failed_after=(wanted.failed_after or now - _A_DAY).isoformat(),
        failed_before=now.isoformat(),
        user_id=caller.sees,
    )
    total = await services.cohorts.count(videos)
    if wanted.dry_run or total == 0:
        return CohortAccepted(cohort_id=None, total=total)
    cohort_id = secrets.token_hex(8)
    await services.cohort_runs.start(cohort_id, CohortInput(videos, total, wanted.a_minute))
    who = {"user_id": caller.user_id, "cohort_id": cohort_id}
    _audit.info("cohort retried", error_code=wanted.error_code, total=total, **who)
    return CohortAccepted(cohort_id=cohort_id, total=total)


@router.get("/{cohort_id}", operation_id="get_cohort", summary="Read how far a cohort is", responses=_ONE)
async def get_cohort(cohort_id: CohortId, services: ServicesDep, caller: CallerDep) -> CohortView:
    """As its workflow tells it, so a worker has to be there."""
    return CohortView.of(cohort_id, await services.cohort_runs.progress(cohort_id, caller.sees))


@router.post(
    "/{cohort_id}/pause",
    operation_id="pause_cohort",
    summary="Let a cohort begin no more",
    status_code=204,
    responses=_ONE,
)
async def pause_cohort(cohort_id: CohortId, services: ServicesDep, caller: CallerDep) -> None:
    """Videos that were begun go on."""
    await services.cohort_runs.pause(cohort_id, caller.sees)


@router.post(
    "/{cohort_id}/resume", operation_id="resume_cohort", summary="Let a cohort go on", status_code=204, responses=_ONE
)
async def resume_cohort(cohort_id: CohortId, services: ServicesDep, caller: CallerDep) -> None:
    """From where it was."""
    await services.cohort_runs.resume(cohort_id, caller.sees)


@router.delete("/{cohort_id}", operation_id="cancel_cohort", summary="End a cohort", status_code=204, responses=_ONE)
async def cancel_cohort(cohort_id: CohortId, services: ServicesDep, caller: CallerDep) -> None:
    """Videos that were begun go on."""
    await services.cohort_runs.cancel(cohort_id, caller.sees)
