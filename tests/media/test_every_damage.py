"""A video with a scratch is published and says so; one that can't be watched is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from contracts.errors import Encrypted, InvalidMedia
from media.damage import FRAMES_LOST, SOUND_LOST
from media.ffmpeg import Ffmpeg
from media.profile import load_profiles
from media.validate import probe
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.recipes.drawing import FLASHES
from tests.fixtures.recipes.times import FAR_APART_SECONDS
from tests.media.judges.times import beeps, flashes, frame_times
from tests.media.making import make, make_again, make_as_planned, planned, warned_of

WEB = load_profiles()["web"]


async def test_a_frame_that_is_lost_costs_a_warning(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path) -> None:
    made = await make(ffmpeg, clips.path(Clip.DAMAGED_A_LITTLE), tmp_path, WEB)
    assert len(made.warnings) == 1
    assert made.probe.duration_seconds == pytest.approx(10, abs=0.12)
    for seen_or_heard in (await flashes(ffmpeg, made.video), await beeps(ffmpeg, made.video)):
        assert seen_or_heard == pytest.approx([0.4, 3.0, 9.0], abs=0.04)


async def test_the_last_frames_may_be_lost_as_well(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path) -> None:
    made = await make(ffmpeg, clips.path(Clip.DAMAGED_AT_THE_END), tmp_path, WEB)
    assert warned_of(made.warnings) == [FRAMES_LOST]
    assert made.warnings[0].message.startswith("4 pictures of about 500 ")
    assert made.probe.duration_seconds == pytest.approx(20, abs=0.12)
    for seen_or_heard in (await flashes(ffmpeg, made.video), await beeps(ffmpeg, made.video)):
        assert seen_or_heard == pytest.approx([0.4, 3.0, 9.0], abs=0.04)


@pytest.mark.parametrize(
    ("clip", "chunk_starts"),
    [
        (Clip.DAMAGED_FOR_A_WHILE, (0, 690, 700, 710, 720)),
        (Clip.DAMAGED_FOR_A_WHILE_AT_THE_END, (0, 1980, 1990)),
    ],
    ids=["in the middle", "at the end"],
)
async def test_chunks_of_which_nothing_can_be_decoded_stand_still_and_each_lost_frame_is_told_once(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, clip: Clip, chunk_starts: tuple[int, ...]
) -> None:
    source = clips.path(clip)
    decided = replace(await planned(ffmpeg, source, WEB), chunk_starts=chunk_starts)
    made = await make_as_planned(ffmpeg, decided, source, tmp_path)
    assert [warning.code for warning in made.warnings] == [FRAMES_LOST]
    assert made.warnings[0].message.startswith("19 pictures of about 2000 ")
    assert await frame_times(ffmpeg, made.video) == pytest.approx([number / 5 for number in range(2000)])
    assert await flashes(ffmpeg, made.video) == pytest.approx([139, 145, 396])


async def test_sound_that_can_not_be_decoded_is_encoded_past_the_damage(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path
) -> None:
    made = await make_again(ffmpeg, clips.path(Clip.DAMAGED_SOUND), tmp_path, WEB)
    assert warned_of(made.warnings) == [SOUND_LOST]
    assert made.probe.duration_seconds == pytest.approx(2, abs=0.12)
    for seen_or_heard in (await flashes(ffmpeg, made.video), await beeps(ffmpeg, made.video)):
        assert seen_or_heard == pytest.approx(FLASHES, abs=0.04)


async def test_sound_that_can_not_be_decoded_to_its_end_is_silent_from_there(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path
) -> None:
    made = await make_again(ffmpeg, clips.path(Clip.DAMAGED_SOUND_AT_THE_END), tmp_path, WEB)
    assert warned_of(made.warnings) == [SOUND_LOST]
    (track,) = made.probe.audio
    assert track.survey is not None
    assert track.survey.seconds == pytest.approx(2, abs=0.12)
    assert await flashes(ffmpeg, made.video) == pytest.approx(FLASHES, abs=0.04)
    assert await beeps(ffmpeg, made.video) == pytest.approx(FLASHES[:2], abs=0.04)


async def test_damage_inside_a_copied_picture_is_found_in_the_places_that_are_decoded(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path
) -> None:
    made = await make_again(ffmpeg, clips.path(Clip.DAMAGED_IN_A_PLACE), tmp_path, WEB)
    assert warned_of(made.warnings) == [FRAMES_LOST]
    assert made.probe.duration_seconds == pytest.approx(21, abs=0.12)


async def test_too_much_damage_inside_a_copied_picture_is_refused(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path) -> None:
    with pytest.raises(InvalidMedia, match="is damaged"):
        await make_again(ffmpeg, clips.path(Clip.DAMAGED_IN_PLACES), tmp_path, WEB)


@pytest.mark.parametrize("clip", [Clip.DAMAGED_A_LOT, Clip.DAMAGED_INSIDE])
async def test_a_video_that_can_not_be_watched_is_refused(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, clip: Clip
) -> None:
    with pytest.raises(InvalidMedia):
        await make(ffmpeg, clips.path(clip), tmp_path, WEB)


async def test_an_encrypted_video_is_told_from_a_damaged_one(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path) -> None:
    with pytest.raises(Encrypted):
        await make(ffmpeg, clips.path(Clip.ENCRYPTED), tmp_path, WEB)


async def test_few_frames_that_lie_hours_apart_claim_to_be_many(ffmpeg: Ffmpeg, clips: Clips) -> None:
    source = clips.path(Clip.FAR_APART)
    found = await probe(ffmpeg, source)
    assert found.size_bytes < 4_000
    assert found.video.base_frame_rate == 60
    assert found.duration_seconds == pytest.approx(FAR_APART_SECONDS, abs=1)
