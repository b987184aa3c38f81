"""A worker outlives the files that were made to do harm: the same process makes the next good one ready."""

from pathlib import Path

from tests.end_to_end.service import Service
from tests.fixtures.clips import Clip, Clips
from tests.hostile.crafted import REFERRING, Lure, a_picture_that_grows, an_enormous_header, years_of_duration
from tests.hostile.through_a_worker import endings_of, mutants

MUTANTS = (2, 5, 11)
"""Two that are no videos, and one that becomes ready. What fails in others is tried again for half a minute."""


async def test_a_worker_lives_after_hostile_files_and_makes_a_good_one_ready(
    service: Service, clips: Clips, tmp_path: Path
) -> None:
    lure = Lure(clips.path(Clip.SHORT_WITH_SOUND), port=9)
    refers = tmp_path / "refers.mp4"
    refers.write_text(REFERRING["ffconcat"](lure))
    crafted = [craft(clips, tmp_path, lure) for craft in (an_enormous_header, a_picture_that_grows, years_of_duration)]
    hostile = [refers, *crafted, *mutants(clips, tmp_path, MUTANTS, (".mp4", ".mkv"))]
    worker = service.run.pids["worker"]
    counted = await endings_of(service, hostile)
    assert counted.total() == len(hostile)
    assert set(counted) <= {"ready", "invalid_media", "limit_exceeded"}, counted
    good = await service.ended(await service.upload(lure.canary))
    assert (good["status"], service.run.pids["worker"]) == ("ready", worker)
