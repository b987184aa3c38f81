"""Is a file a video that can be processed, and what is in it? Reads it once, to its end, without decoding it."""

import re
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path
from typing import Final, TypeVar

from contracts.durations import duration_text
from contracts.errors import (
    Encrypted,
    InvalidMedia,
    LimitExceeded,
    NoVideoStream,
    TranscodeFailed,
    UnsupportedCodec,
    VideoError,
)
from media import commands
from media.container import check_complete, declared_duration, has_encrypted_track
from media.encryption import says_that_it_is_encrypted
from media.ffmpeg import Ffmpeg, raise_if_killed
from media.limits import MediaLimits, check_limits
from media.looking import looked_into
from media.model import AudioStream, MediaProbe, VideoStream
from media.output_check import duration_tolerance
from media.planning import end_of, taken_seconds, taken_streams
from media.probe import NEEDS_A_KEY, parse_probe
from media.process import ProcessFailed, ProcessResult, TooMuchOutput
from media.progress import OnRead
from media.sandbox import LOOKING_SECONDS, Access
from media.survey import Surveyor
from media.together import together
from threads.files import off_loop

_SEVERAL: Final = 2
_PACKETS_A_REPORT: Final = 500
_CLOCK_IN_PACKETS: Final = frozenset({"mpegts", "mpeg"})
"""Transport and program streams. An edit list of an MP4 may show a part twice, and that is meant."""

_TOO_MANY_STREAMS: Final = "exceeds max_streams"
_REFUSED_SIZE: Final = re.compile(r"Picture size ([1-9]\d*x[1-9]\d*) (?:exceeds|is invalid)")
_NOT_A_VIDEO: Final = "The file is not a video that can be read. Export it again, as MP4, and upload the new file."

_Stream = TypeVar("_Stream", VideoStream, AudioStream)


async def validate(ffmpeg: Ffmpeg, path: Path, limits: MediaLimits, on_read: OnRead | None = None) -> MediaProbe:
    """Decide whether the file can be processed: read its header and every packet, decode one frame.

    Args:
        ffmpeg: The programs.
        path: The file.
        limits: What is accepted.
        on_read: Called now and then.

    Returns:
        What the file holds, its packets surveyed; sound tracks that can't be decoded are left out while there is
        another.

    Raises:
        InvalidMedia: It is no video, ends early, or its picture can't be decoded.
        NoVideoStream: It has no picture, or only a cover image.
        Encrypted: It can't be read without a key.
        UnsupportedCodec: Picture or sound are in a codec that this ffmpeg can't decode.
        LimitExceeded: It is too long or its picture too large, or looking into it takes too much memory.
        TranscodeFailed: A program was killed, or the file could not be read twice in the same way; it may be good.
        OSError: The file can't be read.
    """
    await off_loop(check_complete, path)
    if await off_loop(has_encrypted_track, path):
        raise Encrypted(NEEDS_A_KEY)
    try:
        return await looked_into(ffmpeg, path, partial(_validate, path=path, limits=limits, on_read=on_read))
    except (InvalidMedia, NoVideoStream, UnsupportedCodec) as unreadable:
        if await off_loop(says_that_it_is_encrypted, path):
            raise Encrypted(NEEDS_A_KEY) from unreadable
        raise


async def _validate(ffmpeg: Ffmpeg, path: Path, limits: MediaLimits, on_read: OnRead | None) -> MediaProbe:
    async with together() as group:
        surveying = group.create_task(_read_packets(ffmpeg, path, limits.max_duration_seconds, on_read))
        probed = await probe(ffmpeg, path)
        check_limits(probed, limits)
        probed = _without_unsupported_codecs(ffmpeg, probed)
        taking_apart = group.create_task(_take_packets_apart(ffmpeg, path, probed))
        group.create_task(_decode_frame(ffmpeg, path, probed))
    surveyed = await _surveyed(ffmpeg, path, probed, surveying.result(), limits.max_duration_seconds)
    _check_clock(surveyed)
    check_limits(surveyed, limits)
    await _check_length(ffmpeg, path, probed, surveyed, limits)
    return replace(surveyed, video=replace(taking_apart.result(), survey=surveyed.video.survey))


async def probe(ffmpeg: Ffmpeg, path: Path) -> MediaProbe:
    """Read what the file says that it holds.

    Raises:
        InvalidMedia: It is not a video file, or one that refers to other files.
        NoVideoStream: It has no picture.
        Encrypted: It can't be read without a key.
        UnsupportedCodec: Its picture is in a codec without a name.
        LimitExceeded: It has too many tracks, or its picture is too large to be looked at.
        TranscodeFailed: ffprobe was killed.
    """
    header = await _read_header(ffmpeg, path)
    try:
        probed = parse_probe(header.stdout)
    except VideoError as error:
        # A picture that is not decoded for its size leaves no size behind.
        if (refused := _REFUSED_SIZE.search(header.stderr_tail)) is not None:
            raise LimitExceeded(
                f"The picture is {refused[1]} pixels, more than are accepted. Export it smaller and upload the new "
                "file."
            ) from error
        raise
    declared = await off_loop(declared_duration, path)
    return replace(probed, duration_seconds=max(probed.duration_seconds, declared), declared_seconds=declared)


async def _read_header(ffmpeg: Ffmpeg, path: Path) -> ProcessResult:
    """Twice, before the file is blamed: a disk or network may hiccup."""
    command = commands.probe_command(ffmpeg.ffprobe_path, path)
    access = Access(reads=(path,), seconds=LOOKING_SECONDS)
    try:
        result = await ffmpeg.read(command, access)
        if result.return_code != 0:
            result = await ffmpeg.read(command, access)
    except TooMuchOutput as error:
        raise InvalidMedia(_NOT_A_VIDEO) from error
    raise_if_killed("ffprobe", result)
    if _TOO_MANY_STREAMS in result.stderr_tail:
        raise LimitExceeded(
            f"The file has more than {commands.MOST_STREAMS} tracks. Export it with picture and sound alone and upload "
            "the new file."
        ) from ProcessFailed("ffprobe", result)
    if result.return_code != 0:
        raise InvalidMedia(_NOT_A_VIDEO) from ProcessFailed("ffprobe", result)
    return result


async def survey(
    ffmpeg: Ffmpeg, path: Path, probed: MediaProbe, on_read: OnRead | None = None, *, believed_seconds: float = inf
) -> MediaProbe:
    """The probe, with what every packet of the file tells; ``on_read`` is called now and then.

    Args:
        ffmpeg: The programs.
        path: The file.
        probed: What it says that it holds.
        on_read: Called now and then.
        believed_seconds: No track is taken to be longer when its packets are counted.

    Raises:
        InvalidMedia: The picture has no packet.
        LimitExceeded: It has more packets than anybody looks at.
        TranscodeFailed: ffprobe was killed.
    """
    surveyor = await _read_packets(ffmpeg, path, believed_seconds, on_read)
    return await _surveyed(ffmpeg, path, probed, surveyor, believed_seconds)


async def _read_packets(ffmpeg: Ffmpeg, path: Path, believed_seconds: float, on_read: OnRead | None = None) -> Surveyor:
    surveyor = Surveyor(believed_seconds)
    size_bytes = (await off_loop(path.stat)).st_size

    def read_line(line: str) -> None:
        surveyor.read_line(line)
        if on_read is not None and surveyor.packets % _PACKETS_A_REPORT == 0:
            on_read(surveyor.size_bytes, size_bytes)

    command = commands.survey_command(ffmpeg.ffprobe_path, path)
    result = await ffmpeg.read(command, Access(reads=(path,)), on_line=read_line)
    raise_if_killed("ffprobe", result)
    return surveyor


async def _surveyed(
    ffmpeg: Ffmpeg, path: Path, probed: MediaProbe, surveyor: Surveyor, believed_seconds: float
) -> MediaProbe:
    """The probe with its packets; where a track has none they are read again, before the file is blamed."""
    if None in map(surveyor.survey, (probed.video.index, *(track.index for track in probed.audio))):
        surveyor = await _read_packets(ffmpeg, path, believed_seconds)

    def surveyed(stream: _Stream) -> _Stream:
        return replace(stream, survey=surveyor.survey(stream.index))

    if surveyor.survey(probed.video.index) is None:
        raise InvalidMedia("The file has a picture track without any picture. Export it again and upload the new file.")
    # A track that is announced and never comes is no track.
    audio = tuple(track for track in map(surveyed, probed.audio) if track.survey is not None)
    return replace(probed, video=surveyed(probed.video), audio=audio)


def _check_clock(surveyed: MediaProbe) -> None:
    """Times that come twice say nothing of what is shown when; a player guesses, and an encoder drops a part."""
    survey = surveyed.video.survey
    if survey is not None and survey.restarts and surveyed.container_names & _CLOCK_IN_PACKETS:
        raise InvalidMedia(
            "The file's clock starts anew in the middle, as where recordings were put one behind the other. Export it "
            "as one MP4 and upload the new file."
        )


async def _take_packets_apart(ffmpeg: Ffmpeg, path: Path, probed: MediaProbe) -> VideoStream:
    """The picture, with what stands within its H.264 packets; the parameter sets of an MP4 stand apart, in its header.

    Nothing is decoded, so damage within a slice is not found; packets that can't be taken apart are.
    """
    video = probed.video
    if video.codec != "h264" or not video.length_prefixed:
        return video
    sets: set[str] = set()
    broken = False

    def read_line(line: str) -> None:
        if line and not line.startswith("#") and len(sets) < _SEVERAL:
            sets.add(line.rpartition(",")[2])

    def read_complaint(line: str) -> None:
        nonlocal broken
        broken |= "filter_units" in line

    command = commands.parameter_sets_command(ffmpeg.ffmpeg_path, path, video.index)
    result = await ffmpeg.read(command, Access(reads=(path,)), on_line=read_line, on_complaint=read_complaint)
    raise_if_killed("ffmpeg", result)
    # The same sets before each keyframe, as some cameras write them, change nothing.
    return replace(video, new_parameters=len(sets) >= _SEVERAL, broken_packets=broken or result.return_code != 0)


async def _decode_frame(ffmpeg: Ffmpeg, path: Path, probed: MediaProbe) -> None:
    """Twice, before the file is blamed: a disk or network may hiccup."""
    command = commands.decode_frame_command(ffmpeg.ffmpeg_path, path, probed.video.index)
    for last_try in (False, True):
        result, advance = await ffmpeg.run(command, Access(reads=(path,), seconds=LOOKING_SECONDS))
        if result.return_code == 0 and advance.frames > 0:
            return
        if not last_try:
            continue
        raise InvalidMedia(
            "No picture of the video can be decoded: the file is damaged, or ends early. Export it again and "
            "upload the new file."
        ) from ProcessFailed("ffmpeg", result)


async def _check_length(
    ffmpeg: Ffmpeg, path: Path, probed: MediaProbe, surveyed: MediaProbe, limits: MediaLimits
) -> None:
    """Hold what the header promises against the packets that came; read a second time before the file is blamed.

    A disk or network that hiccups ends a file early as well, and ffmpeg then says that all went well.
    """
    promised, held = _promised_seconds(probed), taken_seconds(surveyed)
    # Matroska tells when it ends instead of how long it is, so one that begins late promises more than it holds.
    reached = max(held, *(end_of(stream, surveyed) for stream in taken_streams(surveyed)))
    if reached >= promised - duration_tolerance(promised):
        return
    again = taken_seconds(await survey(ffmpeg, path, probed, believed_seconds=limits.max_duration_seconds))
    if again != held:
        raise TranscodeFailed("The file could not be read to its end. The service's disk or network may be at fault.")
    raise InvalidMedia(
        f"The file ends early: it promises {duration_text(promised)} and holds {duration_text(held)}. Export it again "
        "and upload the new file."
    )


def _promised_seconds(probed: MediaProbe) -> float:
    streams = taken_streams(probed)
    ends = [stream.start_seconds + stream.duration_seconds for stream in streams if stream.duration_seconds]
    if len(ends) < len(streams):
        return probed.duration_seconds
    return max(ends) - min(stream.start_seconds for stream in streams)


def _without_unsupported_codecs(ffmpeg: Ffmpeg, probed: MediaProbe) -> MediaProbe:
    decodable = ffmpeg.decodable_codecs
    if probed.video.codec not in decodable:
        raise UnsupportedCodec(
            f"The picture is in the codec {probed.video.codec}, which can't be decoded here. Export the video as "
            "H.264 in an MP4 and upload the new file."
        )
    audio = tuple(track for track in probed.audio if track.codec in decodable)
    if probed.audio and not audio:
        raise UnsupportedCodec(
            f"The sound is in the codec {probed.audio[0].codec}, which can't be decoded here. Export the video with "
            "AAC sound and upload the new file."
        )
    return replace(probed, audio=audio)
