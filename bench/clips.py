"""The clips, which are drawn here: always the same picture, at bit rates as cameras and editors write them."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from bench.errors import NotMeasured
from bench.scale import MEGABYTE, PIECE_SECONDS
from bench.tools import run

_FRAME_RATE: Final = 30
_GOP: Final = 60
_SAMPLE_RATE: Final = 48_000
_AS_CAMERAS_DO: Final = ("-chunk_duration", "1000000")
"""Microseconds of each stream in turn."""
_ONCE_EXACT: Final = ("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact")


class Kind(StrEnum):
    """What a clip is made of."""

    PLAYABLE = "H.264 High, AAC, MP4: plays everywhere as it is"
    TEN_BIT = "H.264 High 10, AAC, MP4: few browsers play it"
    HEVC = "HEVC, AAC, MP4: not every browser plays it"
    MPEG4 = "MPEG-4 part 2, AC-3, AVI: no browser plays it"

    @property
    def must_be_encoded(self) -> bool:
        """Whether a browser would not play it."""
        return self is not Kind.PLAYABLE


_VIDEO: Final = {
    Kind.PLAYABLE: ("libx264", "-profile:v", "high", "-pix_fmt", "yuv420p", "-preset", "veryfast"),
    Kind.TEN_BIT: ("libx264", "-profile:v", "high10", "-pix_fmt", "yuv420p10le", "-preset", "veryfast"),
    Kind.HEVC: (
        "libx265",
        "-pix_fmt",
        "yuv420p",
        "-preset",
        "ultrafast",
        "-tag:v",
        "hvc1",
        "-x265-params",
        "log-level=1",
    ),
    Kind.MPEG4: ("mpeg4", "-pix_fmt", "yuv420p", "-vtag", "XVID"),
}


@dataclass(frozen=True)
class Clip:
    """One clip to be drawn.

    Attributes:
        name: Of its file, without an extension.
        kind: What it is made of.
        seconds: Its length.
        width: In pixels.
        height: In pixels.
        mega_bits: Of picture, a second.
        seed: Another seed is another picture.
    """

    name: str
    kind: Kind
    seconds: float
    width: int
    height: int
    mega_bits: float
    seed: int = 1

    @property
    def file_name(self) -> str:
        """Another for every other way of drawing, so that a clip of an earlier run is taken only where it fits."""
        drawn_by = " ".join(draw_command(Path("ffmpeg"), self, Path("target")))
        digest = hashlib.sha256(drawn_by.encode()).hexdigest()[:8]
        kind = self.kind.name.lower().replace("_", "-")
        return f"{self.name}-{kind}-{self.seconds:g}s-{digest}{'.avi' if self.kind is Kind.MPEG4 else '.mp4'}"


def draw_command(ffmpeg: Path, clip: Clip, target: Path) -> list[str]:
    """Draw a zoom with a moving test picture in it and grain over all, and two tones with hiss."""
    half = f"{clip.width // 2}x{clip.height // 2}"
    zoom = f"mandelbrot=size={half}:rate={_FRAME_RATE}:start_scale={2.5 + 0.1 * clip.seed:g}:end_scale=0.02:end_pts=400"
    moving = f"testsrc2=size={half}:rate={_FRAME_RATE}"
    picture = (
        f"[0:v]scale={clip.width}:{clip.height}[far];[far][1:v]overlay=x=W/4+W/8*sin(t+{clip.seed}):y=H/4,"
        f"noise=alls=3:allf=t:all_seed={clip.seed}[picture]"
    )
    sound = (
        f"aevalsrc=0.1*sin(2*PI*{220 + 20 * clip.seed}*t)+0.05*random({clip.seed})"
        f"|0.1*sin(2*PI*{330 + 20 * clip.seed}*t):s={_SAMPLE_RATE}"
    )
    codec, *options = _VIDEO[clip.kind]
    rate = [f"{clip.mega_bits:g}M", "-maxrate", f"{1.1 * clip.mega_bits:g}M", "-bufsize", f"{clip.mega_bits:g}M"]
    return [
        *[str(ffmpeg), "-v", "error", "-nostdin", "-y"],
        *["-f", "lavfi", "-i", zoom, "-f", "lavfi", "-i", moving, "-f", "lavfi", "-i", sound],
        *["-filter_complex", picture, "-map", "[picture]", "-map", "2:a", "-t", f"{clip.seconds:g}"],
        *["-c:v", codec, *options, "-b:v", *rate, "-g", str(_GOP), "-threads", "2"],
        *["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv"],
        *["-c:a", "ac3" if clip.kind is Kind.MPEG4 else "aac", "-b:a", "128k", *_ONCE_EXACT],
        *([] if clip.kind is Kind.MPEG4 else ["-movflags", "+faststart"]),
        str(target),
    ]


def repeat_command(ffmpeg: Path, piece: Path, pieces: int, options: Sequence[str], target: Path) -> list[str]:
    """Repeat the picture of a piece without encoding it again, below one unbroken sound."""
    seconds = PIECE_SECONDS * pieces
    sound = f"aevalsrc=0.1*sin(2*PI*220*t)|0.1*sin(2*PI*330*t):s={_SAMPLE_RATE}:d={seconds}"
    return [
        *[str(ffmpeg), "-v", "error", "-nostdin", "-y"],
        *["-stream_loop", str(pieces - 1), "-i", str(piece), "-f", "lavfi", "-i", sound],
        *["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "128k", *_ONCE_EXACT],
        *["-movflags", "+faststart", *options, str(target)],
    ]


class Clips:
    """A folder of clips; each is drawn when it is first asked for, and kept."""

    def __init__(self, folder: Path, ffmpeg: Path, ffprobe: Path) -> None:
        """Draw into ``folder``, which is made if it is not there."""
        self._folder = folder
        self._ffmpeg = ffmpeg
        self._ffprobe = ffprobe

    async def drawn(self, clip: Clip) -> Path:
        """The clip's file; it has just been read, so that no system pays for its first reading."""
        target = self._folder / clip.file_name
        return await self._kept(target, lambda partial: draw_command(self._ffmpeg, clip, partial))

    async def repeated(self, pieces: int) -> Path:
        """The long clip: 1920x1080, 5.5 Mbit/s, ``pieces`` times ``PIECE_SECONDS``, of frames in the order of time.

        Raises:
            NotMeasured: Frames are missing in it, or its length is not what it should be.
        """
        return await self._repeated("long", Clip("piece", Kind.PLAYABLE, PIECE_SECONDS, 1920, 1080, 5.5), pieces)

    async def film(self, minutes: int) -> Path:
        """A film that has to be encoded: small pictures, 4 Mbit/s, with its sound in pieces of a second between them.

        Raises:
            NotMeasured: As ``repeated``.
        """
        piece = Clip("piece", Kind.HEVC, PIECE_SECONDS, 320, 180, 4)
        return await self._repeated("film", piece, minutes * 60 // PIECE_SECONDS, *_AS_CAMERAS_DO)

    async def recording(self, pieces: int) -> Path:
        """One that has to be encoded as cameras record it: 1920x1080, H.264 High 10, 8 Mbit/s, interleaved as ``film``.

        Raises:
            NotMeasured: As ``repeated``.
        """
        piece = Clip("piece", Kind.TEN_BIT, PIECE_SECONDS, 1920, 1080, 8)
        return await self._repeated("recording", piece, pieces, *_AS_CAMERAS_DO)

    async def _repeated(self, name: str, piece: Clip, pieces: int, *options: str) -> Path:
        drawn = await self._kept(
            self._folder / f"in-order-{piece.file_name}",
            lambda partial: [*draw_command(self._ffmpeg, piece, partial)[:-1], "-bf", "0", str(partial)],
        )
        target = self._folder / f"{name}-{pieces}-times-{drawn.name}"
        long = await self._kept(target, lambda partial: repeat_command(self._ffmpeg, drawn, pieces, options, partial))
        await self._check(long, PIECE_SECONDS * pieces)
        return long

    async def _kept(self, target: Path, command: Callable[[Path], list[str]]) -> Path:
        if not await asyncio.to_thread(target.exists):
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f"part-{target.name}")
            await run(command(partial))
            partial.replace(target)
        await asyncio.to_thread(_read_through, target)
        return target

    async def _check(self, file: Path, seconds: int) -> None:
        entries = "stream=nb_read_packets,duration"
        command = [str(self._ffprobe), "-v", "error", "-select_streams", "v", "-count_packets"]
        stream = json.loads((await run([*command, "-show_entries", entries, "-of", "json", str(file)])).out)["streams"][
            0
        ]
        frames, duration = int(stream["nb_read_packets"]), float(stream["duration"])
        if frames != seconds * _FRAME_RATE or abs(duration - seconds) > 1 / _FRAME_RATE:
            raise NotMeasured(f"{file.name} has {frames} frames in {duration} s and should have {seconds} s of them.")


def _read_through(file: Path) -> None:
    with file.open("rb") as opened:
        while opened.read(MEGABYTE):
            pass
