"""What an upload makes of an api that refuses in the middle: an upload is forgotten only where it is gone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from client.begun_uploads import BegunUploads
from client.connection import Connection
from client.errors import CONNECTION_LOST, UNREACHABLE, RushesError
from client.uploading import ResumingUpload
from client.views import VideoView
from contracts.status import VideoStatus

SIZE = 1000
HERE = "/api/v1/uploads/one"
VIDEO = VideoView(
    id=uuid4(),
    title="a",
    profile="web",
    status=VideoStatus.ERROR,
    file_size_bytes=0,
    original_filename="a.mp4",
    warnings=[],
    attempt=1,
    workflow_id="",
    created_at=datetime.now(UTC),
    updated_at=datetime.now(UTC),
)


class Refusing(Connection):
    """Answers as tus does, but for what it refuses: each PATCH in turn, by its code, and then no more.

    Of a video that it is asked for it says that it is in error for this reason, or that there is none.
    """

    def __init__(self, *codes: str, ended_by: str | None = None) -> None:
        super().__init__("http://127.0.0.1:1")
        self._codes = list(codes)
        self._ended_by = ended_by
        self.asked: list[str] = []

    async def send(self, method: str, path: str, **_: Any) -> httpx.Response:
        if path == "/api/v1/videos/one":
            if self._ended_by is None:
                raise RushesError("video_not_found", "There is no video one.", status=404)
            return httpx.Response(
                200, content=VIDEO.model_copy(update={"error_code": self._ended_by}).model_dump_json()
            )
        assert path.startswith("/api/v1/uploads")
        self.asked.append(method)
        if method == "PATCH" and self._codes:
            code = self._codes.pop(0)
            raise RushesError(code, "No.", status=410 if code == "upload_gone" else 500)
        return httpx.Response(200, headers={"location": HERE, "upload-offset": "10"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    video = tmp_path / "a.mp4"
    video.write_bytes(bytes(SIZE))
    return video


async def sent(api: Connection, file: Path) -> str:
    upload = ResumingUpload(api, file, {}, begun=BegunUploads(file.with_name("begun.json")))
    return await upload.send(on_sent=lambda _sent, _size: None, on_broken=lambda _: None)


@pytest.mark.parametrize("code", ["storage_failed", "internal", "http_504", "quota_exceeded", "upload_locked"])
async def test_what_may_pass_is_asked_again_and_the_upload_goes_on(file: Path, code: str) -> None:
    api = Refusing(code)
    assert await sent(api, file) == "one"
    assert api.asked == ["POST", "HEAD", "PATCH", "HEAD", "PATCH"]


@pytest.mark.parametrize("code", ["unauthenticated", "too_large", "foreign_origin"])
async def test_after_a_refusal_that_stays_the_same_command_goes_on_later(file: Path, code: str) -> None:
    with pytest.raises(RushesError):
        await sent(Refusing(code), file)
    later = Refusing()
    assert await sent(later, file) == "one"
    assert later.asked == ["HEAD", "PATCH"], "it is not begun anew"


class Restarting(Refusing):
    """Is started again while an upload begins: its requests are lost for these reasons, and then no more."""

    def __init__(self, *lost: str) -> None:
        super().__init__()
        self._lost = list(lost)
        self.keys: list[str] = []

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        if method == "POST":
            self.keys.append(request["headers"]["Idempotency-Key"])
            if self._lost:
                raise RushesError(self._lost.pop(0), "No.")
        return await super().send(method, path, **request)


async def test_an_api_that_is_started_again_as_an_upload_begins_is_asked_again_with_the_same_key(file: Path) -> None:
    api = Restarting(CONNECTION_LOST, UNREACHABLE)
    assert await sent(api, file) == "one"
    assert (len(api.keys), len(set(api.keys))) == (3, 1), "it may have begun it before its answer was lost"
    assert (await sent(api, file), len(set(api.keys))) == ("one", 2)
    with pytest.raises(RushesError, match=UNREACHABLE):  # nothing was ever there
        await sent(Restarting(UNREACHABLE), file)


async def test_what_has_rested_for_too_long_is_begun_anew_at_once(file: Path) -> None:
    api = Refusing("upload_gone", ended_by="upload_interrupted")
    assert await sent(api, file) == "one"
    assert api.asked == ["POST", "HEAD", "PATCH", "POST", "HEAD", "PATCH"]


@pytest.mark.parametrize("ended_by", ["cancelled", None])
async def test_what_a_person_ended_while_it_was_sent_stays_ended_until_it_is_sent_once_more(
    file: Path, ended_by: str | None
) -> None:
    api = Refusing("upload_gone", ended_by=ended_by)
    with pytest.raises(RushesError) as refused:
        await sent(api, file)
    assert refused.value.code == "upload_gone"
    assert api.asked == ["POST", "HEAD", "PATCH"]
    assert await sent(api, file) == "one"
    assert api.asked[3:] == ["POST", "HEAD", "PATCH"]
