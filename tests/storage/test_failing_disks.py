"""A disk that refuses is told in words that help, and nothing half-done stays: on real disks, full and read-only."""

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
# $1 and $2 are the folders, $3 the program; mounts vanish with the namespace.
FULL_DISK = 'mount -t tmpfs -o size=4m rushes "$1" && exec "$3" -m tests.storage.on_a_disk "$1" "$2"'
READ_ONLY_DISK = (
    'mount -t tmpfs rushes "$1" && mkdir "$1/originals" "$1/processed" "$1/processed/v3" && '
    'mount -o remount,bind,ro "$1" && exec "$3" -m tests.storage.on_a_disk "$1" "$2"'
)


def namespaces_are_permitted() -> bool:
    """Whether this user may mount a disk of its own."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not namespaces_are_permitted(), reason="needs user and mount namespaces")


async def answers(script: str, tmp_path: Path) -> dict[str, Any]:
    """Run the script on fresh folders, with an 8 MiB video in scratch, and return what the disk's storage answered."""
    uploads, scratch = tmp_path / "uploads", tmp_path / "scratch"
    uploads.mkdir()
    (scratch / "v1").mkdir(parents=True)
    (scratch / "v1" / "video.mp4").write_bytes(bytes(8 * 1024 * 1024))
    arguments = ["sh", "-c", script, "sh", str(uploads), str(scratch), sys.executable]
    process = await asyncio.create_subprocess_exec(
        *NAMESPACE, *arguments, cwd=PROJECT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, failure = await process.communicate()
    assert process.returncode == 0, failure.decode()
    assert (scratch / "v1" / "video.mp4").exists()
    found: dict[str, Any] = json.loads(output)
    return found


async def test_a_full_disk_is_told_and_nothing_half_done_stays(tmp_path: Path) -> None:
    found = await answers(FULL_DISK, tmp_path)
    assert found["check"] == "ok"
    assert found["upload"] == (
        f"Could not store the upload in {tmp_path}/uploads/originals: the disk is full. Free some space, or point the "
        "setting at a larger disk."
    )
    assert "publish the video" in found["publish"]
    assert "the disk is full" in found["publish"]
    assert "the disk is full" in found["work"]
    assert found["files"] == []


async def test_a_read_only_disk_is_told_by_every_write(tmp_path: Path) -> None:
    found = await answers(READ_ONLY_DISK, tmp_path)
    for name in ("check", "upload", "publish", "withdraw", "work"):
        assert "the disk is read-only" in found[name], name


async def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    script = (
        'mkdir "$1/originals" "$1/processed" "$1/processed/v3" && chmod 500 "$1/originals" "$1/processed" && '
        'exec unshare --user --map-user=1000 -- "$3" -m tests.storage.on_a_disk "$1" "$2"'
    )
    found = await answers(script, tmp_path)
    for name in ("check", "upload", "publish", "withdraw", "work"):
        assert "this process may not write there" in found[name], name
