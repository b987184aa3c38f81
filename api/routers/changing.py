"""``PATCH /api/v1/videos/{id}``: what its owner may change of a video."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api.authentication import CallerDep
from api.openapi import problem_answers
from api.problems import Problem, ProblemCode
from api.services import ChangesDep, OptionsDep, ServicesDep, VideoDep
from api.small_body import SmallBodyRoute
from contracts.errors import ErrorCode
from contracts.refusals import RefusalCode
from contracts.status import Visibility
from database.records import VideoChange
from database.tables import Video
from events.video_view import VideoView
from ingest.labels import checked_title, title_from

router = APIRouter(prefix="/api/v1/videos", tags=["videos"], route_class=SmallBodyRoute)

_audit = structlog.stdlib.get_logger("audit")

# The factories below stand for "not said": such a field stays as it is, and the document shows no default.
MetadataPatch = Annotated[
    dict[str, str | None] | None,
    Field(
        description="Merged with what is there: a text sets its key, `null` takes it away. `null` in all: no key stays."
    ),
]


class VideoPatch(BaseModel):
    """What is to change of a video, as a JSON merge patch (RFC 7396): what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(default_factory=str, description="At most 200 characters; empty for the file's name.")
    visibility: Visibility = Field(
        default_factory=lambda: Visibility.PRIVATE,
        description="`private`: its owner and signed links; `public`: everybody.",
    )
    metadata: MetadataPatch = Field(default_factory=dict, examples=[{"order": "4711", "draft": None}])

    def change_of(self, video: Video) -> VideoChange:
        """The change that is asked for. Raises ``Refused``."""
        title = None
        if "title" in self.model_fields_set:
            title = checked_title(self.title) or title_from(video.original_filename)
        return VideoChange(
            title=title,
            visibility=self.visibility if "visibility" in self.model_fields_set else None,
            metadata_patches=[self.metadata] if "metadata" in self.model_fields_set else [],
        )


async def _counted(caller: CallerDep, changes: ChangesDep, options: OptionsDep) -> None:
    changes.take(caller.user_id, options.events.most_changes_a_second)


@router.patch(
    "/{video_id}",
    dependencies=[Depends(_counted)],
    operation_id="change_video",
    summary="Change a video's title, metadata, or who may see it",
    responses=problem_answers(
        RefusalCode.VIDEO_NOT_FOUND,
        RefusalCode.INVALID_TITLE,
        RefusalCode.INVALID_METADATA,
        ProblemCode.INVALID_REQUEST,
        ErrorCode.DATABASE_UNAVAILABLE,
    ),
)
async def change_video(wanted: VideoPatch, video: VideoDep, services: ServicesDep, caller: CallerDep) -> VideoView:
    """At any status. A visibility takes effect with the next request for one of its files."""
    change = wanted.change_of(video)
    changed = await services.videos.change(video.id, change)
    if changed is None:
        raise Problem(RefusalCode.VIDEO_NOT_FOUND, f"There is no video {video.id}.")
    if change.visibility is not None:
        _audit.info("visibility changed", visibility=change.visibility.value, user_id=caller.user_id)
    return VideoView.of(changed)
