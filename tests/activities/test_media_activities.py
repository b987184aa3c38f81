"""The steps that run ffmpeg, one by one, on real clips."""

import asyncio
import os

import pytest
from temporalio.testing import ActivityEnvironment

from activities.create_thumbnail import CreateThumbnailActivities, CreateThumbnailInput
from activities.transcode_video import TranscodeVideoActivities, TranscodeVideoInput
from activities.validate_video import ValidateVideoActivities, ValidateVideoInput
from activities.verify_output import VerifyOutputActivities, VerifyOutputInput
from contracts.errors import InvalidMedia, NoVideoStream, OriginalMissing, OutputMismatch, UnsupportedCodec, VideoError
from contracts.processing import TranscodeProgress
from media.ffmpeg import Ffmpeg
from media.model import MediaProbe
from media.plan import MediaLimits
from tests.activities.conftest import Folders
from tests.fixtures.clips import Clip, Clips
from tests.media.processes import children_of


async def transcode(ffmpeg: Ffmpeg, folders: Folders, video_id: str, key: str, probe: MediaProbe) -> list[object]:
    """Run the activity once; returns its heartbeats."""
    environment = ActivityEnvironment()
    heartbeats: list[object] = []
    environment.on_heartbeat = lambda *details: heartbeats.extend(details)
    await environment.run(
        TranscodeVideoActivities(ffmpeg, folders.storage).transcode_video,
        TranscodeVideoInput(video_id, key, probe, "web"),
    )
    return heartbeats


@pytest.mark.parametrize(
    ("clip", "error"),
    [
        (Clip.TEXT_NAMED_MP4, InvalidMedia),
        (Clip.TRUNCATED_NO_MOOV, InvalidMedia),
        (Clip.TRUNCATED_FASTSTART, InvalidMedia),
        (Clip.FFCONCAT_NAMED_MOV, InvalidMedia),
        (Clip.M3U8_NAMED_MOV, InvalidMedia),
        (Clip.AUDIO_ONLY, NoVideoStream),
        (Clip.AV1, UnsupportedCodec),
    ],
)
async def test_validate_names_what_is_wrong_with_a_file(
    ffmpeg: Ffmpeg, clips: Clips, folders: Folders, media_limits: MediaLimits, clip: Clip, error: type[VideoError]
) -> None:
    _, key = await folders.upload(clips.path(clip))
    validate = ValidateVideoActivities(ffmpeg, folders.storage, media_limits).validate_video
    with pytest.raises(error) as caught:
        await ActivityEnvironment().run(validate, ValidateVideoInput(key))
    assert not caught.value.retryable


async def test_validate_says_so_when_the_original_is_gone(
    ffmpeg: Ffmpeg, folders: Folders, media_limits: MediaLimits
) -> None:
    validate = ValidateVideoActivities(ffmpeg, folders.storage, media_limits).validate_video
    with pytest.raises(OriginalMissing):
        await ActivityEnvironment().run(validate, ValidateVideoInput("originals/gone.mp4"))


async def test_the_media_steps_make_a_verified_video_and_thumbnail_and_do_so_again_when_run_twice(
    ffmpeg: Ffmpeg, clips: Clips, folders: Folders, media_limits: MediaLimits
) -> None:
    video_id, key = await folders.upload(clips.path(Clip.SHORT_WITH_SOUND))
    validate = ValidateVideoActivities(ffmpeg, folders.storage, media_limits).validate_video
    thumbnail = CreateThumbnailActivities(ffmpeg, folders.storage).create_thumbnail
    verify = VerifyOutputActivities(ffmpeg, folders.storage).verify_output
    for _ in range(2):
        probe = (await ActivityEnvironment().run(validate, ValidateVideoInput(key))).probe
        heartbeats = await transcode(ffmpeg, folders, video_id, key, probe)
        picture = await ActivityEnvironment().run(thumbnail, CreateThumbnailInput(video_id, key, probe, "web"))
        output = await ActivityEnvironment().run(verify, VerifyOutputInput(video_id, probe, "web"))
        assert folders.scratch_files(video_id) == ["thumbnail.jpg", "video.mp4"]
        assert (picture.width, picture.height) == (output.width, output.height) == (320, 240)
        assert output.duration_seconds == pytest.approx(2, abs=0.1)
        assert heartbeats


async def test_heartbeats_are_sent_only_when_the_output_has_grown(
    ffmpeg: Ffmpeg, clips: Clips, folders: Folders
) -> None:
    video_id, key = await folders.upload(clips.path(Clip.LONG_1080P))
    heartbeats = await cancelled_after(4, ffmpeg, folders, video_id, key)
    times = [beat.out_time_seconds for beat in heartbeats]
    assert times == sorted(set(times))
    assert all(0 < beat.fraction <= 1 for beat in heartbeats)


async def test_a_cancelled_transcode_kills_ffmpeg_within_5_seconds_and_leaves_no_part_file(
    ffmpeg: Ffmpeg, clips: Clips, folders: Folders
) -> None:
    before = children_of(os.getpid())
    video_id, key = await folders.upload(clips.path(Clip.LONG_1080P))
    await cancelled_after(1, ffmpeg, folders, video_id, key)
    assert children_of(os.getpid()) <= before
    assert folders.scratch_files(video_id) == []


async def cancelled_after(
    beats: int, ffmpeg: Ffmpeg, folders: Folders, video_id: str, key: str
) -> list[TranscodeProgress]:
    """Transcode until so many heartbeats were sent, then cancel; fails unless it has stopped within 5 s."""
    probe = await ffmpeg.probe(folders.uploads / key)
    environment = ActivityEnvironment()
    heartbeats: list[TranscodeProgress] = []
    enough = asyncio.Event()

    def keep(progress: TranscodeProgress) -> None:
        heartbeats.append(progress)
        if len(heartbeats) == beats:
            enough.set()

    environment.on_heartbeat = keep
    before = children_of(os.getpid())
    running = asyncio.create_task(
        environment.run(
            TranscodeVideoActivities(ffmpeg, folders.storage).transcode_video,
            TranscodeVideoInput(video_id, key, probe, "web"),
        )
    )
    async with asyncio.timeout(60):
        await enough.wait()
    assert children_of(os.getpid()) - before, "ffmpeg runs as a child of this process"
    environment.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await running
    return heartbeats


async def test_verify_refuses_an_output_that_is_not_the_plan_s(ffmpeg: Ffmpeg, clips: Clips, folders: Folders) -> None:
    video_id, key = await folders.upload(clips.path(Clip.SHORT_WITH_SOUND))
    probe = await ffmpeg.probe(folders.uploads / key)
    await transcode(ffmpeg, folders, video_id, key, probe)
    other = await ffmpeg.probe(clips.path(Clip.ODD_SIZE))
    with pytest.raises(OutputMismatch):
        await ActivityEnvironment().run(
            VerifyOutputActivities(ffmpeg, folders.storage).verify_output, VerifyOutputInput(video_id, other, "web")
        )


async def test_a_short_step_gives_signs_of_life(
    ffmpeg: Ffmpeg, clips: Clips, folders: Folders, media_limits: MediaLimits
) -> None:
    _, key = await folders.upload(clips.path(Clip.SHORT_WITH_SOUND))
    environment = ActivityEnvironment()
    beats: list[object] = []
    environment.on_heartbeat = lambda *details: beats.append(details)
    validate = ValidateVideoActivities(ffmpeg, folders.storage, media_limits).validate_video
    await environment.run(validate, ValidateVideoInput(key))
    assert beats
