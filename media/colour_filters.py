"""ffmpeg filters that bring a picture to its planned size and to BT.709, whatever its colours are. Pure."""

from typing import Final

from media.plan import SourceColours, ToneMap

_REFERENCE_WHITE_NITS: Final = 203
"""Diffuse white of HDR (ITU-R BT.2408); what is brighter is compressed into the little room above it."""

_TO_709: Final = "t=bt709:m=bt709:p=bt709:r=tv:dither=error_diffusion"
_TAGGED: Final = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"


def colour_filters(colours: SourceColours, width: int, height: int) -> list[str]:
    """The planned size, 8-bit 4:2:0, BT.709, limited range, and tagged so.

    Args:
        colours: Of the source.
        width: Pixels of the output.
        height: Pixels of the output.
    """
    if colours.tone_map is not None:
        return [*_tone_mapping(colours.tone_map, width, height), "format=yuv420p", _TAGGED]
    if colours.wide_primaries is not None:
        # What the file does not say is said here: zscale knows no way from colours that are not named.
        own_range = "pc" if colours.full_range else "tv"
        came = f"tin=bt709:pin={colours.wide_primaries}:min={colours.matrix}:rin={own_range}"
        kept = ":".join(f"{end}_color_matrix={colours.matrix}:{end}_range={own_range}" for end in ("in", "out"))
        return [f"scale={width}:{height}:{kept}", f"zscale={came}:{_TO_709}", "format=yuv420p", _TAGGED]
    in_range = "pc" if colours.full_range else "auto"
    matrices = f"in_color_matrix={colours.matrix}:in_range={in_range}:out_color_matrix=bt709:out_range=tv"
    return [f"scale={width}:{height}:{matrices}", "format=yuv420p", _TAGGED]


def _tone_mapping(kind: ToneMap, width: int, height: int) -> list[str]:
    """From PQ or HLG to SDR: made linear, its gamut narrowed, its lights compressed along the Möbius curve."""
    came = f"tin={kind.value}:pin=bt2020:min=bt2020nc"
    return [
        f"zscale=w={width}:h={height}:{came}:t=linear:npl={_REFERENCE_WHITE_NITS}",
        "format=gbrpf32le",
        "zscale=p=bt709",
        "tonemap=tonemap=mobius:desat=0",
        f"zscale={_TO_709}",
    ]
