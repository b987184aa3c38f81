"""Who let somebody in, deleted, cancelled or shared something leaves a line of the logger ``audit``."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import httpx
import structlog
from structlog.testing import capture_logs

from api.options import ApiOptions
from api.services import Services
from contracts.errors import ErrorCode
from contracts.status import VideoStatus
from database.engine import Database
from storage.disk import DiskStorage
from tests.api.accounts import bearer, key_of
from tests.api.rows import make_video
from tests.api.running import app_of, in_process
from tests.api.tus import TUS, created

VIDEOS: Final = "/api/v1/videos"
Door = Callable[["Doors"], Awaitable[httpx.Response]]

OF_ONE_S_OWN: Final = {
    "append_to_upload",
    "begin_direct_upload",
    "complete_direct_upload",
    "create_upload",
    "end_session",
    "import_video",
    "pause_cohort",
    "reprocess_video",
    "resend_webhook_delivery",
    "resume_cohort",
    "retry_video",
    "upload_video",
}
"""What brings a video or has one made, and nothing else; and what takes a browser's cookie away."""


class Doors:
    """What changes anything, each asked for by the user ``local``, who has a key and sees everybody's videos."""

    def __init__(self, client: httpx.AsyncClient, database: Database, storage: DiskStorage) -> None:
        self._client = client
        self._database = database
        self._storage = storage

    async def delete_video(self) -> httpx.Response:
        return await self._client.delete(await self._video(VideoStatus.READY))

    async def cancel_video(self) -> httpx.Response:
        return await self._client.post(f"{await self._video(VideoStatus.UPLOADING)}/cancel")

    async def change_video(self) -> httpx.Response:
        return await self._client.patch(await self._video(VideoStatus.READY), json={"visibility": "public"})

    async def make_link(self) -> httpx.Response:
        return await self._client.post(f"{await self._video(VideoStatus.READY)}/links", json={})

    async def terminate_upload(self) -> httpx.Response:
        return await self._client.delete(await created(self._client), headers=TUS)

    async def terminate_upload_by_post(self) -> httpx.Response:
        override = {"X-HTTP-Method-Override": "DELETE"}
        return await self._client.post(await created(self._client), headers=TUS | override)

    async def begin_session(self) -> httpx.Response:
        return await self._client.post("/api/v1/session")

    async def retry_cohort(self) -> httpx.Response:
        video = await make_video(self._database, self._storage, VideoStatus.PROCESSING)
        await self._database.videos.mark_error(video.id, 1, ErrorCode.STORAGE_FAILED, "It failed.")
        return await self._client.post("/api/v1/cohorts", json={"error_code": "storage_failed"})

    async def reprocess_cohort(self) -> httpx.Response:
        await self._video(VideoStatus.READY)
        return await self._client.post("/api/v1/cohorts/reprocess", json={"profile": "web", "where": {}})

    async def cancel_cohort(self) -> httpx.Response:
        return await self._client.delete(f"/api/v1/cohorts/{(await self.retry_cohort()).json()['cohort_id']}")

    async def create_webhook(self) -> httpx.Response:
        return await self._client.post("/api/v1/webhooks", json={"url": "https://app.example.com/"})

    async def change_webhook(self) -> httpx.Response:
        return await self._client.patch(await self._webhook(), json={"is_enabled": False})

    async def rotate_webhook_secret(self) -> httpx.Response:
        return await self._client.post(f"{await self._webhook()}/secret", json={})

    async def delete_webhook(self) -> httpx.Response:
        return await self._client.delete(await self._webhook())

    async def _video(self, status: VideoStatus) -> str:
        return f"{VIDEOS}/{(await make_video(self._database, self._storage, status)).id}"

    async def _webhook(self) -> str:
        return f"/api/v1/webhooks/{(await self.create_webhook()).json()['id']}"


AUDITED: Final[Mapping[str, tuple[Door, Sequence[str]]]] = {
    "delete_video": (Doors.delete_video, ["video deleted"]),
    "cancel_video": (Doors.cancel_video, ["video cancelled"]),
    "change_video": (Doors.change_video, ["visibility changed"]),
    "make_link": (Doors.make_link, ["link made"]),
    "terminate_upload": (Doors.terminate_upload, ["video deleted"]),
    "terminate_upload by POST": (Doors.terminate_upload_by_post, ["video deleted"]),
    "begin_session": (Doors.begin_session, ["session begun"]),
    "retry_cohort": (Doors.retry_cohort, ["cohort begun"]),
    "reprocess_cohort": (Doors.reprocess_cohort, ["cohort begun"]),
    "cancel_cohort": (Doors.cancel_cohort, ["cohort begun", "cohort cancelled"]),
    "create_webhook": (Doors.create_webhook, ["webhook made"]),
    "change_webhook": (Doors.change_webhook, ["webhook made", "webhook changed"]),
    "rotate_webhook_secret": (Doors.rotate_webhook_secret, ["webhook made", "webhook secret rotated"]),
    "delete_webhook": (Doors.delete_webhook, ["webhook made", "webhook deleted"]),
}
"""Each door with the lines of going through it, and of what has to be there before."""


def test_of_every_door_that_changes_anything_it_is_said_whether_it_is_audited(
    services: Services, options: ApiOptions
) -> None:
    paths: Mapping[str, Mapping[str, Any]] = app_of(services, options).openapi()["paths"]
    changing = {
        operation["operationId"]
        for path in paths.values()
        for method, operation in path.items()
        if method in {"post", "put", "patch", "delete"}
    }
    assert changing == OF_ONE_S_OWN | set(AUDITED) - {"terminate_upload by POST"}


async def test_a_door_that_is_audited_leaves_its_line_about_whom_and_what(
    services: Services, options: ApiOptions, database: Database, storage: DiskStorage
) -> None:
    key = await key_of(database, "local", is_admin=True)
    every_line = {line for _, lines in AUDITED.values() for line in lines}
    async with in_process(services, options) as client:
        client.headers.update(bearer(key))
        doors = Doors(client, database, storage)
        for name, (walk, lines) in AUDITED.items():
            with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logged:
                answer = await walk(doors)
            assert answer.is_success, (name, answer.text)
            told = [line for line in logged if line["event"] in every_line]
            assert [line["event"] for line in told] == lines, name
            about = {"video_id", "key_id", "cohort_id", "webhook_id"}
            assert all(line["user_id"] == "local" and about & line.keys() for line in told), name
