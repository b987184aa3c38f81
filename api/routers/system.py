"""``/api/v1/system``: how the whole service stands."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Query

from accounts.callers import Caller
from api.authentication import CallerDep
from api.openapi import problem_answers
from api.options import ApiOptions
from api.problems import ProblemCode
from api.services import OptionsDep, Services, ServicesDep
from api.system_views import (
    LatelyView,
    Limits,
    ProfileView,
    QueueView,
    RunningList,
    RunningView,
    StorageView,
    SystemView,
    TemporalView,
    Versions,
    WorkerView,
)
from contracts.errors import ErrorCode, StorageFailed
from database.tables import Video
from runs.records import QueueState, TemporalUnavailable, WorkerState

router = APIRouter(prefix="/api/v1", tags=["system"])

_HOUR: Final = timedelta(hours=1)
_LOOKS_AT_ONCE: Final = 8
_STORAGE_SECONDS: Final = 2.0
"""How long it is waited for: all else is to be told while a disk hangs."""

_logger = structlog.stdlib.get_logger(__name__)


@router.get(
    "/system",
    operation_id="get_system",
    summary="Read how the service stands",
    responses=problem_answers(ErrorCode.DATABASE_UNAVAILABLE, ProblemCode.INVALID_REQUEST),
)
async def get_system(services: ServicesDep, options: OptionsDep, caller: CallerDep) -> SystemView:
    """Videos by status, what became of them, work that waits, workers, storage, versions, limits and profiles."""
    counts = await services.videos.count_by_status(caller.sees)
    lately = await services.overview.lately(_HOUR, caller.sees)
    oldest = await _running(services, caller, limit=1)
    version, queues, workers = await _of_temporal(services)
    return SystemView(
        videos=counts,
        reprocessing=await services.videos.count_reprocessing(caller.sees),
        last_hour=LatelyView.of(lately),
        oldest_running=(await _with_progress(services, oldest))[0] if oldest else None,
        queues=None if queues is None else [QueueView.of(queue) for queue in queues],
        workers=None if workers is None else [WorkerView.of(worker) for worker in workers],
        storage=await _storage(services),
        temporal=TemporalView(
            address=options.temporal_address,
            namespace=options.temporal_namespace,
            reachable=queues is not None,
            ui_url=options.temporal_ui_url,
        ),
        versions=Versions(rushes=options.version, temporal=version),
        limits=Limits(
            allowed_extensions=list(options.limits.allowed_extensions), max_upload_bytes=options.limits.max_bytes
        ),
        profiles=_profiles(options),
    )


@router.get(
    "/system/running",
    operation_id="list_running",
    summary="List the videos that are being processed",
    responses=problem_answers(ErrorCode.DATABASE_UNAVAILABLE, ProblemCode.INVALID_REQUEST),
)
async def list_running(
    services: ServicesDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=100, description="Most videos.")] = 20,
) -> RunningList:
    """Those first that were uploaded first, each with step, progress, speed, time left and workers."""
    return RunningList(items=await _with_progress(services, await _running(services, caller, limit=limit)))


async def _running(services: Services, caller: Caller, *, limit: int) -> Sequence[Video]:
    user_ids = None if caller.sees is None else {caller.sees}
    return await services.events.running(user_ids=user_ids, video_ids=(), limit=limit)


async def _with_progress(services: Services, videos: Sequence[Video]) -> list[RunningView]:
    places = asyncio.Semaphore(_LOOKS_AT_ONCE)

    async def look_at(video: Video) -> RunningView:
        async with places:
            try:
                live = await services.runs.progress(str(video.id))
            except TemporalUnavailable:
                live = None
            return RunningView.of(video, live)

    return list(await asyncio.gather(*map(look_at, videos)))


async def _of_temporal(services: Services) -> tuple[str | None, list[QueueState] | None, list[WorkerState] | None]:
    """The server's version, the queues and the workers; None for each while Temporal does not answer."""
    version = None
    try:
        version = await services.runs.server_version()
        queues, workers = await asyncio.gather(services.runs.queues(), services.runs.workers())
    except TemporalUnavailable as error:
        _logger.warning("temporal unavailable", reason=str(error))
        return version, None, None
    return version, queues, workers


async def _storage(services: Services) -> StorageView:
    try:
        async with asyncio.timeout(_STORAGE_SECONDS):
            free_bytes = await services.storage.free_bytes()
    except (StorageFailed, TimeoutError) as error:
        reason = str(error) or f"no answer within {_STORAGE_SECONDS:g} s"
        _logger.warning("room of the storage not known", reason=reason)
        free_bytes = None
    return StorageView(kind="disk" if services.storage.direct() is None else "bucket", free_bytes=free_bytes)


def _profiles(options: ApiOptions) -> list[ProfileView]:
    return [
        ProfileView(name=name, description=description, is_default=name == options.limits.default_profile)
        for name, description in sorted(options.limits.profiles.items())
    ]
