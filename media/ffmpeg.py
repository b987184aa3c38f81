"""What is done with ffmpeg: probe, validate, transcode, draw a thumbnail, verify.

Errors are sentences for the uploader; what ffmpeg itself said is their cause, for the operator.
"""

import asyncio
import contextlib
import errno
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

from contracts.errors import InvalidMedia, OutputMismatch, StorageFailed, TranscodeFailed, UnsupportedCodec, VideoError
from media import commands
from media.container import check_complete, declared_duration, has_index_in_front
from media.model import MediaProbe, ThumbnailPlan, TranscodePlan
from media.output_check import check_duration, check_streams
from media.plan import MediaLimits, check_limits
from media.probe import parse_probe
from media.process import ProcessFailed, ProcessResult, TooMuchOutput, run_process
from media.programs import Programs, find_programs, is_known_safe
from media.progress import ProgressReader

OnProgress = Callable[[float, float | None], None]
"""Takes ``out_time`` in seconds, and the speed as a multiple of real time or None until ffmpeg tells it."""

_NO_ROOM_EXIT_CODES: Final = frozenset(256 - number for number in (errno.ENOSPC, errno.EDQUOT))
"""ffmpeg ends with the lowest byte of its negative error number."""

_JPEG_START: Final = b"\xff\xd8\xff"
_JPEG_END: Final = b"\xff\xd9"


class Ffmpeg:
    """The ffmpeg and ffprobe that were found on this machine.

    Every method runs a program in a session of its own; cancelling the call ends the program within five seconds.

    Attributes:
        ffmpeg_path: The program.
        ffprobe_path: The program.
        version: Such as ``8.1.2``.
        is_known_safe: Whether it is a release without the known memory-safety holes; a caller that runs one that is
            not should say so.
    """

    def __init__(self, programs: Programs) -> None:
        """Use programs that ``find_programs`` has asked already."""
        self.ffmpeg_path = programs.ffmpeg
        self.ffprobe_path = programs.ffprobe
        self.version = programs.version
        self.is_known_safe = is_known_safe(programs.version)
        self._decodable_codecs = programs.decodable_codecs

    @classmethod
    async def locate(cls, ffmpeg: Path | None = None, ffprobe: Path | None = None) -> Self:
        """Find the programs: those given, else the installed wheel's, else those on the path.

        Raises:
            FfmpegMissing: One is not there, does not run, or can't encode what the profiles need.
        """
        return cls(await find_programs(ffmpeg, ffprobe))

    async def probe(self, path: Path) -> MediaProbe:
        """Read what the file holds.

        Raises:
            InvalidMedia: It is not a video file, or one that refers to other files.
            NoVideoStream: It has no picture.
            UnsupportedCodec: Its picture is in a codec without a name.
            TranscodeFailed: ffprobe was killed.
        """
        probe = await self._probe(commands.probe_command(self.ffprobe_path, path))
        declared = await asyncio.to_thread(declared_duration, path)
        return replace(probe, duration_seconds=max(probe.duration_seconds, declared), declared_seconds=declared)

    async def validate(self, path: Path, limits: MediaLimits) -> MediaProbe:
        """Decide whether the file can be processed, without reading all of it.

        Returns:
            What the file holds; sound tracks that can't be decoded are left out while there is another.

        Raises:
            InvalidMedia: It is no video, ends early, or its picture can't be decoded.
            NoVideoStream: It has no picture, or only a cover image.
            UnsupportedCodec: Picture or sound are in a codec that this ffmpeg can't decode.
            LimitExceeded: It is too long or its picture too large.
            TranscodeFailed: A program was killed; the file may be good.
            OSError: The file can't be read.
        """
        await asyncio.to_thread(check_complete, path)
        probe = await self.probe(path)
        check_limits(probe, limits)
        probe = self._without_unsupported_codecs(probe)
        reader = ProgressReader()
        command = commands.decode_frame_command(self.ffmpeg_path, path, probe.video.index)
        result = await run_process(command, on_line=reader.read_line)
        if result.return_code < 0:
            raise _interrupted() from ProcessFailed("ffmpeg", result)
        if result.return_code != 0 or reader.frames == 0:
            raise InvalidMedia(
                "No picture of the video can be decoded: the file is damaged, or ends early. Export it again and "
                "upload the new file."
            ) from ProcessFailed("ffmpeg", result)
        return probe

    async def transcode(self, plan: TranscodePlan, source: Path, target: Path, on_progress: OnProgress) -> None:
        """Write the plan's MP4 to ``target``, replacing what is there. Without success nothing is left there.

        Args:
            plan: From ``plan_transcode``.
            source: A file that ``validate`` has accepted.
            target: Of any name; the format is always MP4.
            on_progress: Called when ``out_time`` has advanced, and only then; what it raises ends the run.

        Raises:
            TranscodeFailed: ffmpeg ended with an error, or was killed.
            StorageFailed: There is no room for the output.
        """
        command = commands.transcode_command(self.ffmpeg_path, plan, source, target)
        with _nothing_left_without_success(target):
            result = await run_process(command, on_line=ProgressReader(on_progress).read_line)
            if result.return_code != 0:
                raise failure_of(result) from ProcessFailed("ffmpeg", result)

    async def thumbnail(self, plan: ThumbnailPlan, source: Path, target: Path) -> None:
        """Write the plan's JPEG to ``target``; the first frame, where the video has none at the planned time.

        Raises:
            TranscodeFailed: ffmpeg ended with an error, or was killed.
            StorageFailed: There is no room for the output.
        """
        with _nothing_left_without_success(target):
            for at_seconds in (plan.at_seconds, None):
                command = commands.thumbnail_command(self.ffmpeg_path, plan, source, target, at_seconds)
                result = await run_process(command)
                if result.return_code == 0 and _size(target) > 0:
                    return
                if result.return_code < 0:
                    break
            raise failure_of(result) from ProcessFailed("ffmpeg", result)

    async def verify(
        self, plan: TranscodePlan, source_probe: MediaProbe, target: Path, on_progress: OnProgress
    ) -> MediaProbe:
        """Check that ``target`` is what the plan asked for, and decode it from start to end.

        Args:
            plan: What was asked for.
            source_probe: Of the source, from ``validate``.
            target: The output.
            on_progress: Called as in ``transcode``, while the output is decoded.

        Returns:
            What the output holds.

        Raises:
            OutputMismatch: It is not there, not whole, or not as planned.
            InvalidMedia: It is shorter, because the source ends before the length that its header promises.
            TranscodeFailed: A program was killed; the output may be good.
        """
        output = await self._probe_output(target)
        check_streams(plan, output)
        check_duration(plan, output.duration_seconds, source_probe)
        reader = ProgressReader(on_progress)
        result = await run_process(commands.decode_command(self.ffmpeg_path, target), on_line=reader.read_line)
        if result.return_code < 0:
            raise _interrupted() from ProcessFailed("ffmpeg", result)
        if result.return_code != 0 or reader.frames == 0:
            raise OutputMismatch("The output can't be decoded from start to end.") from ProcessFailed("ffmpeg", result)
        return output

    async def verify_thumbnail(self, plan: ThumbnailPlan, target: Path) -> None:
        """Check that ``target`` is a whole JPEG of the planned size.

        Raises:
            OutputMismatch: It is not.
            TranscodeFailed: ffprobe was killed.
        """
        if not await asyncio.to_thread(_is_whole_jpeg, target):
            raise OutputMismatch("The thumbnail is not there, or not a whole JPEG.")
        with _our_own_fault():
            picture = (await self._probe(commands.probe_picture_command(self.ffprobe_path, target))).video
        if (picture.codec, picture.width, picture.height) != ("mjpeg", plan.width, plan.height):
            raise OutputMismatch(
                f"The thumbnail is {picture.codec} of {picture.width}x{picture.height} pixels instead of a JPEG of "
                f"{plan.width}x{plan.height}."
            )

    async def _probe(self, command: list[str]) -> MediaProbe:
        not_a_video = InvalidMedia(
            "The file is not a video that can be read. Export it again, as MP4, and upload the new file."
        )
        try:
            result = await run_process(command)
        except TooMuchOutput as error:
            raise not_a_video from error
        if result.return_code < 0:
            raise _interrupted() from ProcessFailed("ffprobe", result)
        if result.return_code != 0:
            raise not_a_video from ProcessFailed("ffprobe", result)
        return parse_probe(result.stdout)

    async def _probe_output(self, target: Path) -> MediaProbe:
        try:
            await asyncio.to_thread(check_complete, target)
            streams_at_once = await asyncio.to_thread(has_index_in_front, target)
        except (InvalidMedia, FileNotFoundError) as error:
            raise OutputMismatch("The output is not there, or not whole.") from error
        if not streams_at_once:
            raise OutputMismatch("The output can't be played while it loads: its index is not in front.")
        with _our_own_fault():
            return await self.probe(target)

    def _without_unsupported_codecs(self, probe: MediaProbe) -> MediaProbe:
        if probe.video.codec not in self._decodable_codecs:
            raise UnsupportedCodec(
                f"The picture is in the codec {probe.video.codec}, which can't be decoded here. Export the video as "
                "H.264 in an MP4 and upload the new file."
            )
        audio = tuple(track for track in probe.audio if track.codec in self._decodable_codecs)
        if probe.audio and not audio:
            raise UnsupportedCodec(
                f"The sound is in the codec {probe.audio[0].codec}, which can't be decoded here. Export the video with "
                "AAC sound and upload the new file."
            )
        return replace(probe, audio=audio)


def failure_of(result: ProcessResult) -> VideoError:
    """Why ffmpeg failed at writing something, in the uploader's words and by the right code."""
    if result.return_code < 0:
        return _interrupted()
    if result.return_code in _NO_ROOM_EXIT_CODES:
        return StorageFailed("There is no room left for the output. The service's disk is full.")
    return TranscodeFailed("The video could not be converted, though it could be opened. Export it again, as MP4.")


def _interrupted() -> TranscodeFailed:
    return TranscodeFailed("The program that reads the video was killed, perhaps for lack of memory.")


def _is_whole_jpeg(path: Path) -> bool:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    return content.startswith(_JPEG_START) and content.endswith(_JPEG_END)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


@contextlib.contextmanager
def _our_own_fault() -> Iterator[None]:
    """What is wrong with a file that we wrote is not the uploader's fault."""
    try:
        yield
    except TranscodeFailed:
        raise
    except VideoError as error:
        raise OutputMismatch("The output can't be read back.") from error


@contextlib.contextmanager
def _nothing_left_without_success(target: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if target.is_file():
            target.unlink(missing_ok=True)
        raise
