"""From what a file is and what a profile wants to what is made of it. Pure; called once for each run."""

from typing import Final

from media.chunking import chunk_starts
from media.copying import WIDE_PRIMARIES, why_not_copy_picture, why_not_copy_sound
from media.frame_rate import output_frame_rate
from media.levels import even, fitted, level_of, references
from media.model import AudioStream, MediaProbe, VideoStream
from media.plan import (
    DroppedStream,
    PictureEncoding,
    PicturePlan,
    SoundEncoding,
    SoundPlan,
    SourceColours,
    StreamAction,
    ThumbnailPlan,
    ToneMap,
    TranscodePlan,
)
from media.profile import Profile

_CAN_BE_CUT: Final = frozenset(("mov", "matroska"))
"""Containers in which ffmpeg finds the keyframe before any time reliably."""
_CUT_KEYFRAME_GAP_SECONDS: Final = 20.0
"""A chunk decodes from the keyframe before it; further apart, chunks would decode more than they encode."""

_SEEK_MARGIN_SECONDS: Final = 0.25
"""Added to the time by which pictures are reordered: MP4 is sought by when keyframes are decoded, not shown."""

_HD_PIXELS: Final = 1280 * 720
_MATRICES: Final = {
    "bt709": "bt709",
    "smpte170m": "smpte170m",
    "bt470bg": "bt470bg",
    "fcc": "fcc",
    "smpte240m": "smpte240m",
    "bt2020nc": "bt2020nc",
}
_SAMPLE_RATES: Final = (44_100, 48_000)
_DEFAULT_SAMPLE_RATE: Final = 48_000
_THUMBNAIL_AT_SECONDS: Final = 1.0
_THUMBNAIL_OTHERWISE: Final = (0.5, 0.25, 0.75, 0.1, 0.9, 0.0)
"""Parts of the length at which to look for a frame that is not black."""

_BASE_BYTES: Final = 90_000_000
_BYTES_A_SOURCE_PIXEL: Final = 25
_BYTES_AN_OUTPUT_PIXEL: Final = 160
_BYTES_AN_OUTPUT_PIXEL_WHEN_SLOW: Final = 220
_FAST_PRESETS: Final = frozenset(("ultrafast", "superfast", "veryfast", "faster", "fast"))
"""A slower preset looks further ahead, and holds the frames that it looks at."""


def plan(probe: MediaProbe, profile: Profile) -> TranscodePlan:
    """Decide what becomes of each stream, and of the whole.

    Args:
        probe: Of a file that was accepted, its packets surveyed; its first sound track that is marked as default, or
            else the first one, is taken.
        profile: What the output shall be like.
    """
    track = taken_track(probe)
    origin = min(map(begin_of, taken_streams(probe)))
    picture = _picture(probe, profile, origin)
    sound = _sound(probe, track, profile, origin) if track is not None else None
    ends = [part.delay_seconds + part.seconds for part in (picture, sound) if part is not None]
    return TranscodePlan(
        profile=profile.name,
        origin_seconds=round(origin, 6),
        duration_seconds=round(max(ends), 6),
        picture=picture,
        chunk_starts=_chunk_starts(probe, profile, picture.encoding, origin),
        sound=sound,
        thumbnail=_thumbnail(probe.video, picture, profile),
        dropped=(
            *(DroppedStream(other.index, other.kind, other.codec) for other in probe.others),
            *(DroppedStream(other.index, "sound", other.codec) for other in probe.audio if other is not track),
        ),
        memory_bytes=_memory_bytes(probe.video, picture),
    )


def taken_track(probe: MediaProbe) -> AudioStream | None:
    """The sound that is heard: the default track, or else the first; None where there is none."""
    return next((track for track in probe.audio if track.is_default), next(iter(probe.audio), None))


def taken_streams(probe: MediaProbe) -> list[VideoStream | AudioStream]:
    """The streams that are watched and heard; what is left behind, such as subtitles, may be the longest."""
    track = taken_track(probe)
    return [probe.video, *([track] if track else [])]


def taken_seconds(probe: MediaProbe) -> float:
    """From where the first of these streams begins to where the last one ends: what is published is no longer."""
    streams = taken_streams(probe)
    return max(end_of(stream, probe) for stream in streams) - min(map(begin_of, streams))


def begin_of(stream: VideoStream | AudioStream) -> float:
    """When a stream begins, in seconds: by its packets, or by its header where they were not looked at."""
    return stream.survey.first_seconds if stream.survey is not None else stream.start_seconds


def end_of(stream: VideoStream | AudioStream, probe: MediaProbe) -> float:
    """When a stream ends, in seconds: by its packets, or by its header where they were not looked at.

    How long the last frame stands is better known to the header, where that has the stream's own length.
    """
    survey = stream.survey
    if survey is None:
        return stream.start_seconds + (stream.duration_seconds or probe.duration_seconds)
    if stream.duration_seconds is None:
        return survey.end_seconds
    return max(survey.last_seconds, min(survey.end_seconds, stream.start_seconds + stream.duration_seconds))


def _picture(probe: MediaProbe, profile: Profile, origin: float) -> PicturePlan:
    video = probe.video
    why = why_not_copy_picture(probe, profile, origin)
    begin, end = begin_of(video), end_of(video, probe)
    copied = not why
    shown = video.display_size
    rate = output_frame_rate(video, profile.max_frame_rate)
    fit = fitted(*shown, rate, profile)
    width, height = shown if copied else fit
    return PicturePlan(
        index=video.index,
        action=StreamAction.COPY if copied else StreamAction.ENCODE,
        why=why,
        width=width,
        height=height,
        rotation_degrees=video.rotation_degrees if copied else 0,
        seconds=round(end - begin if copied else end - origin, 6),
        delay_seconds=round(begin - origin, 6) if copied else 0.0,
        packets=video.survey.packets if copied and video.survey is not None else 0,
        encoding=_picture_encoding(probe, profile, end - origin, rate, fit),
    )


def _picture_encoding(
    probe: MediaProbe, profile: Profile, seconds: float, rate: float, size: tuple[int, int]
) -> PictureEncoding:
    video = probe.video
    frames = max(1, round(seconds * rate))
    gop = max(1, round(profile.gop_seconds * rate))
    return PictureEncoding(
        encoder=profile.video_encoder,
        preset=profile.preset,
        crf=profile.crf,
        max_bit_rate=min(profile.max_bit_rate, level_of(profile).max_bit_rate),
        references=references(*size, profile),
        frame_rate=rate,
        frames=frames,
        gop_frames=gop,
        deinterlace=video.is_interlaced,
        colours=_colours(video),
        seek_margin_seconds=_SEEK_MARGIN_SECONDS + (video.survey.reorder_seconds if video.survey is not None else 0.0),
    )


def _colours(video: VideoStream) -> SourceColours:
    tone_map = next((kind for kind in ToneMap if kind.value == video.colour_transfer), None)
    is_wide = video.colour_primaries in WIDE_PRIMARIES
    return SourceColours(
        tone_map=tone_map,
        wide_primaries=video.colour_primaries if is_wide and tone_map is None else None,
        matrix=_matrix(video),
        full_range=video.colour_range == "pc" or (video.pixel_format or "").startswith("yuvj"),
    )


def _chunk_starts(probe: MediaProbe, profile: Profile, encoding: PictureEncoding, origin: float) -> tuple[int, ...]:
    """One chunk where the picture is short, or can't be cut well."""
    survey, frames, rate = probe.video.survey, encoding.frames, encoding.frame_rate
    can_be_cut = (
        survey is not None
        and bool(probe.container_names & _CAN_BE_CUT)
        and survey.in_order
        and survey.starts_with_keyframe
        and survey.hidden == 0
        and survey.keyframe_gap_seconds <= _CUT_KEYFRAME_GAP_SECONDS
        and not probe.video.new_parameters
    )
    if survey is None or not can_be_cut or frames <= profile.chunk_threshold_seconds * rate:
        return (0,)
    keyframes = [at - origin for at in survey.keyframes]
    return chunk_starts(
        frames,
        encoding.gop_frames,
        rate,
        wanted_seconds=profile.chunk_seconds,
        keyframes=keyframes,
        margin_seconds=encoding.seek_margin_seconds,
    )


def _matrix(video: VideoStream) -> str:
    """As swscale names it. Where the file does not say: BT.709 for high definition, else BT.601, as players assume.

    BT.2020's primaries come with its matrix.
    """
    if video.colour_matrix in _MATRICES:
        return _MATRICES[video.colour_matrix]
    if video.colour_primaries == "bt2020":
        return "bt2020nc"
    return "bt709" if video.width * video.height >= _HD_PIXELS else "smpte170m"


def _sound(probe: MediaProbe, track: AudioStream, profile: Profile, origin: float) -> SoundPlan:
    why = why_not_copy_sound(probe, track, profile, origin)
    copied = not why
    begin, end = begin_of(track), end_of(track, probe)
    channels = min(track.channels, profile.audio_channels)
    rate = track.sample_rate_hertz if track.sample_rate_hertz in _SAMPLE_RATES else _DEFAULT_SAMPLE_RATE
    return SoundPlan(
        index=track.index,
        action=StreamAction.COPY if copied else StreamAction.ENCODE,
        why=why,
        channels=track.channels if copied else channels,
        sample_rate_hertz=track.sample_rate_hertz if copied else rate,
        seconds=round(end - begin if copied else end - origin, 6),
        delay_seconds=round(begin - origin, 6) if copied else 0.0,
        packets=track.survey.packets if copied and track.survey is not None else 0,
        encoding=SoundEncoding(
            encoder="aac",
            bit_rate=profile.audio_bit_rate * channels // 2,
            channels=channels,
            sample_rate_hertz=rate,
            loudness_lufs=profile.loudness_lufs,
        ),
    )


def _thumbnail(video: VideoStream, picture: PicturePlan, profile: Profile) -> ThumbnailPlan:
    """No wider than the profile says, never enlarged. Times are the picture's own, from its first frame."""
    width, height = video.display_size
    shown_width = min(width, profile.thumbnail_max_width)
    seconds = video.survey.seconds if video.survey is not None else picture.seconds
    at = _THUMBNAIL_AT_SECONDS if seconds > _THUMBNAIL_AT_SECONDS else seconds / 2
    return ThumbnailPlan(
        video_index=video.index,
        at_seconds=round(at, 3),
        otherwise_seconds=tuple(round(seconds * part, 3) for part in _THUMBNAIL_OTHERWISE),
        width=even(shown_width),
        height=even(height * shown_width / max(width, 1)),
        representative=profile.thumbnail == "representative",
        colours=picture.encoding.colours,
    )


def _memory_bytes(video: VideoStream, picture: PicturePlan) -> int:
    """What x264 and the decoder hold at most, fitted to what ``bench/encoding_memory.py`` measures."""
    is_fast = picture.encoding.preset in _FAST_PRESETS
    a_pixel = _BYTES_AN_OUTPUT_PIXEL if is_fast else _BYTES_AN_OUTPUT_PIXEL_WHEN_SLOW
    source = video.width * video.height * _BYTES_A_SOURCE_PIXEL
    return _BASE_BYTES + source + picture.width * picture.height * a_pixel
