"""``make operator-pictures``: a video as Temporal's Web UI shows it, for the documents."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.async_api import Page, async_playwright

from media.ffmpeg import Ffmpeg
from tests.fixtures.chromium import Missing, find_chromium
from tests.fixtures.clips import Clips
from tests.fixtures.stack import Home, make_home, running
from tests.web.screenshots import shrink

_DOCS: Final = Path(__file__).resolve().parents[2] / "docs" / "pictures"
_WIDE: Final = {"width": 1440, "height": 900}
_PATIENCE_MILLISECONDS: Final = 30_000
_SETTLE_MILLISECONDS: Final = 2500
_SOURCE: Final = "mandelbrot=size=1280x720:rate=25:start_scale=0.6:end_scale=0.002"


async def uploaded(home: Home, file: Path) -> str:
    """Send a file and wait for its end; returns the video's id."""
    ended = await home.rushes("upload", "--wait", str(file), within_seconds=600)
    return ended.out.strip()


async def take() -> None:
    """Start a service, send it a video that is encoded and one that is broken, and take the pictures."""
    program = await find_chromium()
    if isinstance(program, Missing):
        raise SystemExit(program.reason)
    ffmpeg = (await Ffmpeg.locate()).ffmpeg_path
    with tempfile.TemporaryDirectory(prefix="rushes-pictures-") as place:
        folder = Path(place)
        clips = Clips(ffmpeg, folder)
        film = folder / "coastline.mp4"
        codecs = ("-t", "40", "-c:v", "mpeg4", "-q:v", "5")
        await asyncio.to_thread(clips.draw, film, "-f", "lavfi", "-i", _SOURCE, *codecs)
        home = make_home(folder)
        async with running(home) as run, async_playwright() as playwright:
            ready = await uploaded(home, film)
            await uploaded(home, clips.path("truncated_no_moov"))
            browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = await browser.new_page(viewport=_WIDE)  # type: ignore[arg-type]
            namespace = f"{run.temporal_ui}/namespaces/{run.namespace}"
            pictures = {
                "web-ui-timeline": f"{namespace}/workflows/video-{ready}",
                "web-ui-workflows": f"{namespace}/workflows",
            }
            for name, address in pictures.items():
                await _take(page, address, folder / f"{name}.png")
                await asyncio.to_thread(shrink, clips, folder / f"{name}.png", _DOCS / f"{name}.png")
            await browser.close()


async def _take(page: Page, address: str, path: Path) -> None:
    await page.goto(address, timeout=_PATIENCE_MILLISECONDS)
    await page.get_by_text("video-").first.wait_for(timeout=_PATIENCE_MILLISECONDS)
    await page.wait_for_timeout(_SETTLE_MILLISECONDS)
    await page.screenshot(path=path)


def main() -> None:
    """Take them, and say where they are."""
    asyncio.run(take())
    sys.stdout.write(f"The pictures are in {_DOCS}\n")


if __name__ == "__main__":
    main()
