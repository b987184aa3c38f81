"""What is published has the very packets that were decided on and nothing else, and plays while it loads."""

import re
import stat
import struct
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from contracts.errors import OutputMismatch, StorageFailed
from media.container import has_index_in_front
from media.ffmpeg import Ffmpeg
from media.join import StreamHash, join_streams
from media.join_command import index_bytes
from media.model import MediaProbe
from media.plan import TranscodePlan
from media.process import run_process
from media.verify import verify_output
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.recipes.drawing import AAC, H264, beeps, card
from tests.media.judges.decoding import told
from tests.media.judges.times import beeps as beeps_heard
from tests.media.judges.times import flashes
from tests.media.making import make, planned
from tests.media.probing import WEB, a_profile

# ruff: noqa: ASYNC240  small files, and nothing else runs on the loop of a test


@dataclass(frozen=True)
class Joined:
    """A copied video, put together but not verified yet."""

    ffmpeg: Ffmpeg
    plan: TranscodePlan
    went_in: StreamHash
    video: Path

    @property
    def packets(self) -> tuple[int, int]:
        assert self.plan.sound is not None
        return self.plan.picture.packets, self.plan.sound.packets

    async def verify(self) -> MediaProbe:
        return await verify_output(self.ffmpeg, self.plan, self.went_in, self.packets, self.video)


async def copied(
    ffmpeg: Ffmpeg,
    source: Path,
    folder: Path,
    *,
    size_bytes: int = 0,
    whole: Path | None = None,
    chunks: tuple[Path, ...] = (),
) -> Joined:
    """Joined by the plan of the source, or of ``whole``. Chunks are listed, and used for what is encoded."""
    decided, video = await planned(ffmpeg, whole or source, WEB), folder / "video.mp4.part"
    assert decided.in_words == "picture copied, sound copied"
    assert decided.sound is not None
    packets = (decided.picture.packets, decided.sound.packets)
    went_in = await join_streams(
        ffmpeg, decided, video, source=source, chunks=chunks, sound=None, size_bytes=size_bytes, packets=packets
    )
    return Joined(ffmpeg, decided, went_in, video)


async def packets_of(ffmpeg: Ffmpeg, path: Path, stream: str) -> str:
    return await told(ffmpeg, "-i", f"file:{path}", "-map", f"0:{stream}", "-c", "copy", "-f", "md5", "-")


@pytest.mark.parametrize(
    "name", [Clip.CARD, Clip.H264_MKV, Clip.H264_OPEN_GOP, Clip.H264_FRAGMENTED, Clip.STARTS_LATE_MOV, Clip.TURNED_90]
)
async def test_what_is_copied_is_the_same_to_the_byte(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, name: Clip) -> None:
    joined = await copied(ffmpeg, clips.path(name), tmp_path)
    await joined.verify()
    for stream in ("v:0", "a:0"):
        assert await packets_of(ffmpeg, joined.video, stream) == await packets_of(ffmpeg, clips.path(name), stream)
    assert [path.name for path in tmp_path.iterdir()] == ["video.mp4.part"]


async def test_chunks_and_sound_are_joined_in_a_folder_of_any_name(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path
) -> None:
    source, folder = tmp_path / "source.mkv", tmp_path / "it's a 'folder' # 1"
    folder.mkdir()
    flashes_at = (0.4, 2.0, 4.0)
    clips.draw(source, *card(5, flashes=flashes_at), *beeps(5, flashes=flashes_at), "-c:v", "mpeg4", "-c:a", "flac")
    made = await make(
        ffmpeg, source, folder, a_profile(gop_seconds=1.0, chunk_seconds=2.0, chunk_threshold_seconds=2.0)
    )
    assert len(made.plan.chunks) > 1
    assert made.probe.video.survey is not None
    assert made.probe.video.survey.packets == 125
    assert await flashes(ffmpeg, made.video) == pytest.approx(list(flashes_at), abs=0.001)
    assert await beeps_heard(ffmpeg, made.video) == pytest.approx(list(flashes_at), abs=0.04)


@pytest.mark.parametrize("codec", [H264, ("-c:v", "mpeg4")], ids=["copied", "encoded"])
async def test_nothing_of_the_sources_metadata_is_published(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, codec: tuple[str, ...]
) -> None:
    source = tmp_path / "tagged.mp4"
    where = ("-metadata", "location=+52.5200+013.4050/", "-movflags", "use_metadata_tags")
    streams = ("-map", "0:v", "-map", "0:a", "-map", "0:s")
    other = ("-c:s", "copy", "-map_chapters", "0", "-map_metadata", "0")
    clips.draw(source, "-i", str(clips.path(Clip.TAGGED)), *streams, *codec, "-c:a", "copy", *other, *where)
    secrets = (b"Secret title", b"Secret place", b"Secret chapter", b"Hello", b"+52.5200")
    for secret in secrets:
        assert secret in source.read_bytes()
    made = await make(ffmpeg, source, tmp_path, WEB)
    content = made.video.read_bytes() + made.thumbnail.read_bytes()
    for secret in (*secrets, b"Secret"):
        assert secret not in content
    show = [str(ffmpeg.ffprobe_path), "-v", "error", "-show_entries", "stream=codec_type:chapter=id", "-of", "csv=p=0"]
    assert (await run_process([*show, str(made.video)])).stdout.split() == ["video", "audio"]


async def test_a_large_file_gets_its_index_in_front_without_being_written_twice(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path
) -> None:
    joined = await copied(ffmpeg, clips.path(Clip.H264_B_FRAMES), tmp_path, size_bytes=2**30)
    await joined.verify()
    assert has_index_in_front(joined.video)
    assert b"free" in joined.video.read_bytes()[: index_bytes(joined.packets) + 100], "the room that was left"


async def test_the_room_that_is_left_is_enough_for_the_index_of_any_packets(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path
) -> None:
    source = tmp_path / "varies.mp4"
    varies = ("-vf", "setpts='(N+0.3*sin(N*1.7))/50/TB'", "-fps_mode", "passthrough", "-g", "1", "-bf", "0")
    clips.draw(source, *card(60, "50", size=(64, 48)), *beeps(60), *H264, *varies, *AAC, "-frag_duration", "1")
    joined = await copied(ffmpeg, source, tmp_path)
    assert (await joined.verify()).video.survey is not None
    assert _index_size(joined.video) < index_bytes(joined.packets) - 60_000, "the rest is for what is no table"


@pytest.mark.parametrize(
    ("picture", "sound", "words", "decoded"),
    [
        (("-c:v", "mpeg4"), AAC, "encoded (it is mpeg4, not h264), in 8 chunks, sound copied", 3 * 100),
        (H264, AAC, "copied, sound copied", 3 * 100),
        (H264, ("-c:a", "mp3"), "copied, sound encoded (it is mp3, not AAC-LC)", 0),
    ],
    ids=["picture encoded", "both copied", "sound encoded"],
)
async def test_of_long_copied_sound_only_places_are_decoded_whatever_the_picture_is(
    ffmpeg: Ffmpeg,
    clips: Clips,
    tmp_path: Path,
    picture: tuple[str, ...],
    sound: tuple[str, ...],
    words: str,
    decoded: int,
) -> None:
    source, script, commands = tmp_path / "source.mp4", tmp_path / "ffmpeg", tmp_path / "commands"
    clips.draw(source, *card(40, size=(64, 48)), *beeps(40), *picture, *sound)
    script.write_text(f'#!/bin/sh\necho "$@" >>"{commands}"\nexec "{ffmpeg.ffmpeg_path}" "$@"\n')
    script.chmod(stat.S_IRWXU)
    made = await make(await Ffmpeg.locate(script, ffmpeg.ffprobe_path), source, tmp_path, WEB)
    assert made.plan.in_words == f"picture {words}"
    verify = commands.read_text().splitlines()[-1]
    assert sum(map(int, re.findall(r"-frames:a (\d+)", verify))) == decoded


async def test_wrong_bytes_in_copied_sound_are_found_beside_an_encoded_picture(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path
) -> None:
    source = tmp_path / "source.mkv"
    noise = ("-bsf:a", "noise=amount='if(between(n,640,660),1,0)'")
    clips.draw(tmp_path / "whole.mkv", *card(40, size=(64, 48)), *beeps(40), "-c:v", "mpeg4", *AAC)
    clips.draw(source, "-i", str(tmp_path / "whole.mkv"), "-c", "copy", *noise)
    with pytest.raises(OutputMismatch, match="can't be decoded everywhere"):
        await make(ffmpeg, source, tmp_path, WEB)


def _index_size(video: Path) -> int:
    content = video.read_bytes()
    start = content.index(b"moov") - 4
    return int(struct.unpack(">I", content[start : start + 4])[0])


@pytest.mark.parametrize("name", ["video.mp4.part", "video.mp4.part.list"])
async def test_a_full_disk_is_the_storages_failure_and_leaves_nothing(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).symlink_to("/dev/full")
    source = clips.path(Clip.CARD)
    with pytest.raises(StorageFailed):
        await copied(ffmpeg, source, tmp_path, chunks=(source,))
    assert list(tmp_path.iterdir()) == []


async def test_an_output_that_is_not_whole_is_found_out(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path) -> None:
    joined = await copied(ffmpeg, clips.path(Clip.CARD), tmp_path)
    whole = joined.video.read_bytes()
    middle = len(whole) * 3 // 4
    for content, why in (
        (whole[:middle], "not whole"),
        (whole[:middle] + bytes(500) + whole[middle + 500 :], "decoded|packets that were put into it"),
        (clips.path(Clip.SHORT_WITH_SOUND).read_bytes(), "index is not in front"),
        (b"", "not whole"),
        (b"a text", "index is not in front"),
    ):
        joined.video.write_bytes(content)
        with pytest.raises(OutputMismatch, match=why):
            await joined.verify()
    joined.video.unlink()
    with pytest.raises(OutputMismatch, match="not there"):
        await joined.verify()


@pytest.mark.parametrize(
    ("filters", "why"),
    [
        (("-c", "copy"), None),
        (("-c:v", "copy", "-c:a", "aac", "-b:a", "64k"), "not the packets"),
        (("-c:a", "copy", *H264, "-crf", "30"), "not the packets"),
        (("-c", "copy", "-t", "1.9"), "packets instead of"),
        (("-c", "copy", "-an"), "number of sound tracks|decoded everywhere"),
    ],
)
async def test_another_output_is_found_out(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, filters: tuple[str, ...], why: str | None
) -> None:
    joined = await copied(ffmpeg, clips.path(Clip.CARD), tmp_path)
    other = tmp_path / "other.mp4"
    clips.draw(other, "-i", str(joined.video), *filters, "-movflags", "+faststart")
    foreign = replace(joined, video=other)
    if why is None:
        await foreign.verify()
    else:
        with pytest.raises(OutputMismatch, match=why):
            await foreign.verify()


async def test_sound_that_is_a_tenth_of_a_second_late_is_found_out(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path
) -> None:
    joined = await copied(ffmpeg, clips.path(Clip.CARD), tmp_path)
    late = tmp_path / "late.mp4"
    inputs = ("-i", str(joined.video), "-itsoffset", "0.1", "-i", str(joined.video))
    clips.draw(late, *inputs, "-map", "0:v", "-map", "1:a", "-c", "copy", "-movflags", "+faststart")
    with pytest.raises(OutputMismatch, match=r"sound begins at 0\.\d+ s instead of 0\.000 s"):
        await replace(joined, video=late).verify()


async def test_a_copy_whose_packets_are_damaged_is_not_passed(ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path) -> None:
    damaged = clips.path(Clip.DAMAGED_A_LITTLE)
    whole = damaged.with_stem(f"{damaged.stem}_whole")
    await (await copied(ffmpeg, whole, tmp_path)).verify()
    with pytest.raises(OutputMismatch, match="can't be decoded everywhere"):
        await (await copied(ffmpeg, damaged, tmp_path, whole=whole)).verify()
