"""What somebody does, and where the process dies meanwhile: each step of uploads, of a run, and of a deletion."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.fixtures.clips import Clip, Clips
from tests.fixtures.senders import Sender

GOOD: Final = Clip.SHORT_WITH_SOUND
BAD: Final = Clip.TEXT_NAMED_MP4
LONG: Final = Clip.LONG_540P

Arm = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Ended:
    """How it has to end.

    Attributes:
        video_id: The video.
        status: Of its row, or None where there is to be none.
        error_code: The same.
        reprocess_error_code: The same, of the last time that it was to be made anew.
        profile: Of its row, or None where that does not matter.
    """

    video_id: str
    status: str | None
    error_code: str | None = None
    reprocess_error_code: str | None = None
    profile: str | None = None


Walk = Callable[[Sender, Clips, Arm], Awaitable[Ended]]


async def form(sender: Sender, clips: Clips, arm: Arm) -> Ended:
    """A good file by a form that asks for a profile."""
    await arm()
    return Ended(await sender.form(clips.path(GOOD), profile="archive"), "ready", profile="archive")


async def tus(sender: Sender, clips: Clips, arm: Arm) -> Ended:
    """A good file by tus."""
    await arm()
    return Ended(await sender.tus(clips.path(GOOD)), "ready")


async def direct(sender: Sender, clips: Clips, arm: Arm) -> Ended:
    """A good file straight into the bucket."""
    await arm()
    return Ended(await sender.direct(clips.path(GOOD)), "ready")


async def imported(sender: Sender, clips: Clips, arm: Arm) -> Ended:
    """A good file by its URL."""
    await arm()
    return Ended(await sender.imported(clips.path(GOOD)), "ready")


async def refused(sender: Sender, clips: Clips, arm: Arm) -> Ended:
    """A file that is no video."""
    await arm()
    return Ended(await sender.form(clips.path(BAD)), "error", "invalid_media")


async def cancelled(sender: Sender, clips: Clips, arm: Arm) -> Ended:
    """A cancel while it is processed."""
    video_id = await sender.form(clips.path(LONG))
    await arm()
    await sender.post(f"/api/v1/videos/{video_id}/cancel")
    return Ended(video_id, "error", "cancelled")


async def retried(sender: Sender, clips: Clips, arm: Arm) -> Ended:
    """A retry of a file that is no video."""
    video_id = await sender.form(clips.path(BAD))
    await sender.ended(video_id)
    await arm()
    await sender.post(f"/api/v1/videos/{video_id}/retry")
    return Ended(video_id, "error", "invalid_media")


async def deleted(sender: Sender, clips: Clips, arm: Arm) -> Ended:
    """A delete of a ready video."""
    video_id = await sender.form(clips.path(GOOD))
    await sender.ended(video_id)
    await arm()
    await sender.delete(video_id)
    return Ended(video_id, None)


async def deleted_while_processed(sender: Sender, clips: Clips, arm: Arm) -> Ended:
    """A delete in mid-run."""
    video_id = await sender.form(clips.path(LONG))
    await arm()
    await sender.delete(video_id)
    return Ended(video_id, None)


async def reprocessed(sender: Sender, clips: Clips, arm: Arm) -> Ended:
    """A ready video made anew, until what it had before is removed."""
    video_id = await sender.form(clips.path(GOOD))
    await sender.ended(video_id)
    await arm()
    await sender.post(f"/api/v1/videos/{video_id}/reprocess", {"profile": "mobile"})
    return Ended(video_id, "ready", profile="mobile")


async def upload_cancelled(sender: Sender, clips: Clips, arm: Arm) -> Ended:
    """A cancel while half of it is here."""
    video_id = await sender.half(clips.path(GOOD))
    await arm()
    await sender.post(f"/api/v1/videos/{video_id}/cancel")
    return Ended(video_id, "error", "cancelled")


async def reprocessing_cancelled(sender: Sender, clips: Clips, arm: Arm) -> Ended:
    """A cancel while a ready video is made anew."""
    video_id = await sender.form(clips.path(LONG))
    await sender.ended(video_id)
    await sender.post(f"/api/v1/videos/{video_id}/reprocess", {"profile": "mobile"})
    await arm()
    await sender.post(f"/api/v1/videos/{video_id}/cancel")
    return Ended(video_id, "ready", reprocess_error_code="cancelled", profile="web")


async def deleted_while_reprocessed(sender: Sender, clips: Clips, arm: Arm) -> Ended:
    """A delete while a ready video is made anew."""
    video_id = await sender.form(clips.path(LONG))
    await sender.ended(video_id)
    await sender.post(f"/api/v1/videos/{video_id}/reprocess", {"profile": "mobile"})
    await arm()
    await sender.delete(video_id)
    return Ended(video_id, None)


_PUBLISHING: Final = ("publishing.place.after", "publishing.place.after:2", "publishing.take.after")
"""Between the files of one publication: the first stands, both stand, one of them has no work name any more."""

_RUN: Final = (
    "videos.claim.after",
    "storage.publish.before",
    *_PUBLISHING,
    "storage.publish.after",
    "videos.mark_ready.before",
    "videos.mark_ready.after",
    "storage.delete_folder.after",
)
_DELETION: Final = (
    "deletions.check.after",
    "runs.stop.after",
    "storage.delete_folder.after",
    "storage.delete.after",
    "storage.delete_folder.after:2",
    "deletions.finish.before",
    "deletions.finish.after",
)
PLACES: Final[Mapping[Walk, tuple[str, ...]]] = {
    form: (
        "videos.create_uploading.after",
        "storage.create_original.after",
        "original.write.after",
        "videos.describe_upload.after",
        "original.commit.before",
        "original.commit.after",
        "videos.finish_upload.after",
        "runs.start.after",
        *_RUN,
    ),
    tus: (
        "videos.create_uploading.after",
        "upload_leases.take.after",
        "storage.create_original.after",
        "original.write.after",
        "original.keep.after",
        "upload_leases.release.before",
        "upload_leases.release.after",
        "storage.continue_original.after",
        "original.commit.before",
        "original.commit.after",
        "videos.finish_upload.after",
        "runs.start.after",
    ),
    imported: (
        "videos.create_import.after",
        "runs.start.after",
        "upload_leases.note_fetch.after",
        "storage.create_original.after",
        "original.write.after",
        "original.commit.before",
        "original.commit.after",
        "videos.finish_fetch.after",
    ),
    refused: ("videos.mark_error.before", "videos.mark_error.after", "storage.delete_folder.after"),
    cancelled: ("videos.request_cancel.after", "runs.cancel.after", "videos.mark_error.after"),
    upload_cancelled: ("videos.cancel_unstarted.after", "storage.delete.after"),
    retried: ("videos.start_retry.after", "runs.start.after"),
    reprocessed: (
        "reprocessings.begin.after",
        "runs.start.after",
        "reprocessings.claim.after",
        "storage.publish.before",
        "storage.publish.after",
        "reprocessings.finish.before",
        "reprocessings.finish.after",
        "storage.delete_folder.after",
        "storage.delete.before",
        "storage.delete.after",
        "storage.delete.after:2",
    ),
    reprocessing_cancelled: (
        "reprocessings.request_cancel.after",
        "runs.cancel.after",
        "reprocessings.fail.before",
        "reprocessings.fail.after",
    ),
    deleted_while_reprocessed: ("deletions.begin.after", "runs.stop.before", "runs.stop.after"),
    deleted: ("deletions.begin.after", "runs.start_deletion.after", *_DELETION),
    deleted_while_processed: ("deletions.begin.after", "runs.stop.before", "runs.stop.after"),
}
"""With files on a disk."""

PLACES_IN_A_BUCKET: Final[Mapping[Walk, tuple[str, ...]]] = {
    direct: (
        "videos.create_uploading.after",
        "direct.sign_parts.after",
        "upload_leases.take.after",
        "direct.finish_signed.before",
        "direct.finish_signed.after",
        "videos.finish_upload.after",
        "runs.start.after",
    ),
    form: _PUBLISHING,
    tus: ("original.keep.after", "original.commit.after"),
    upload_cancelled: ("videos.cancel_unstarted.after",),
    reprocessed: ("storage.publish.after", "reprocessings.finish.after", "storage.delete.after"),
    deleted: ("storage.delete_folder.after", "storage.delete.after"),
}
"""Where that is another thing."""

REPRESENTATIVE: Final = (
    (form, "videos.finish_upload.after"),
    (tus, "original.keep.after"),
    (reprocessed, "storage.publish.after"),
    (deleted, "storage.delete_folder.after"),
)
"""Of the uploads, runs and deletions one each, which every run of the tests can afford."""
