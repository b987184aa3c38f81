"""What an upload makes of an api that refuses in the middle: an upload is forgotten only where it is gone."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from client.begun_uploads import BegunUploads
from client.connection import Connection
from client.errors import RushesError
from client.uploading import ResumingUpload

SIZE = 1000
HERE = "/api/v1/uploads/one"


class Refusing(Connection):
    """Answers as tus does, but for what it refuses: each PATCH in turn, by its code, and then no more."""

    def __init__(self, *codes: str) -> None:
        super().__init__("http://127.0.0.1:1")
        self._codes = list(codes)
        self.asked: list[str] = []

    async def send(self, method: str, path: str, **_: Any) -> httpx.Response:
        assert path.startswith("/api/v1/uploads")
        self.asked.append(method)
        if method == "PATCH" and self._codes:
            raise RushesError(self._codes.pop(0), "No.", status=500)
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


async def test_what_is_gone_is_begun_anew_at_once(file: Path) -> None:
    api = Refusing("upload_gone")
    assert await sent(api, file) == "one"
    assert api.asked == ["POST", "HEAD", "PATCH", "POST", "HEAD", "PATCH"]
