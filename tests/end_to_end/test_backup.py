"""A dump and a copy of the files make the service anew, also for what is in mid-run and Temporal knows nothing of."""

import asyncio
import os
import secrets
import shutil
import signal
from pathlib import Path

import pytest

from storage.marking import OWNER
from tests.end_to_end.conftest import serving, with_everything_allowed
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.stack import Home
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)


async def done(home: Home, *command: str) -> str:
    """What a ``rushes`` command says that succeeds."""
    ended = await home.rushes(*command)
    assert ended.code == 0, ended
    return ended.out


async def test_what_a_backup_holds_plays_again_in_an_empty_stack_and_what_was_in_mid_run_is_made(
    tmp_path: Path, clips: Clips
) -> None:
    before, after = (with_everything_allowed(tmp_path / name) for name in ("before", "after"))
    dump, files = tmp_path / "rows.dump", tmp_path / "files"
    async with serving(before.with_settings(RUSHES_MEDIA_SLOTS="1")) as service:
        ready = await service.upload(clips.path(Clip.SHORT_WITH_SOUND))
        played = await service.ended(ready)
        content = (await service.http.get(played["url_mp4"])).content
        worker = service.run.pids["worker"]
        on_its_way = await service.upload(clips.path(Clip.LONG_540P))
        await service.encoding(on_its_way)
        os.kill(worker, signal.SIGSTOP)
        assert "rows.dump" in await done(before, "database", "dump", str(dump))
        came_later = await service.upload(clips.path(Clip.SHORT_WITH_SOUND))
        await asyncio.to_thread(shutil.copytree, service.run.uploads, files)
        os.kill(worker, signal.SIGCONT)
    (files / OWNER).write_text(secrets.token_hex(16))  # the clusters of tests are copies of one, and so the same

    async with serving(after) as service:
        await asyncio.to_thread(shutil.copytree, files, service.run.uploads, dirs_exist_ok=True)
        await done(after, "database", "restore", str(dump))
        owners = [(Path(place) / OWNER).read_text().strip() for place in (files, service.run.uploads)]
        assert owners[0] != owners[1], "the files that were brought along are the new database's"
        await done(after, "migrate")
        row = await service.row(ready)
        assert (await service.http.get(row["url_mp4"])).content == content
        made = await service.ended(on_its_way, within_seconds=100)
        assert made["status"] == "ready", "though the history of its run is gone"
        found = await after.rushes("verify")
        assert found.code == 1, found
        assert f"originals/{came_later}.mp4  too much: there is no such video, but it came " in found.out
        assert "Videos compared: 2. Wrong: 1." in found.out

        uploads = Path(service.run.uploads)
        (uploads / "processed" / ready / "video.mp4").write_bytes(b"damaged")
        picture = uploads / "processed" / ready / "thumbnail.jpg"
        picture.write_bytes(bytes(picture.stat().st_size))
        (uploads / "originals" / f"{on_its_way}.mp4").unlink()
        found = await after.rushes("verify", "--repair")
        assert found.code == 1, found
        assert f"processed/{ready}/video.mp4  another size: is being made again" in found.out
        assert f"processed/{ready}/thumbnail.jpg  another content: is being made again" in found.out
        assert f"originals/{on_its_way}.mp4  missing: it can't be made again" in found.out
        assert (await service.row(ready))["status"] == "ready", "what is left is served meanwhile"
        repaired = await eventually(
            lambda: service.row(ready), lambda row: row["published_edition"] == 2, within_seconds=90
        )
        assert repaired["status"] == "ready"
        assert f"processed/{ready}" not in (await after.rushes("verify")).out
        assert len((await service.http.get(row["url_mp4"])).content) == len(content)
