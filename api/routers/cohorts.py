"""``/api/v1/cohorts``: videos that failed for one reason, retried together, and ready ones, made anew together."""

import secrets
from datetime import datetime, timedelta
from typing import Annotated

import structlog
from fastapi import APIRouter, Path, Query, status
from pydantic import BaseModel, ConfigDict, Field

from accounts.callers import Caller
from api.authentication import CallerDep
from api.moments import MOMENT_DESCRIPTION, Moment
from api.openapi import problem_answers
from api.problems import ProblemCode
from api.services import OptionsDep, Services, ServicesDep
from api.small_body import SmallBodyRoute
from contracts.cohorts import (
    LEAST_A_MINUTE,
    CohortInput,
    CohortProgress,
    FailedVideos,
    ReadyVideos,
    Reprocessing,
)
from contracts.errors import ErrorCode
from contracts.metadata import checked_metadata
from contracts.refusals import RefusalCode
from contracts.status import CohortStatus

router = APIRouter(prefix="/api/v1/cohorts", tags=["videos"], route_class=SmallBodyRoute)

_A_DAY = timedelta(days=1)
_ONE = problem_answers(RefusalCode.COHORT_NOT_FOUND, ProblemCode.INVALID_REQUEST, ProblemCode.TEMPORAL_UNAVAILABLE)
CohortId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="Id of the cohort, as its beginning answered it.")]

_audit = structlog.stdlib.get_logger("audit")


AMinute = Annotated[float, Field(ge=LEAST_A_MINUTE, le=6000, description="How many are begun in a minute.")]


class RetryRequest(BaseModel):
    """Which videos are to be retried, and how fast."""

    model_config = ConfigDict(extra="forbid")

    error_code: ErrorCode = Field(description="Those in error for this reason.", examples=["storage_failed"])
    failed_after: Moment | None = Field(
        default=None, description=f"Since then; a day ago by default. {MOMENT_DESCRIPTION}"
    )
    a_minute: AMinute = 60
    dry_run: bool = Field(default=False, description="Only count them.")


class ReadyWhere(BaseModel):
    """Which ready videos: those that fit all that is given."""

    model_config = ConfigDict(extra="forbid")

    profile: str | None = Field(default=None, max_length=40, description="With this profile.", examples=["mobile"])
    error_code: ErrorCode | None = Field(
        default=None, description="That could not be made anew for this reason.", examples=["storage_failed"]
    )
    metadata: Annotated[dict[str, str], Field(description="With these texts under these keys.")] = {}
    created_after: Moment | None = Field(default=None, description=f"Uploaded from then on. {MOMENT_DESCRIPTION}")
    created_before: Moment | None = Field(default=None, description=f"Uploaded before then. {MOMENT_DESCRIPTION}")


class ReprocessCohortRequest(BaseModel):
    """Which ready videos are to be made anew, with which profile, and how fast."""

    model_config = ConfigDict(extra="forbid")

    profile: str | None = Field(
        default=None, max_length=40, description="Name of a profile; null for each one's own.", examples=["web"]
    )
    where: ReadyWhere = Field(description="Which; all that are ready where it is empty.")
    a_minute: AMinute = 60
    dry_run: bool = Field(default=False, description="Only count them.")


class CohortAccepted(BaseModel):
    """What was begun."""

    cohort_id: str | None = Field(description="Its id; null where they were only counted, or there are none.")
    total: int = Field(description="How many videos it has.", examples=[12])


class CohortView(BaseModel):
    """How far it is, or was when it ended."""

    cohort_id: str
    in_words: str = Field(description="What is done.", examples=["retry storage_failed", "reprocess with web"])
    total: int = Field(description="How many videos it had at its beginning.", examples=[12])
    retried: int = Field(description="How many were begun.", examples=[7])
    passed_over: int = Field(description="How many could not be.", examples=[0])
    status: CohortStatus = Field(
        description="Where it stands; `cancelled`, `terminated` and `failed` ended before all were begun."
    )
    is_paused: bool
    is_done: bool = Field(description="Whether all were begun, or passed over.")

    @classmethod
    def of(cls, cohort_id: str, progress: CohortProgress) -> "CohortView":
        """The progress."""
        return cls(
            cohort_id=cohort_id,
            in_words=progress.in_words,
            total=progress.total,
            retried=progress.retried,
            passed_over=progress.passed_over,
            status=progress.status,
            is_paused=progress.is_paused,
            is_done=progress.is_done,
        )


class CohortSummaryView(BaseModel):
    """A cohort among others."""

    cohort_id: str
    in_words: str = Field(description="What is done.", examples=["reprocess with web"])
    status: CohortStatus = Field(description="Where it stands; `running` while it is paused, too.")
    started_at: datetime


class CohortList(BaseModel):
    """Cohorts, the newest first."""

    items: list[CohortSummaryView]


@router.get(
    "",
    operation_id="list_cohorts",
    summary="List cohorts, newest first",
    responses=problem_answers(ProblemCode.INVALID_REQUEST, ProblemCode.TEMPORAL_UNAVAILABLE),
)
async def list_cohorts(
    services: ServicesDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=100, description="Most cohorts.")] = 20,
) -> CohortList:
    """Those that are on their way, and those that were, for as long as Temporal keeps them."""
    found = await services.cohort_runs.newest(caller.sees, limit=limit)
    return CohortList(items=[CohortSummaryView.model_validate(one, from_attributes=True) for one in found])


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
    now = await services.cohorts.now()
    videos = FailedVideos(
        error_code=wanted.error_code,
        failed_after=(wanted.failed_after or now - _A_DAY).isoformat(),
        failed_before=now.isoformat(),
        user_id=caller.sees,
    )
    cohort = CohortInput(videos, await services.cohorts.count(videos), wanted.a_minute)
    return await _begin(services, caller, cohort, dry_run=wanted.dry_run)


@router.post(
    "/reprocess",
    operation_id="reprocess_cohort",
    summary="Make all ready videos anew that fit",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problem_answers(
        ProblemCode.INVALID_REQUEST,
        RefusalCode.INVALID_METADATA,
        ErrorCode.UNKNOWN_PROFILE,
        ErrorCode.DATABASE_UNAVAILABLE,
        ProblemCode.TEMPORAL_UNAVAILABLE,
    ),
)
async def reprocess_cohort(
    wanted: ReprocessCohortRequest, services: ServicesDep, options: OptionsDep, caller: CallerDep
) -> CohortAccepted:
    """The caller's, or everybody's for an administrator. Each stays as it is until its new files are ready.

    One that somebody asks to be made anew after this is not taken again.
    """
    where, sees = wanted.where, caller.sees
    videos = ReadyVideos(
        asked_before=(await services.cohorts.now()).isoformat(),
        profile=where.profile,
        error_code=where.error_code,
        metadata=checked_metadata(where.metadata),
        created_after=where.created_after.isoformat() if where.created_after is not None else None,
        created_before=where.created_before.isoformat() if where.created_before is not None else None,
        user_id=sees,
    )
    profile = options.limits.checked_profile(wanted.profile or "")
    reprocessing = Reprocessing(videos, profile, counts=sees is not None)
    total = await services.cohorts.count_ready(videos)
    cohort = CohortInput(None, total, wanted.a_minute, reprocessing=reprocessing)
    return await _begin(services, caller, cohort, dry_run=wanted.dry_run)


async def _begin(services: Services, caller: Caller, cohort: CohortInput, *, dry_run: bool) -> CohortAccepted:
    if dry_run or cohort.total == 0:
        return CohortAccepted(cohort_id=None, total=cohort.total)
    cohort_id = secrets.token_hex(8)
    await services.cohort_runs.start(cohort_id, cohort)
    who = {"user_id": caller.user_id, "cohort_id": cohort_id}
    _audit.info("cohort begun", cohort=cohort.in_words, total=cohort.total, **who)
    return CohortAccepted(cohort_id=cohort_id, total=cohort.total)


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
    _audit.info("cohort cancelled", user_id=caller.user_id, cohort_id=cohort_id)
