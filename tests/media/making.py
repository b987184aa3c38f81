"""From any clip to what is published, in one call.

A stand-in: it encodes everything by one command, so that clips and judges can be tried before there is a plan.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from contracts.errors import InvalidMedia
from media.ffmpeg import Ffmpeg
from media.model import MediaProbe, TranscodePlan
from media.plan import plan_thumbnail, plan_transcode
from media.process import run_process
from media.profile import Profile
from tests.fixtures.media import drawing_ffmpeg
from tests.media.judges.pictures import ColourTags, colour_tags

Action = Literal["copy", "encode"]

_HDR: Final = ("smpte2084", "arib-std-b67")
_TONE_MAPPED: Final = (
    "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=mobius:desat=0,zscale=t=bt709:m=bt709:r=tv"
)
_TAGGED_709: Final = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
_LOST_AT_MOST: Final = "0.01"


@dataclass(frozen=True)
class StreamPlan:
    """What becomes of a stream."""

    action: Action


@dataclass(frozen=True)
class MadePlan:
    """What becomes of picture and sound; ``sound`` is None for a silent film."""

    picture: StreamPlan
    sound: StreamPlan | None


@dataclass(frozen=True)
class Made:
    """What was published of a clip.

    Attributes:
        plan: What was decided.
        video: The MP4.
        thumbnail: The JPEG.
        probe: Of ``video``.
        warnings: What the uploader is told.
        decides: Whether anything was decided: the stand-in encodes whatever it gets.
    """

    plan: MadePlan
    video: Path
    thumbnail: Path
    probe: MediaProbe
    warnings: tuple[str, ...]
    decides: bool = False


async def make(ffmpeg: Ffmpeg, source: Path, folder: Path, profile: Profile) -> Made:
    """Make everything that is published of ``source``.

    Raises:
        VideoError: The clip can't be made into a video.
    """
    if b"encv" in source.read_bytes():  # noqa: ASYNC240  a small file
        raise InvalidMedia("The video is encrypted.")
    probe = await ffmpeg.probe(source)
    probe = replace(probe, audio=tuple(track for track in probe.audio if track.codec != "unknown"))
    plan = plan_transcode(probe, profile)
    video, thumbnail = folder / "video.mp4", folder / "thumbnail.jpg"
    filters = _filters(plan, await colour_tags(ffmpeg, source))
    warnings = await _encode(ffmpeg, plan, filters, source, video)
    output = await ffmpeg.probe(video)
    await ffmpeg.thumbnail(plan_thumbnail(output, profile), video, thumbnail)
    sound = StreamPlan("encode") if output.audio else None
    return Made(MadePlan(StreamPlan("encode"), sound), video, thumbnail, output, warnings)


def _filters(plan: TranscodePlan, tags: ColourTags) -> str:
    """Whole pictures, at a constant rate from 0 on, in the size and colours of the output."""
    pictures = f"bwdif=deint=interlaced,fps={plan.frame_rate:.6f}:start_time=0"
    size = f"scale={plan.width}:{plan.height}:out_color_matrix=bt709:out_range=tv,format=yuv420p,setsar=1"
    if tags.transfer in _HDR:
        return f"{pictures},{_TONE_MAPPED},{size},{_TAGGED_709}"
    if tags.primaries == "bt2020":
        return f"{pictures},zscale=p=bt709:t=bt709:m=bt709:r=tv,{size},{_TAGGED_709}"
    return f"{pictures},{size},{_TAGGED_709}"


async def _encode(ffmpeg: Ffmpeg, plan: TranscodePlan, filters: str, source: Path, video: Path) -> tuple[str, ...]:
    program = str(drawing_ffmpeg() or ffmpeg.ffmpeg_path)
    strict = ("-err_detect", "explode", "-max_error_rate", _LOST_AT_MOST)
    sound = ("-map", f"0:{plan.audio_index}") if plan.audio_index is not None else ()
    rate = ("-ac", str(plan.audio_channels), "-ar", str(plan.audio_sample_rate_hertz))
    command = [
        *(program, "-v", "error", "-nostdin", *strict, "-i", f"file:{source}", "-map", f"0:{plan.video_index}", *sound),
        *("-vf", filters, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "16"),
        *("-af", "aresample=async=1:first_pts=0", "-c:a", "aac", *rate),
        *("-map_metadata", "-1", "-movflags", "+faststart", "-y", f"file:{video}"),
    ]
    result = await run_process(command)
    if result.return_code != 0:
        raise InvalidMedia(f"More of the video than can be borne is damaged. {result.stderr_tail[-300:]}")
    return ("Some of the video is damaged.",) if "Error submitting packet" in result.stderr_tail else ()
