"""What an upload makes of an api that refuses in the middle: an upload is forgotten only where it is gone."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from cli.errors import ExitCode, exit_code_of
from client.begun_uploads import BegunUploads
from client.connection import Connection
from client.errors import CONNECTION_LOST, FILE_CHANGED, FOREIGN_ANSWER, UNREACHABLE, RushesError
from client.piece_size import MOST_PIECE_BYTES, PieceSize
from client.uploading import ResumingUpload
from client.views import VideoView
from contracts.status import VideoStatus

SIZE = 1000
MEBIBYTE = 1024 * 1024
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

    Of a video that it is asked for it says that it is in error for this reason, or that there is none. What it takes,
    it takes in steps.
    """

    def __init__(self, *codes: str, ended_by: str | None = None, most_bytes: int = SIZE) -> None:
        super().__init__("http://127.0.0.1:1")
        self._codes = list(codes)
        self._ended_by = ended_by
        self._most_bytes = most_bytes
        self._offset = 0
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
        if method == "PATCH":
            self._offset = min(SIZE, self._offset + self._most_bytes)
        return httpx.Response(200, headers={"location": HERE, "upload-offset": str(self._offset)})


class Portal(Refusing):
    """Something in between answers requests of one kind: a page, with a success."""

    def __init__(self, method: str, **headers: str) -> None:
        super().__init__()
        self._method = method
        self._headers = headers

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        answer = await super().send(method, path, **request)
        return httpx.Response(200, html="<h1>Welcome</h1>", headers=self._headers) if method == self._method else answer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    video = tmp_path / "a.mp4"
    video.write_bytes(bytes(SIZE))
    return video


async def sent(api: Connection, file: Path) -> str:
    upload = ResumingUpload(api, file, {}, begun=BegunUploads(file.with_name("begun")))
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


class Full(Refusing):
    """Says that its user may keep no more, and when to ask again."""

    async def send(self, method: str, path: str, **_: Any) -> httpx.Response:
        self.asked.append(method)
        raise RushesError("quota_exceeded", f"No room: {path}.", status=429, retry_after=3600)


async def test_what_does_not_pass_while_anybody_waits_is_not_asked_again(file: Path) -> None:
    api = Full()
    with pytest.raises(RushesError, match="No room"):
        await sent(api, file)
    assert api.asked == ["POST"]


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


async def test_an_upload_is_through_when_the_api_says_that_it_has_all_of_it(file: Path) -> None:
    api = Refusing(most_bytes=SIZE // 2)
    assert await sent(api, file) == "one"
    assert api.asked == ["POST", "HEAD", "PATCH", "PATCH"]


@pytest.mark.parametrize(
    "portal",
    [
        Portal("POST"),
        Portal("POST", location="/welcome"),
        Portal("HEAD"),
        Portal("HEAD", **{"upload-offset": str(SIZE + 1)}),
        Portal("PATCH"),
        Portal("PATCH", **{"upload-offset": "0"}),
    ],
    ids=["POST", "POST to elsewhere", "HEAD", "HEAD of another", "PATCH", "PATCH of nothing"],
)
async def test_a_success_of_something_else_is_an_error_and_the_upload_goes_on_later(file: Path, portal: Portal) -> None:
    with pytest.raises(RushesError, match="something that is not ours") as refused:
        await sent(portal, file)
    assert refused.value.code == FOREIGN_ANSWER
    later = Refusing()
    assert await sent(later, file) == "one"
    assert ("POST" in later.asked) == (portal.asked == ["POST"]), "what was begun is not begun anew"


def test_what_several_commands_have_begun_at_once_is_kept_of_each(tmp_path: Path) -> None:
    names = [f"{command}-{upload}" for upload in range(20) for command in range(4)]
    all_at_once = threading.Barrier(4)

    def begin(command: int) -> None:
        begun = BegunUploads(tmp_path / "begun")
        all_at_once.wait()
        for name in names[command::4]:
            begun.remember(name, HERE)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(begin, range(4)))
    assert [name for name in names if BegunUploads(tmp_path / "begun").find(name) != HERE] == []
    for name in names:
        BegunUploads(tmp_path / "begun").remember(name, None)
    assert [*(tmp_path / "begun").iterdir()] == []


def test_what_was_begun_is_for_no_other_user_of_the_machine_to_see(tmp_path: Path) -> None:
    of_an_older_version, new = tmp_path / "older", tmp_path / "state" / "uploads"
    of_an_older_version.mkdir(mode=0o755)
    for folder in (of_an_older_version, new):
        BegunUploads(folder).remember("a", HERE)
        assert BegunUploads(folder).find("a") == HERE
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_file_that_changed_ends_the_command_as_a_fault_of_the_file_and_not_of_the_service() -> None:
    assert exit_code_of(RushesError(FILE_CHANGED, "It changed.")) is ExitCode.FAILED
    assert exit_code_of(RushesError(FOREIGN_ANSWER, "Not ours.")) is ExitCode.UNAVAILABLE


def test_pieces_grow_while_they_take_moments_and_never_again_to_what_was_refused() -> None:
    size = PieceSize(100 * MEBIBYTE)
    brought = []
    for seconds in (0.1, 30, 0.1, 0.1, 0.1):
        brought.append(size.bytes // MEBIBYTE)
        size.got_through(size.bytes, seconds)
    assert brought == [16, 32, 32, 64, 100]
    assert size.was_refused(100 * MEBIBYTE)
    size.got_through(50 * MEBIBYTE, 0.1)
    assert size.bytes == 50 * MEBIBYTE
    assert [size.was_refused(size.bytes) for _ in range(7)] == [True] * 6 + [False]
    assert size.bytes == MEBIBYTE


class Breaking(Connection):
    """Its connection breaks once under a piece, before any of it got through."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.pieces: list[int] = []

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        assert path.startswith("/api/v1/uploads")
        arrived = sum(self.pieces[1:])
        if method == "PATCH":
            self.pieces.append(int(request["headers"]["Content-Length"]))
            if len(self.pieces) == 1:
                raise RushesError(CONNECTION_LOST, "It broke.")
            arrived += self.pieces[-1]
        return httpx.Response(200, headers={"location": HERE, "upload-offset": str(arrived)})


async def test_after_a_connection_that_broke_the_next_piece_is_smaller_and_pieces_grow_again(file: Path) -> None:
    os.truncate(file, 64 * MEBIBYTE)
    api = Breaking()
    assert await sent(api, file) == "one"
    assert [piece // MEBIBYTE for piece in api.pieces] == [16, 8, 16, 32, 8]


def test_after_an_outage_pieces_grow_as_if_it_had_never_been() -> None:
    size = PieceSize()
    for _ in range(10):
        size.was_lost(size.bytes)
    assert size.bytes == MEBIBYTE
    for _ in range(8):
        size.got_through(size.bytes, 0.1)
    assert size.bytes == MOST_PIECE_BYTES


def test_what_is_lost_whenever_it_is_tried_is_tried_ever_later_and_taken_once_it_gets_through() -> None:
    size, lost = PieceSize(), 0
    for _ in range(50 * 1024 // 8):  # 50 GiB past what closes connections that bring more than 10 MiB
        if size.bytes > 10 * MEBIBYTE:
            size.was_lost(size.bytes)
            lost += 1
        else:
            size.got_through(size.bytes, 0.1)
    assert (lost, size.bytes) == (6, 8 * MEBIBYTE)
    size.got_through(16 * MEBIBYTE, 0.1)
    for _ in range(5):
        size.got_through(size.bytes, 0.1)
    assert size.bytes == MOST_PIECE_BYTES
