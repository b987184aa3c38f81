"""A chunk that is not what the encoder was asked for never counts, though the encoder says that all went well."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.errors import OutputMismatch
from media.encode import encode_chunk
from media.ffmpeg import Ffmpeg
from media.planning import plan
from media.programs import find_programs
from media.validate import validate
from tests.fixtures.clips import Clip, Clips
from tests.media.making import LIMITS, unheard
from tests.media.probing import WEB

_KEYFRAMES_ELSEWHERE = """arguments[arguments.index("-g") + 1] = arguments[arguments.index("-keyint_min") + 1] = "30"
    code = subprocess.call([real, *arguments])
"""
_KEYFRAME_DAMAGED = """code = subprocess.call([real, *arguments])
    with open(arguments[-1].removeprefix("file:"), "r+b") as chunk:
        chunk.seek(chunk.read().index(b"mdat") + 1200)
        chunk.write(bytes(200))
"""
_PACKETS_LOST = """code = subprocess.call([real, *arguments])
    chunk = arguments[-1].removeprefix("file:")
    subprocess.check_call([real, "-v", "error", "-i", chunk, "-c", "copy", "-frames:v", "40", "-f", "mp4", chunk + "2"])
    os.replace(chunk + "2", chunk)
"""


def encoder_that(does: str, real: Path, folder: Path) -> Path:
    """A program that is ffmpeg, but encodes in another way."""
    program = folder / "ffmpeg"
    program.write_text(
        f"#!{sys.executable}\nimport os, subprocess, sys\nreal, arguments = {str(real)!r}, sys.argv[1:]\n"
        f"if 'libx264' in arguments:\n    {does}    sys.exit(code)\nos.execv(real, [real, *arguments])\n"
    )
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("does", "why"),
    [
        (_KEYFRAMES_ELSEWHERE, "has 2 keyframes, and not one every 50 frames"),
        (_KEYFRAME_DAMAGED, "can't be decoded"),
        (_PACKETS_LOST, "can't be read back"),
    ],
    ids=["keyframes elsewhere", "keyframe damaged", "packets lost"],
)
async def test_a_chunk_is_read_back_before_it_counts(
    ffmpeg: Ffmpeg, clips: Clips, tmp_path: Path, does: str, why: str
) -> None:
    source, target = clips.path(Clip.CARD), tmp_path / "chunk.mp4"
    decided = plan(await validate(ffmpeg, source, LIMITS), WEB).encoding_what_was_copied()
    honest = await find_programs(None, None)
    lying = Ffmpeg(replace(honest, ffmpeg=encoder_that(does, honest.ffmpeg, tmp_path)))
    with pytest.raises(OutputMismatch, match=why):
        await encode_chunk(
            lying, decided.picture, decided.chunks[0], source, target, origin_seconds=0.0, on_progress=unheard
        )
    assert not target.exists()
