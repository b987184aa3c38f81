"""The encoding profile of an upload: one of those there are, wherever in the form it is named."""

from pathlib import Path
from uuid import UUID

import httpx
import pytest

from database.engine import Database
from tests.api.forms import MULTIPART, field_part, file_part, form
from tests.api.running import RecordedRuns

UPLOAD = "/api/v1/videos/upload"
FILE = file_part(b"x" * 3_000_000)


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("body", "profile"),
    [
        (form(field_part("profile", b"archive"), FILE), "archive"),
        (form(FILE, field_part("profile", b" archive ")), "archive"),
        (form(FILE), "web"),
        (form(field_part("profile", b""), FILE), "web"),
    ],
)
async def test_a_video_is_made_with_the_profile_that_its_upload_names(
    client: httpx.AsyncClient, database: Database, runs: RecordedRuns, body: bytes, profile: str
) -> None:
    answer = await client.post(UPLOAD, headers=MULTIPART, content=body)
    assert answer.status_code == 202
    video = await database.videos.get(UUID(answer.json()["video_id"]))
    assert video is not None
    assert video.profile == profile
    assert [request.profile for request, _ in runs.started] == [profile]
    assert (await client.get(answer.headers["location"])).json()["profile"] == profile


@pytest.mark.parametrize("comes_first", [True, False])
async def test_a_profile_that_there_is_not_is_refused_with_the_names_of_those_there_are(
    client: httpx.AsyncClient, database: Database, uploads_folder: Path, *, comes_first: bool
) -> None:
    parts = [field_part("profile", b"cinema"), FILE]
    answer = await client.post(UPLOAD, headers=MULTIPART, content=form(*(parts if comes_first else reversed(parts))))
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_profile")
    assert answer.json()["detail"] == "There is no profile 'cinema'. There are: archive, web."
    assert files_in(uploads_folder) == []
    assert sum((await database.videos.count_by_status()).values()) == 0


@pytest.mark.parametrize(
    "parts",
    [
        [field_part("profile", b"web"), FILE, field_part("profile", b"web")],
        [field_part("profile", b"w" * 5000), FILE],
        [field_part("profile", b"\xff\xfe"), FILE],
    ],
)
async def test_a_profile_that_can_not_be_read_is_refused(
    client: httpx.AsyncClient, database: Database, parts: list[bytes]
) -> None:
    answer = await client.post(UPLOAD, headers=MULTIPART, content=form(*parts))
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_profile")
    assert sum((await database.videos.count_by_status()).values()) == 0


async def test_a_refused_kind_of_file_is_told_with_the_setting_that_allows_others(client: httpx.AsyncClient) -> None:
    answer = await client.post(UPLOAD, headers=MULTIPART, content=form(file_part(b"x", "clip.mkv")))
    assert answer.status_code == 415
    assert ".mp4, .mov, .avi" in answer.json()["detail"]
    assert "RUSHES_ALLOWED_EXTENSIONS" in answer.json()["detail"]
