"""``rushes sweep`` says first what would go, when it is asked to."""

import re
from uuid import uuid4

from contracts.status import VideoStatus
from contracts.storage_keys import original_key
from database.engine import Database
from tests.cli.test_accounts_commands import audited
from tests.database.samples import video_in
from tests.fixtures.stack import Home


async def test_a_dry_run_tells_what_would_go_and_removes_nothing(home: Home, database_url: str) -> None:
    here = home.with_settings(DATABASE_URL=database_url, RUSHES_SWEEP_AGE_SECONDS="0.001")
    video_id = str(uuid4())
    stray = home.folder / "uploads" / original_key(video_id, ".mp4")
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x" * 2000)
    looked = await here.rushes("sweep", "--dry-run", "--all")
    assert looked.code == 0, looked
    assert f"originals/{video_id}" in looked.out
    assert "Would go: 1 (" in looked.out
    assert "storage known anew" not in looked.out + looked.err, "what is logged is not what was asked for"
    assert stray.exists()
    swept = await here.rushes("sweep", "--all")
    assert "Gone: 1 (" in swept.out, swept
    assert not stray.exists()
    assert [audited(command) for command in (looked, swept)] == [[], [("files swept",)]]


async def test_videos_whose_files_are_elsewhere_are_no_damage_but_a_wrong_setting(
    home: Home, database_url: str, database: Database
) -> None:
    here = home.with_settings(DATABASE_URL=database_url)
    await video_in(database.videos, VideoStatus.READY)
    verified, doctor = await here.rushes("verify", "--quick"), await here.rushes("doctor")
    assert verified.err.startswith(f"None of the newest videos has its files in {home.folder / 'uploads'}. Set RUSHES")
    assert re.search(r"^fail +Files +none of the newest videos has its files in", doctor.out, re.MULTILINE), doctor.out
