"""``make screenshots``: every state of the page as pictures for people to look at, and what axe-core says of each."""

import asyncio
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, async_playwright, expect

from media.ffmpeg import Ffmpeg
from tests.fixtures.chromium import Missing, find_chromium
from tests.fixtures.clips import Clips
from tests.fixtures.stack import make_home, running
from tests.web.files import Named
from tests.web.findings import findings
from tests.web.held_up import HELD_UP
from tests.web.picture_age import note_taken
from tests.web.states import BEFORE, SCHEMES, WIDE, WIDTHS, WITH_VIDEOS, Stage, State, furnish, looking

FOLDER: Final = Path(__file__).resolve().parents[2] / "var" / "screenshots"
_DOCS: Final = FOLDER.parents[1] / "docs" / "pictures"
_IN_DOCS: Final = {"uploading": "uploading", "processing": "library", "video": "video"}
"""What the documents show, by state, and as what."""
_WAITED_FOR: Final = {"processing": (re.compile(r"\d\s%.*\sleft"),)}
"""What a state shows a while after it was brought about."""
_HAS_NOTHING_BEFORE_IT: Final = "scrollY === 0 && document.querySelector('dialog[open]') === null"
_ENCODE_MILLISECONDS: Final = 60_000
_SETTLE_MILLISECONDS: Final = 300
_SETTLE_OF_FILMS_MILLISECONDS: Final = 2500
"""Chromium's player turns its sign of loading to the end."""
_SOURCES: Final = {
    "Colour bars": ("smptehdbars=size=1280x720:rate=25", 75),
    "Upright, by phone": ("gradients=size=720x1280:rate=25:c0=#0b6e4f:c1=#f2e8cf:nb_colors=2:speed=0.02", 6),
    "Evening sky": ("gradients=size=1280x720:rate=25:c0=#1b2a49:c1=#e6a15c:c2=#8a4f7d:nb_colors=3:x0=0:y0=720", 8),
    "Coastline": ("mandelbrot=size=1280x720:rate=25:start_scale=0.6:end_scale=0.002", 12),
}


def draw(clips: Clips, folder: Path) -> Mapping[str, Path]:
    """Clips that are good to look at, and a broken one."""
    drawn: dict[str, Path] = {"Half a wedding": clips.path("truncated_no_moov")}
    for number, (title, (source, seconds)) in enumerate(_SOURCES.items()):
        path = folder / f"clip-{number}.mp4"
        sound = ("-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000", "-t", str(seconds))
        video = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2")
        clips.draw(path, "-f", "lavfi", "-i", source, *sound, *video)
        drawn[title] = path
    return drawn


async def picture(browser: Browser, stage: Stage, state: State) -> list[str]:
    """Take the state's pictures; returns what axe-core found."""
    found: list[str] = []
    for width, screen in WIDTHS.items():
        async with looking(browser, stage, screen) as visitor:
            await state(visitor, stage)
            for text in _WAITED_FOR.get(state.__name__, ()):
                await expect(visitor.page.get_by_text(text).first).to_be_visible(timeout=_ENCODE_MILLISECONDS)
            for scheme in SCHEMES:
                await visitor.page.emulate_media(color_scheme=scheme)
                has_film = await visitor.page.locator("video").count() > 0
                await visitor.page.wait_for_timeout(_SETTLE_OF_FILMS_MILLISECONDS if has_film else _SETTLE_MILLISECONDS)
                path = FOLDER / f"{state.__name__}-{width}-{scheme}.png"
                # For a whole page the browser forgets that a phone has no mouse; one that is scrolled, or has a dialog
                # before it, is another one when it is taken whole.
                is_whole = screen is WIDE and await visitor.page.evaluate(_HAS_NOTHING_BEFORE_IT)
                await visitor.page.screenshot(path=path, full_page=is_whole)
                found += [f"{state.__name__}, {width}, {scheme}: {one}" for one in await findings(visitor.page)]
    return found


async def take(only: set[str]) -> list[str]:
    """Start a service and a browser, and take all pictures, or those of the states that are named."""
    program = await find_chromium()
    if isinstance(program, Missing):
        raise SystemExit(program.reason)
    FOLDER.mkdir(parents=True, exist_ok=True)
    found: list[str] = []
    ffmpeg = (await Ffmpeg.locate()).ffmpeg_path
    with tempfile.TemporaryDirectory(prefix="rushes-screenshots-") as place:
        folder = Path(place)
        clips = Clips(ffmpeg, folder)
        async with running(make_home(folder)) as run, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            stage = Stage(run.api, clips, Named(folder))
            for state in BEFORE:
                found += await picture(browser, stage, state) if not only or state.__name__ in only else []
            await furnish(stage, await asyncio.to_thread(draw, clips, folder))
            for state in (*WITH_VIDEOS, *HELD_UP):
                found += await picture(browser, stage, state) if not only or state.__name__ in only else []
            await browser.close()
        taken = {shown: name for shown, name in _IN_DOCS.items() if not only or shown in only}
        for shown, name in taken.items():
            await asyncio.to_thread(shrink, clips, FOLDER / f"{shown}-wide-light.png", _DOCS / f"{name}.png")
        await asyncio.to_thread(note_taken, taken.values())
    return found


def shrink(clips: Clips, source: Path, target: Path, width: int = 1000) -> None:
    """A picture for a document: narrower, and of few colours, so that a clone of the project stays small."""
    colours = (
        f"scale={width}:-1:flags=lanczos,split[a][b];[a]palettegen=[p];[b][p]paletteuse=dither=bayer:bayer_scale=4"
    )
    clips.draw(target, "-i", str(source), "-filter_complex", colours, "-frames:v", "1", "-update", "1")


def main() -> None:
    """Take them, and say where they are."""
    found = asyncio.run(take(set(sys.argv[1:])))
    sys.stdout.write("".join(f"{line}\n" for line in [*found, f"The pictures are in {FOLDER}"]))
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
