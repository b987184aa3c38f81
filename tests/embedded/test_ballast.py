"""Room on a disk that is there to be given back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.ballast import BALLAST_NAME, Ballast
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
