"""The steps that run ffmpeg, on real clips: what they make, what they refuse."""

import hashlib
from collections import Counter
from dataclasses import replace

import pytest
from temporalio.testing import ActivityEnvironment

from activities.validate_video import ValidateVideoActivities, ValidateVideoInput
from contracts.errors import (
    InvalidMedia,
    NoVideoStream,
    OriginalMissing,
    OutputMismatch,
    UnknownProfile,
    VideoError,
    WorkMissing,
)
from media.ffmpeg import Ffmpeg
from media.plan import StreamAction
from tests.activities.conftest import Folders
from tests.activities.studio import LIMITS, PROFILE, Studio
from tests.fixtures.clips import Clip, Clips


async def studio_of(ffmpeg: Ffmpeg, folders: Folders, clips: Clips, clip: Clip) -> Studio:
    video_id, key = await folders.upload(clips.path(clip))
    return Studio(ffmpeg, folders, video_id, key)


@pytest.mark.parametrize(
    ("clip", "error"),
    [
        (Clip.TEXT_NAMED_MP4, InvalidMedia),
        (Clip.TRUNCATED_NO_MOOV, InvalidMedia),
        (Clip.FFCONCAT_NAMED_MOV, InvalidMedia),
        (Clip.M3U8_NAMED_MOV, InvalidMedia),
        (Clip.AUDIO_ONLY, NoVideoStream),
    ],
)
async def test_validate_names_what_is_wrong_with_a_file(
    ffmpeg: Ffmpeg, clips: Clips, folders: Folders, clip: Clip, error: type[VideoError]
) -> None:
    studio = await studio_of(ffmpeg, folders, clips, clip)
    with pytest.raises(error) as caught:
        await studio.plan()
    assert not caught.value.retryable


async def test_validate_says_so_when_the_original_or_the_profile_is_gone(ffmpeg: Ffmpeg, folders: Folders) -> None:
    validate = ValidateVideoActivities(ffmpeg, folders.storage, LIMITS, {"web": PROFILE}).validate_video
    await folders.storage.check()
    with pytest.raises(OriginalMissing):
        await ActivityEnvironment().run(validate, ValidateVideoInput("originals/gone.mp4", "web"))
    with pytest.raises(UnknownProfile, match="there are web"):
        await ActivityEnvironment().run(validate, ValidateVideoInput("originals/gone.mp4", "film"))


@pytest.mark.parametrize("encoded", [False, True], ids=["copied", "encoded in chunks"])
async def test_the_steps_make_a_verified_video_and_thumbnail_and_the_same_again_when_taken_twice(
    ffmpeg: Ffmpeg, clips: Clips, folders: Folders, *, encoded: bool
) -> None:
    studio = await studio_of(ffmpeg, folders, clips, Clip.FRAGMENTED)
    results, files = [], []
    for _ in range(2):
        plan = await studio.plan()
        assert plan.picture.action is StreamAction.COPY
        plan = plan.encoding_what_was_copied() if encoded else plan
        joined = await studio.make(plan)
        results.append((joined, await studio.verify(plan, joined), await studio.thumbnail(plan)))
        files.append(studio.work_files())
    assert results[0] == results[1]
    assert files[0] == files[1]
    parts = {"chunk": len(plan.chunks), "sound": 1} if encoded else {}
    assert Counter(name.partition("-")[0] for name in files[0]) == {"video": 1, "thumbnail": 1} | parts
    joined, output, drawn = results[0]
    assert joined.frames == (plan.picture.encoding.frames if encoded else 150)
    assert (output.width, output.height) == (320, 240)
    assert output.duration_seconds == pytest.approx(6, abs=0.1)
    for file, sha256 in ((joined.file, output.sha256), (drawn.file, drawn.sha256)):
        content = studio.work_path(file).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size_bytes, sha256)
    assert studio.parts() == []


async def test_frames_of_which_several_chunks_tell_are_told_once_by_the_join(
    ffmpeg: Ffmpeg, clips: Clips, folders: Folders
) -> None:
    studio = await studio_of(ffmpeg, folders, clips, Clip.DAMAGED_FOR_A_WHILE)
    plan = replace(await studio.plan(), chunk_starts=(0, 700, 710))
    chunks = tuple([await studio.encode_chunk(plan, chunk) for chunk in plan.chunks])
    assert sum(chunk.lost_frames for chunk in chunks) > 2 * 19
    (warning,) = (await studio.join(plan, chunks)).warnings
    assert warning.message.startswith("19 pictures of about 2000 ")


async def test_a_join_whose_chunk_or_sound_is_gone_says_so(ffmpeg: Ffmpeg, clips: Clips, folders: Folders) -> None:
    studio = await studio_of(ffmpeg, folders, clips, Clip.SHORT_WITH_SOUND)
    plan = (await studio.plan()).encoding_what_was_copied()
    (chunk,) = plan.chunks
    encoded, sound = await studio.encode_chunk(plan, chunk), await studio.encode_sound(plan)
    for gone in (encoded.file, sound.file):
        await folders.storage.delete(gone.key)
        with pytest.raises(WorkMissing):
            await studio.join(plan, (encoded,), sound.file)
        await studio.encode_chunk(plan, chunk)
    assert not [name for name in studio.work_files() if name.startswith("video")]
    assert studio.parts() == []


async def test_chunks_of_different_encoders_are_not_joined(ffmpeg: Ffmpeg, clips: Clips, folders: Folders) -> None:
    studio = await studio_of(ffmpeg, folders, clips, Clip.FRAGMENTED)
    plan = (await studio.plan()).encoding_what_was_copied()
    first, *others = [await studio.encode_chunk(plan, chunk) for chunk in plan.chunks]
    with pytest.raises(OutputMismatch):
        await studio.join(plan, (replace(first, parameters="of another encoder"), *others))


async def test_verify_refuses_an_output_that_is_not_the_plan_s(ffmpeg: Ffmpeg, clips: Clips, folders: Folders) -> None:
    studio = await studio_of(ffmpeg, folders, clips, Clip.SHORT_WITH_SOUND)
    other = await studio_of(ffmpeg, folders, clips, Clip.FRAGMENTED)
    joined = await studio.make(await studio.plan())
    with pytest.raises(OutputMismatch):
        await studio.verify(await other.plan(), joined)
    await folders.storage.delete(joined.file.key)
    with pytest.raises(WorkMissing):
        await studio.verify(await studio.plan(), joined)
