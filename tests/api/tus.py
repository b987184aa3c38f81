"""Speaking tus in a test: what is sent, and how the upload stands then."""

import base64
from typing import Final
from uuid import UUID

import httpx

from contracts.status import VideoStatus
from database.engine import Database
from database.tables import Video
from storage.protocol import Storage
from tests.api.running import RecordedRuns
from tests.fixtures.noise import noise
from tests.storage.published import content_of

UPLOADS: Final = "/api/v1/uploads"
MEBIBYTE: Final = 1024 * 1024
CONTENT: Final = noise(256 * 80 * 1024)  # 20 MiB: more than two parts of a multipart upload
TUS: Final = {"Tus-Resumable": "1.0.0"}
BYTES: Final = {**TUS, "Content-Type": "application/offset+octet-stream"}


def metadata(**texts: str) -> dict[str, str]:
    """As a header."""
    pairs = (f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in texts.items())
    return {"Upload-Metadata": ",".join(pairs)}


async def created(http: httpx.AsyncClient, length: int = len(CONTENT), /, **headers: str) -> str:
    """The address of a new upload."""
    asked = {**TUS, "Upload-Length": str(length), **metadata(filename="holiday.mp4"), **headers}
    answer = await http.post(UPLOADS, headers=asked)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


async def append(http: httpx.AsyncClient, url: str, offset: int, content: bytes, **headers: str) -> httpx.Response:
    """Send bytes."""
    return await http.patch(url, headers={**BYTES, "Upload-Offset": str(offset), **headers}, content=content)


async def offset_of(http: httpx.AsyncClient, url: str) -> int:
    """How far it is."""
    answer = await http.head(url, headers=TUS)
    assert answer.status_code == 200, answer.headers
    return int(answer.headers["upload-offset"])


async def row_of(database: Database, url: str) -> Video:
    """The upload's video."""
    video = await database.videos.get(UUID(url.rpartition("/")[2]))
    assert video is not None
    return video


async def arrived(database: Database, storage: Storage, runs: RecordedRuns, url: str) -> Video:
    """The video, once its file is whole and its run was started."""
    video = await row_of(database, url)
    assert (video.status, video.file_size_bytes) == (VideoStatus.PROCESSING, len(CONTENT))
    assert await content_of(storage, video.original_key) == CONTENT
    assert [request.video_id for request, _ in runs.started] == [str(video.id)]
    return video


async def is_free(database: Database, url: str) -> bool:
    """Whether nobody writes it."""
    return (await row_of(database, url)).upload_lease is None
