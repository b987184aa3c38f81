"""Write the tables of ``docs/media.md`` from the tests and from the profiles: ``make docs``. With ``--check``, compare.

What comes of every kind of source stands in the rows of ``tests/media/test_every_*.py``, which hold it against what is
published; a table that is made of them says nothing that was not tried. The text around the tables is kept.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from generated import write_or_check

from media.profile import Profile, load_profiles
from tests.fixtures.recipes.names import Clip
from tests.media import test_every_codec, test_every_picture, test_every_sound, test_every_time
from tests.media.rows import Row

TARGET: Final = Path(__file__).with_name("media.md")

_MODULES: Final = (test_every_picture, test_every_codec, test_every_sound, test_every_time)
_USUAL: Final = Row(Clip.CARD)
_SHIPPED: Final = load_profiles()

_SOURCES: Final = {
    Clip.CARD: "H.264 High, 4:2:0, 8 bit, and AAC in an MP4",
    Clip.TURNED_90: "to be turned by 90 degrees",
    Clip.TURNED_180: "to be turned by 180 degrees",
    Clip.TURNED_270: "to be turned by 270 degrees",
    Clip.MIRRORED: "to be mirrored",
    Clip.MIRRORED_AND_TURNED: "to be mirrored and turned",
    Clip.WIDE_PIXELS: "pixels wider than high: stored as 160x120, shown as 213x120",
    Clip.TALL_PIXELS: "pixels higher than wide: stored as 160x120, shown as 80x120",
    Clip.ODD_CARD: "odd sides, 161x121",
    Clip.H264_FULL_RANGE: "H.264 in full range, as some cameras record",
    Clip.H264_TEN_BIT: "H.264, 10 bit",
    Clip.H264_422: "H.264, 4:2:2",
    Clip.H264_444: "H.264, 4:4:4",
    Clip.H264_RGB: "H.264, RGB",
    Clip.SCREEN_RGB: "a screen: QuickTime Animation, RGB",
    Clip.PNG_RGBA: "PNG pictures with an alpha channel",
    Clip.BT601: "colours of standard definition (BT.601), tagged",
    Clip.BT601_UNTAGGED: "the same without tags",
    Clip.WIDE_GAMUT: "BT.2020 without HDR, 8 bit",
    Clip.WIDE_GAMUT_UNTAGGED: "the same with nothing tagged but the primaries",
    Clip.WIDE_GAMUT_BROAD: "the same as 1536x90, whose thumbnail would have an odd height",
    Clip.HDR10: "HDR10: HEVC, 10 bit, PQ",
    Clip.HDR10_BROAD: "the same as 1536x90, whose thumbnail would have an odd height",
    Clip.HLG: "HLG: HEVC, 10 bit",
    Clip.GREY: "grey: MJPEG without colours",
    Clip.H264_INTERLACED: "H.264, upper half first",
    Clip.H264_INTERLACED_BOTTOM_FIRST: "H.264, lower half first",
    Clip.MPEG2_INTERLACED: "MPEG-2 in a transport stream",
    Clip.H264_FALSELY_INTERLACED: "whole pictures that are marked as halves",
    Clip.VP9: "VP9 and Opus in WebM",
    Clip.HEVC: "HEVC",
    Clip.AV1_CARD: "AV1",
    Clip.MJPEG: "MJPEG in full range and PCM in an AVI",
    Clip.PRORES: "ProRes 422 HQ and 24-bit PCM in a MOV",
    Clip.H264_IN_AVI: "H.264 and MP3 in an AVI",
    Clip.H264_IN_TS: "H.264 and AAC in a transport stream",
    Clip.H264_B_FRAMES: "frames out of order (B-frames)",
    Clip.H264_MOV: "in a MOV",
    Clip.H264_MKV: "in Matroska",
    Clip.H264_FRAGMENTED: "in fragments",
    Clip.H264_OPEN_GOP: "open groups of pictures",
    Clip.H264_MUCH_BESIDES: "with cover image, time code and subtitles",
    Clip.H264_ATTACHMENT: "with subtitles and an attached font, in Matroska",
    Clip.STILL_IN_FRONT: "a track of one still picture in front of the film",
    Clip.STILL_IN_FRONT_MKV: "the same, in Matroska",
    Clip.H264_USUAL_GOP: "x264's usual keyframes, 250 frames apart",
    Clip.H264_REPEATED_PARAMETERS: "the same parameter sets again before each keyframe",
    Clip.H264_120_FPS: "120 frames a second",
    Clip.H264_LONG_GOP: "one keyframe in 62 s",
    Clip.H264_SIZE_CHANGES: "the size changes within the stream",
    Clip.MONO: "mono",
    Clip.STEREO_TONES: "stereo, another tone on each side",
    Clip.SURROUND_AAC: "5.1 in AAC",
    Clip.SURROUND_AC3: "5.1 in AC-3",
    Clip.TWO_TRACKS: "two tracks, the second is the default: the second is heard",
    Clip.NO_DEFAULT_TRACK: "two tracks, none is the default: the first is heard",
    Clip.FIRST_TRACK_UNKNOWN: "the default is in no known codec: the other one is heard",
    Clip.SOUND_8_KHZ: "AAC of 8 kHz",
    Clip.SOUND_22_KHZ: "AAC of 22.05 kHz",
    Clip.SOUND_96_KHZ: "AAC of 96 kHz",
    Clip.HE_AAC: "AAC that is declared as HE-AAC",
    Clip.OPUS: "Opus",
    Clip.PCM: "PCM",
    Clip.SHORT_SOUND: "sound of 1 s, picture of 3 s",
    Clip.LONGER_SOUND: "sound of 4 s, picture of 2 s",
    Clip.LATE_SOUND: "sound that begins 0.7 s late",
    Clip.SLOW_MOTION: "30 frames a second, 240 for half a second, as phones record",
    Clip.SIXTY_IN_THIRTY: "30 frames a second, 60 for a second",
    Clip.JITTERY: "about 30, no two distances alike",
    Clip.ONE_FPS: "a screen, one frame a second, H.264",
    Clip.ONE_FPS_VP9: "the same in VP9",
    Clip.NO_DURATIONS: "a frame each 2 s in a WebM that does not say how long they last",
    Clip.TEN_MINUTES: "10 minutes of VP9, 1 frame a second, now and then 30",
    Clip.LONG_STILL: "two frames, a minute apart",
    Clip.ONE_FRAME: "one frame and 2 s of sound",
    Clip.STARTS_LATE_MOV: "begins at 1.4 s (MOV)",
    Clip.STARTS_LATE_MKV: "begins at 1.4 s (Matroska)",
    Clip.STARTS_LATE_TS: "begins at 1.4 s (transport stream)",
    Clip.STARTS_EARLY: "begins at -0.5 s (ASF)",
    Clip.CUT_IN_GOP: "an edit list cuts within a group of pictures",
    Clip.CUT_AT_KEYFRAME: "an edit list cuts at a keyframe",
    Clip.EMPTY_EDIT: "an empty edit delays the picture by 0.6 s",
    Clip.SEVERAL_EDITS: "an edit list shows three parts, one of them a second time",
}
"""What each clip is, for people; every clip that is a row has its words here, and no other."""

_DONE: Final = {"copy": "copied", "encode": "encoded", "none": "none", None: "copied or encoded"}


def page() -> str:
    """The whole document, with its tables made anew."""
    text = TARGET.read_text(encoding="utf-8")
    for name, table in (("sources", _sources()), ("keys", _keys()), ("profiles", _profiles())):
        begin, end = f"<!-- {name}: made by `make docs` -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise SystemExit(f"{TARGET} has no {begin.strip()} with its {end}")
        text = f"{before}{begin}\n{table}\n{end}{after}"
    return text


def _sources() -> str:
    lines, named = [], set()
    for title, rows in _tables():
        lines += [f"**{title}**", "", "| source | picture | sound | comes out as |", "| --- | --- | --- | --- |"]
        for row in rows:
            named.add(row.clip)
            lines.append(f"| {_SOURCES[row.clip]} | {_DONE[row.picture]} | {_DONE[row.sound]} | {_output(row)} |")
        lines.append("")
    if left := _SOURCES.keys() - named:
        raise SystemExit(f"No row of the tests has {', '.join(sorted(left))}")
    return "\n".join(lines)


def _tables() -> Iterator[tuple[str, list[Row]]]:
    """What each test promises, as its name says, and its rows."""
    for module in _MODULES:
        for name, test in vars(module).items():
            rows = _rows_of(test) if name.startswith("test_") else []
            if rows:
                yield name.removeprefix("test_").replace("_", " ").capitalize().replace("H264", "H.264"), rows


def _rows_of(test: Any) -> list[Row]:
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize" and mark.args[0] == "row"]
    return [parameter.values[0] for mark in marks for parameter in mark.args[1]]


def _output(row: Row) -> str:
    """How it differs from the card as it was drawn."""
    told = []
    if row.size != _USUAL.size:
        told.append(f"{row.size[0]}x{row.size[1]}")
    if row.seconds != _USUAL.seconds:
        told.append(f"{row.seconds:g} s")
    if row.frame_rates and row.frame_rates != _USUAL.frame_rates:
        told.append(f"{_either(row.frame_rates)} {'frame' if row.frame_rates == (1.0,) else 'frames'} a second")
    if row.sound != "none":
        told += ["mono"] if row.channels == 1 else []
        told += [f"{_either(_kilohertz(row))} kHz"] if row.sample_rates != _USUAL.sample_rates else []
    if row.patches is not None and row.tolerance != _USUAL.tolerance:
        told.append(f"colours within {row.tolerance:g} of 255")
    if row.tags is None:
        told.append("colours tagged as they came")
    if row.judge is not None and row.judge.__doc__:
        told.append(_sentence(row.judge.__doc__))
    return "; ".join(told)


def _kilohertz(row: Row) -> tuple[float, ...]:
    return tuple(rate / 1000 for rate in row.sample_rates)


def _either(numbers: tuple[float, ...]) -> str:
    return " or ".join(f"{number:g}" for number in numbers)


def _sentence(docstring: str) -> str:
    """What a judge looks for, without its reason."""
    text = " ".join(docstring.split()).rstrip(".").partition(":")[0]
    return text[0].lower() + text[1:]


def _keys() -> str:
    lines = ["| key | meaning | may be | if it is left out |", "| --- | --- | --- | --- |"]
    lines += [f"| `{key}` | {meaning} | {_range(key)} | {_default(key)} |" for key, meaning in _meanings()]
    return "\n".join(lines) + "\n"


def _profiles() -> str:
    lines = [f"| key | {' | '.join(f'`{name}`' for name in _SHIPPED)} |", "| --- |" + " --- |" * len(_SHIPPED)]
    for key, _ in _meanings():
        if key != "description":
            lines.append(f"| `{key}` | {' | '.join(_written(getattr(each, key)) for each in _SHIPPED.values())} |")
    return "\n".join(lines) + "\n"


def _meanings() -> Iterator[tuple[str, str]]:
    """Each key of a profile with its sentence, from the docstring of the class."""
    attributes = (Profile.__doc__ or "").partition("Attributes:")[2]
    for found in re.finditer(r"^ {8}(?P<key>\w+): (?P<text>.+(?:\n {12}.+)*)", attributes, re.MULTILINE):
        if found["key"] != "name":
            yield found["key"], " ".join(found["text"].split()).replace("``", "`")


def _range(key: str) -> str:
    schema = Profile.model_json_schema()["properties"][key]
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    (option,) = options
    if "const" in option or "enum" in option:
        return ", ".join(f"`{_toml(value)}`" for value in option.get("enum", [option.get("const")]))
    if option["type"] == "string":
        return "text"
    if "exclusiveMinimum" in option:
        return f"over {option['exclusiveMinimum']:g}"
    least = _written(option["minimum"])
    return f"{least} to {_written(option['maximum'])}" if "maximum" in option else f"{least} or more"


def _default(key: str) -> str:
    field = Profile.model_fields[key]
    return "has to be there" if field.is_required() else _written(field.default)


def _written(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        return f"`{_toml(value)}`" if value else "empty"
    return f"{value:,g}".replace(",", "_") if isinstance(value, float) else f"{value:_}"


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, page(), "the tests and profiles", __doc__ or ""))
