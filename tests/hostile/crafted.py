"""Files that an attacker would upload, each made here by a few bytes: what they try is in the names."""

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fixtures.recipes.drawing import AAC, FAST, H264, Studio

_PICTURE: Final = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=10:duration=1,format=yuv420p")
_SOUND: Final = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=1")
_WIDE, _HIGH = 64, 48
_LARGE: Final = (16384, 16000)
_TRACKS: Final = 1000


@dataclass(frozen=True)
class Lure:
    """What a file must not reach.

    Attributes:
        canary: A video that would become ready.
        port: Where somebody listens and is never called.
    """

    canary: Path
    port: int

    @property
    def address(self) -> str:
        """What a file would have fetched."""
        return f"http://127.0.0.1:{self.port}/canary.mp4"


def _concat(lure: Lure) -> str:
    return f"ffconcat version 1.0\nfile '{lure.canary}'\nfile '{lure.address}'\n"


def _playlist(place: str) -> str:
    return (
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n"
        f'#EXT-X-MAP:URI="{place}"\n#EXTINF:1.0,\n{place}\n#EXT-X-ENDLIST\n'
    )


def _manifest(lure: Lure) -> str:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>'
        f'<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1000"><BaseURL>{lure.address}'
        f'</BaseURL><SegmentList duration="1"><SegmentURL media="file://{lure.canary}"/></SegmentList>'
        "</Representation></AdaptationSet></Period></MPD>"
    )


def _part_of_a_file(lure: Lure) -> str:
    return f"ffconcat version 1.0\nfile 'subfile,,start,0,end,0,,:{lure.canary}'\n"


REFERRING: Final[dict[str, Callable[[Lure], str]]] = {
    "ffconcat": _concat,
    "ffconcat without a header": lambda lure: _concat(lure).partition("\n")[2],
    "playlist of a file": lambda lure: _playlist(f"file://{lure.canary}"),
    "playlist of an address": lambda lure: _playlist(lure.address),
    "playlist of data": lambda _lure: _playlist("data:video/mp4;base64,AAAAIGZ0eXBpc29t"),
    "playlist of a playlist": lambda lure: _playlist(f"concat:{lure.canary}|{lure.address}"),
    "DASH": _manifest,
    "subfile": _part_of_a_file,
    "SDP": lambda lure: f"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {lure.port} RTP/AVP 96\n",
    "AviSynth": lambda lure: f'DirectShowSource("{lure.canary}")\n',
}
"""By what they are: text that ffmpeg would take for an instruction to open something else."""


def subtitles_that_refer(studio: Studio, folder: Path, lure: Lure) -> Path:
    """An AVI with a track of subtitles, of which ffmpeg asks each of its readers whether it is theirs (GAB2)."""
    drawn = folder / "drawn.avi"
    studio.draw(drawn, *_PICTURE, "-c:v", "mjpeg")
    content = drawn.read_bytes()
    playlist = _playlist(f"file://{lure.canary}").encode()
    said = b"GAB2\0" + struct.pack("<HI", 2, 2) + b"a\0" + struct.pack("<HI", 4, len(playlist)) + playlist
    header = _chunk(b"strh", b"txts" + bytes(16) + struct.pack("<II", 1, 1) + bytes(28)) + _chunk(b"strf", bytes(4))
    streams = _inserted(content, b"hdrl", _chunk(b"LIST", b"strl" + header), at_end=True)
    with_subtitles = _inserted(streams, b"movi", _chunk(b"01tx", said), at_end=False)
    index = with_subtitles.index(b"idx1")
    return _written(folder / "subtitles.avi", _chunk(b"RIFF", with_subtitles[8:index]))


def edit_list_beyond_everything(studio: Studio, folder: Path, _lure: Lure) -> Path:
    """An MP4 that shows a part from beyond its end, for ever."""
    content = bytearray(_mp4(studio, folder))
    place = content.index(b"elst") + 12
    struct.pack_into(">Ii", content, place, 0xFFFF_FFF0, 0x7FFF_FFF0)
    return _written(folder / "edits.mp4", bytes(content))


def a_thousand_tracks(studio: Studio, folder: Path, _lure: Lure) -> Path:
    """An MP4 with the same track of sound a thousand times."""
    content = _mp4(studio, folder)
    movie = content.index(b"moov") - 4
    track = content.rindex(b"trak", movie) - 4
    size = struct.unpack_from(">I", content, track)[0]
    inside = content[movie + 8 : track] + content[track : track + size] * _TRACKS
    box = struct.pack(">I4s", 8 + len(inside), b"moov") + inside
    return _written(folder / "tracks.mp4", content[:movie] + box)


def years_of_duration(studio: Studio, folder: Path, _lure: Lure) -> Path:
    """An MP4 of a second whose header says that it is of a century."""
    content = bytearray(_mp4(studio, folder))
    struct.pack_into(">II", content, content.index(b"mvhd") + 16, 1, 0xFFFF_FF00)
    return _written(folder / "years.mp4", bytes(content))


def an_enormous_header(studio: Studio, folder: Path, _lure: Lure) -> Path:
    """An AVI whose header and every picture say 30000x30000."""
    return _resized(studio, folder / "enormous.avi", 30_000, 30_000, begin=0)


def a_picture_that_grows(studio: Studio, folder: Path, _lure: Lure) -> Path:
    """An AVI whose header says 64x48, and whose last pictures are of 16384x16000."""
    return _resized(studio, folder / "growing.avi", *_LARGE, begin=5)


def a_zip(_studio: Studio, folder: Path, lure: Lure) -> Path:
    """An archive, with a good video in it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(lure.canary, "film.mp4")
    return _written(folder / "archive.mp4", packed.getvalue())


Craft = Callable[[Studio, Path, Lure], Path]

CRAFTED: Final[dict[Craft, set[str]]] = {
    subtitles_that_refer: {"ready", "invalid_media"},
    edit_list_beyond_everything: {"invalid_media", "limit_exceeded", "ready"},
    a_thousand_tracks: {"limit_exceeded"},
    years_of_duration: {"limit_exceeded"},
    an_enormous_header: {"limit_exceeded"},
    a_picture_that_grows: {"ready", "invalid_media"},
    a_zip: {"invalid_media"},
}
"""Each with the ways in which it may end."""

CONTAINERS: Final[dict[str, tuple[str, ...]]] = {
    ".mp4": (*H264, *AAC),
    ".mov": ("-c:v", "mpeg4", "-c:a", "pcm_s16le"),
    ".avi": ("-c:v", "mjpeg", "-c:a", "libmp3lame"),
    ".mkv": (*H264, "-c:a", "libopus"),
    ".webm": ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libvorbis"),
    ".ts": ("-c:v", "mpeg2video", "-c:a", "mp2"),
    ".flv": ("-c:v", "flv", "-c:a", "aac"),
    ".wmv": ("-c:v", "wmv2", "-c:a", "wmav2"),
    ".hevc.mp4": ("-c:v", "libx265", *FAST, "-x265-params", "log-level=none", "-an"),
}
"""Good files, to be mutated: the encoders of each container."""


def good_file(studio: Studio, folder: Path, ending: str) -> Path:
    """One of ``CONTAINERS``."""
    target = folder / f"good{ending}"
    studio.draw(target, *_PICTURE, *_SOUND, *CONTAINERS[ending])
    return target


def _mp4(studio: Studio, folder: Path) -> bytes:
    drawn = folder / "drawn.mp4"
    studio.draw(drawn, *_PICTURE, *_SOUND, *H264, *AAC)
    return drawn.read_bytes()


def _resized(studio: Studio, target: Path, width: int, height: int, *, begin: int) -> Path:
    """An AVI of ten pictures, those from ``begin`` on with another size in their headers, and the file's with them."""
    studio.draw(target, *_PICTURE, "-c:v", "mjpeg")
    content = bytearray(target.read_bytes())
    sizes = struct.pack(">HH", _HIGH, _WIDE)
    place, number = content.index(sizes), 0
    while place >= 0:
        if number >= begin:
            struct.pack_into(">HH", content, place, height, width)
        place, number = content.find(sizes, place + 1), number + 1
    assert number == 10
    if begin == 0:
        struct.pack_into("<ii", content, content.index(b"strf") + 12, width, height)
    return _written(target, bytes(content))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _inserted(content: bytes, name: bytes, piece: bytes, *, at_end: bool) -> bytes:
    """The RIFF file with one more chunk in the list of this name; its index is no longer right."""
    place = content.index(b"LIST", content.index(name) - 8)
    size = struct.unpack_from("<I", content, place + 4)[0]
    where = place + 8 + size if at_end else place + 12
    grown = content[: place + 4] + struct.pack("<I", size + len(piece)) + content[place + 8 : where]
    return grown + piece + content[where:]


def _written(target: Path, content: bytes) -> Path:
    target.write_bytes(content)
    return target
