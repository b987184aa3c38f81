"""Each disk has questions of its own, found without asking it."""

from pathlib import Path

from threads.disks import Disks

MOUNTS = """\
21 1 0:1 / / rw,relatime - ext4 /dev/vda rw
22 21 0:2 / /srv/one rw - nfs4 server:/one rw
23 21 0:3 / /srv/its\\040own rw shared:1 - ext4 /dev/vdb rw
"""


async def test_files_of_one_disk_share_its_questions_and_those_of_another_have_others(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    disks = Disks(mounts)
    one = await disks.of(Path("/srv/one/work/v1/chunk.mp4"))
    assert await disks.of(Path("/srv/one/work/v2/chunk.mp4")) is one
    own, root = await disks.of(Path("/srv/its own/a")), await disks.of(Path("/srv/onerous/a"))
    assert len({one, own, root}) == 3
    assert await disks.of(Path("/srv/a")) is root


async def test_where_the_kernel_does_not_tell_all_count_as_one_disk(tmp_path: Path) -> None:
    disks = Disks(tmp_path / "none")
    assert await disks.of(Path("/srv/one/a")) is await disks.of(Path("/b/c"))
