"""An upload that has its video, and what a key that was sent again gets."""

from dataclasses import dataclass

import structlog

from contracts.refusals import RefusalCode, Refused
from contracts.status import VideoStatus
from database.tables import Video


@dataclass(frozen=True)
class AcceptedUpload:
    """An upload that has its video.

    Attributes:
        video: The row.
        replayed: Whether an earlier request made it.
    """

    video: Video
    replayed: bool


def replay(video: Video, *, imported: bool) -> AcceptedUpload:
    """The answer to a key that has its video: of an import, or of a form.

    Raises:
        Refused: That is being uploaded, or came by another door: what is sent now is another file, and would be lost.
    """
    structlog.contextvars.bind_contextvars(video_id=str(video.id))
    was_declared = video.source_url is None and video.upload_length is not None
    if was_declared or imported != (video.source_url is not None):
        raise Refused(
            RefusalCode.IDEMPOTENCY_KEY_REUSED,
            f"This Idempotency-Key belongs to video {video.id}, which came in another way. Take a new key.",
        )
    if video.status == VideoStatus.UPLOADING:
        raise Refused(RefusalCode.UPLOAD_IN_PROGRESS, f"Video {video.id} is being uploaded with this key.")
    return AcceptedUpload(video, replayed=True)
