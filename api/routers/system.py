"""``/api/v1/system``: how the whole service stands."""

import structlog
from fastapi import APIRouter

from api.authentication import CallerDep
from api.openapi import problem_answers
from api.schemas import Limits, ProfileView, QueueView, SystemView, TemporalView, Versions
from api.services import OptionsDep, ServicesDep
from contracts.errors import ErrorCode
from runs.records import TemporalUnavailable

router = APIRouter(prefix="/api/v1", tags=["system"])

_logger = structlog.stdlib.get_logger(__name__)


@router.get(
    "/system",
    operation_id="get_system",
    summary="Read how the service stands",
    responses=problem_answers(ErrorCode.DATABASE_UNAVAILABLE),
)
async def get_system(services: ServicesDep, options: OptionsDep, caller: CallerDep) -> SystemView:
    """Videos by status, work that waits, workers that ask for it, versions, limits and encoding profiles."""
    counts = await services.videos.count_by_status(caller.sees)
    version, queues = None, None
    try:
        version = await services.runs.server_version()
        queues = [QueueView.of(queue) for queue in await services.runs.queues()]
    except TemporalUnavailable as error:
        _logger.warning("temporal unavailable", reason=str(error))
    return SystemView(
        videos=counts,
        queues=queues,
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
        profiles=[
            ProfileView(name=name, description=description, is_default=name == options.limits.default_profile)
            for name, description in sorted(options.limits.profiles.items())
        ],
    )
