"""Room on a disk that is there to be given back."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.ballast import BALLAST_NAME, Ballast, pause_seconds_with
from tests.fixtures.small_disk import NoMounts, SmallDisk, mounted

MEBIBYTE = 1024 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Large enough to hold it, and to be filled quickly."""
    try:
        with mounted(tmp_path / "disk", mebibytes=400) as disk:
            yield disk
    except NoMounts as error:
        pytest.skip(f"this user may not mount a small disk: {error}")


def test_it_is_given_back_when_the_disk_is_full_and_taken_again_when_there_is_room(disk: SmallDisk) -> None:
    said: list[str] = []
    ballast, file = Ballast(disk.folder, 64 * MEBIBYTE, said.append), disk.folder / BALLAST_NAME
    ballast.look()
    assert file.stat().st_blocks * 512 == 64 * MEBIBYTE, "it takes the room that it says"
    ballast.look()
    assert said == []
    with disk.full():
        ballast.look()
        assert not file.exists()
        ballast.look()
        assert not file.exists(), "what was given back is not taken from whom it was given to"
    assert len(said) == 1
    assert "64 MiB, is free now" in said[0]
    ballast.look()
    assert file.exists()
    Ballast(disk.folder, 0, said.append).look()
    assert not file.exists()


def test_what_a_killed_process_had_taken_half_is_given_back_on_a_full_disk(disk: SmallDisk) -> None:
    part = disk.folder / f"{BALLAST_NAME}.part"
    part.write_bytes(bytes(64 * MEBIBYTE))
    with disk.full():
        Ballast(disk.folder, 64 * MEBIBYTE, lambda _: None).look()
        assert shutil.disk_usage(disk.folder).free == 64 * MEBIBYTE


def test_a_disk_with_little_room_is_told_of_before_anything_fails_on_it(disk: SmallDisk, tmp_path: Path) -> None:
    said: list[str] = []
    Ballast(tmp_path, 0, said.append).tell_of_little_room()
    assert said == []
    with disk.full(but_for=3 * MEBIBYTE):
        Ballast(disk.folder, 0, said.append).tell_of_little_room()
    assert [sentence.startswith(f"The disk of {disk.folder} has 3.0 MiB free;") for sentence in said] == [True]


def test_a_folder_in_which_it_can_not_be_kept_is_told_of_once(tmp_path: Path) -> None:
    said: list[str] = []
    ballast = Ballast(tmp_path, 1, said.append)
    (tmp_path / f"{BALLAST_NAME}.part").mkdir()
    for _ in range(2):
        ballast.look()
    assert len(said) == 1
    assert "can't be kept" in said[0]


def test_a_disk_that_fills_quickly_is_seen_before_it_is_full() -> None:
    free_bytes, a_second = 1000 * MEBIBYTE, 200 * MEBIBYTE
    while free_bytes >= 20 * MEBIBYTE:
        free_bytes -= int(pause_seconds_with(free_bytes) * a_second)
    assert free_bytes > 8 * MEBIBYTE
    assert pause_seconds_with(10_000 * MEBIBYTE) == 2, "and one that does not is left alone"
