"""``rushes storage`` tries a place and moves to another, and says what is wrong in a sentence."""

import asyncio
import os
import re
from pathlib import Path

from storage.bucket_client import open_bucket
from storage.location import BucketLocation
from tests.fixtures.bucket import BUCKET, BucketServer
from tests.fixtures.noise import noise
from tests.fixtures.stack import Home
from tests.storage.test_bucket_failures import through_a_narrow_way
from tests.waiting import eventually


def in_a_bucket(home: Home, server: BucketServer, **changes: str) -> Home:
    """A home whose files are in the bucket of the tests."""
    return home.with_settings(
        **{**server.environment, "RUSHES_STORAGE": "s3://rushes-tests/cli", "RUSHES_SCRATCH": str(home.folder / "s")},
        **changes,
    )


async def test_every_trial_of_a_storage_that_works_is_listed(home: Home, shared_bucket_server: BucketServer) -> None:
    tried = await in_a_bucket(home, shared_bucket_server).rushes("storage", "check")
    assert tried.code == 0, tried
    assert re.findall(r"^ok +(\w+)", tried.out, re.MULTILINE) == [
        *("write", "once", "read", "range", "clock", "upload", "publish", "address", "direct", "delete")
    ]


async def test_wrong_credentials_fail_with_one_sentence(home: Home, shared_bucket_server: BucketServer) -> None:
    wrong = in_a_bucket(home, shared_bucket_server).with_settings(AWS_SECRET_ACCESS_KEY="wrong")
    tried = await wrong.rushes("storage", "check")
    assert tried.code == 1
    assert tried.err == "Trying s3://rushes-tests/cli.\n"
    assert tried.out.startswith("fail  write    Could not write a file in s3://rushes-tests/cli: the secret key")
    doctor = await wrong.rushes("doctor")
    assert re.search(r"^fail +Bucket +write: Could not write a file in", doctor.out, re.MULTILINE), doctor.out


async def test_a_server_that_is_no_s3_is_told_apart_from_one_that_refuses(home: Home) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        tried = await home.with_settings(
            RUSHES_STORAGE="s3://rushes-tests/cli",
            AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
            AWS_ACCESS_KEY_ID="key",
            AWS_SECRET_ACCESS_KEY="secret",
            AWS_REGION="us-east-1",
        ).rushes("storage", "check")
    assert tried.code == 1
    assert "what answers there is no S3, or has no such bucket. Is AWS_ENDPOINT_URL right?" in tried.out


async def test_a_place_without_files_is_taken_for_a_misspelt_one(
    home: Home, shared_bucket_server: BucketServer, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    moving = in_a_bucket(home, shared_bucket_server)
    for place in (str(tmp_path / "nowhere"), str(tmp_path / "empty"), "s3://rushes-tests/nowhere"):
        refused = await moving.rushes("storage", "migrate", place, str(tmp_path / "target"))
        assert refused.code == 2, refused
        assert f"{place} has neither originals/ nor processed/, so nothing was copied." in refused.err


async def test_a_bucket_that_is_misspelt_is_no_folder(home: Home, tmp_path: Path) -> None:
    (tmp_path / "originals").mkdir()
    refused = await home.rushes("storage", "migrate", str(tmp_path), "s3:/videos")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("s3:/videos: write s3://bucket or s3://bucket/prefix")


async def test_a_place_to_move_from_may_be_at_another_server(
    home: Home, shared_bucket_server: BucketServer, tmp_path: Path
) -> None:
    uploads, back = tmp_path / "uploads", tmp_path / "back"
    (uploads / "originals").mkdir(parents=True)
    (uploads / "originals" / "v1.mp4").write_bytes(b"original")
    place = "s3://rushes-tests/from-another-server"
    assert (await in_a_bucket(home, shared_bucket_server).rushes("storage", "migrate", str(uploads), place)).code == 0
    there = {f"FROM_{name}": value for name, value in shared_bucket_server.environment.items()}
    elsewhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "other", "AWS_SECRET_ACCESS_KEY": "o"}
    moved = await home.with_settings(**there, **elsewhere).rushes("storage", "migrate", place, str(back))
    assert moved.code == 0, moved
    assert (back / "originals" / "v1.mp4").read_bytes() == b"original"


async def test_a_move_that_is_killed_in_the_midst_of_a_file_goes_on_there_and_leaves_nothing(
    home: Home, shared_bucket_server: BucketServer, tmp_path: Path
) -> None:
    content, uploads = noise(33 * 1024 * 1024), tmp_path / "uploads"
    (uploads / "originals").mkdir(parents=True)
    (uploads / "originals" / "v1.mp4").write_bytes(content)
    there = ("storage", "migrate", str(uploads), "s3://rushes-tests/killed")
    moving = in_a_bucket(home, shared_bucket_server)
    async with open_bucket(BucketLocation(BUCKET, "killed/"), shared_bucket_server.environment) as bucket:

        async def has_a_part() -> bool:
            return any([await bucket.parts(begun) for begun, _ in await bucket.all_unfinished("")])

        async with through_a_narrow_way(shared_bucket_server, 1024 * 1024) as slow:
            process = await moving.with_settings(**slow).begin(*there)
            await eventually(has_a_part, bool, within_seconds=60)
            process.kill()
            await process.communicate()
        moved = await moving.rushes(*there)
        assert "1 files copied (33.0 MiB), 0 were there already." in moved.out, moved
        assert await bucket.all_unfinished("") == []
        found = await bucket.head("originals/v1.mp4")
        assert found is not None
        assert await bucket.read("originals/v1.mp4", 0, found.size_bytes) == content


async def test_what_differs_and_is_newer_in_its_new_place_is_named_fails_and_is_replaced_when_asked(
    home: Home, tmp_path: Path
) -> None:
    original, copy = (tmp_path / name / "originals" / "v1.mp4" for name in ("from", "to"))
    original.parent.mkdir(parents=True)
    original.write_bytes(b"original")
    os.utime(original, (0, 0))
    there = ("storage", "migrate", str(tmp_path / "from"), str(tmp_path / "to"))
    assert (await home.rushes(*there)).code == 0
    copy.unlink()  # it may be another name of the original
    copy.write_bytes(b"0riginal")
    by_size = await home.rushes(*there)
    assert (by_size.code, by_size.out) == (0, "0 files copied (0 bytes), 1 were there already.\n")
    by_hash = await home.rushes(*there, "--compare")
    assert (by_hash.code, by_hash.out) == (1, "0 files copied (0 bytes), 0 were there already.\n")
    assert by_hash.err.startswith("originals/v1.mp4  another and newer there, left as it is\n1 in TO differ")
    assert "With --replace, FROM's take the place" in by_hash.err.replace("\n", " ")
    assert copy.read_bytes() == b"0riginal"
    replaced = await home.rushes(*there, "--replace")
    assert (replaced.code, replaced.out) == (0, "1 files copied (8 bytes), 0 were there already.\n")
    assert copy.read_bytes() == b"original"


async def test_files_move_into_a_bucket_once_and_back(
    home: Home, shared_bucket_server: BucketServer, tmp_path: Path
) -> None:
    moving, uploads = in_a_bucket(home, shared_bucket_server), tmp_path / "uploads"
    (uploads / "originals").mkdir(parents=True)
    (uploads / "originals" / "v1.mp4").write_bytes(b"original")
    there, back = ("storage", "migrate", str(uploads), "s3://rushes-tests/moved"), tmp_path / "back"
    assert "1 files copied (8 bytes), 0 were there already." in (await moving.rushes(*there)).out
    assert "0 files copied (0 bytes), 1 were there already." in (await moving.rushes(*there)).out
    returned = await moving.rushes("storage", "migrate", "s3://rushes-tests/moved", str(back))
    assert returned.code == 0, returned
    assert (back / "originals" / "v1.mp4").read_bytes() == b"original"
    refused = await moving.rushes("storage", "migrate", str(uploads), "s3://No")
    assert (refused.code, refused.err.strip()) == (
        2,
        "s3://No: 'No' can't be the name of a bucket: 3 to 63 small letters, digits, dots and hyphens",
    )
