"""``make operator-pictures``: one failure and one good video, from every side on which an operator sees them."""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from playwright.async_api import Page, Route, ViewportSize, async_playwright

from embedded.ports import Ports
from embedded.run_file import RunFile
from media.ffmpeg import Ffmpeg
from tests.fixtures.chromium import Missing, find_chromium
from tests.fixtures.clips import Clips
from tests.fixtures.prometheus import Missing as NoPrometheus
from tests.fixtures.prometheus import Prometheus, scraping
from tests.fixtures.stack import Home, make_home, running
from tests.web import dashboard, terminal
from tests.web.picture_age import note_taken
from tests.web.screenshots import shrink

_ROOT: Final = Path(__file__).resolve().parents[2]
_DOCS: Final = _ROOT / "docs" / "pictures"
_WEBHOOKS: Final = _ROOT / "docs" / "webhooks.md"
_ANYWHERE: Final = "/home/ann/rushes"
"""Where the documents say that the project is, whatever its place on this machine."""

_WIDE: Final[ViewportSize] = {"width": 1440, "height": 900}
_LOW: Final[ViewportSize] = {"width": 1440, "height": 480}
_WIDE_FOR_FACTS: Final[ViewportSize] = {"width": 1760, "height": 1000}
_WIDE_FOR_TABLES: Final[ViewportSize] = {"width": 2160, "height": 900}
"""Temporal's Web UI cuts its columns where it has less."""
_WIDEST: Final = 1300
_BETWEEN_UPLOADS_SECONDS: Final = 6
_PATIENCE_MILLISECONDS: Final = 30_000
_SETTLE_MILLISECONDS: Final = 2500
_SOURCE: Final = "mandelbrot=size=1280x720:rate=25:start_scale=0.6:end_scale=0.002"
_FAILURES: Final = 'sum by (code) (rushes_videos_ended_total{status="error"}) > 0'
"""By which docs/README.md finds the failure in Prometheus."""


@dataclass(frozen=True)
class Studio:
    """Where the pictures are taken.

    Attributes:
        page: Of a browser.
        clips: Knows ffmpeg.
        folder: For what is not for the documents yet.
    """

    page: Page
    clips: Clips
    folder: Path

    async def takes(self, name: str, address: str, shows: str, size: ViewportSize = _WIDE, width: int = 1000) -> None:
        """A picture of an address, once it shows this text.

        Args:
            name: Of the picture.
            address: What is shown.
            shows: The text.
            size: Of the screen.
            width: Of the picture, in pixels.
        """
        await self.page.set_viewport_size(size)
        await self.page.goto(address, timeout=_PATIENCE_MILLISECONDS)
        await self.page.get_by_text(shows).first.wait_for(timeout=_PATIENCE_MILLISECONDS)
        await self.page.wait_for_timeout(_SETTLE_MILLISECONDS)
        await self.page.screenshot(path=self.folder / f"{name}.png")
        await self._keep(name, width)

    async def draws(self, name: str, content: str, element: str) -> None:
        """A picture of a part of this page."""
        await self.page.goto("about:blank")  # whose policy lets pages have styles of their own
        await self.page.set_content(content)
        await self.page.locator(element).first.screenshot(path=self.folder / f"{name}.png")
        await self._keep(name)

    async def _keep(self, name: str, width: int = 1000) -> None:
        await asyncio.to_thread(shrink, self.clips, self.folder / f"{name}.png", _DOCS / f"{name}.png", width)
        await asyncio.to_thread(note_taken, [name])


async def from_anywhere(route: Route) -> None:
    """What a server answers, as from a project in another place."""
    answer = await route.fetch()
    await route.fulfill(response=answer, body=(await answer.text()).replace(str(_ROOT), _ANYWHERE))


async def uploaded(home: Home, file: Path) -> str:
    """Send a file and wait for its end; returns the video's id."""
    ended = await home.rushes("upload", "--wait", str(file), within_seconds=600)
    return ended.out.strip()


def draw(clips: Clips, folder: Path) -> Mapping[str, Path]:
    """A film that is encoded, and half of another."""
    film, broken = folder / "coastline.mp4", folder / "half-a-wedding.mp4"
    clips.draw(film, "-f", "lavfi", "-i", _SOURCE, "-t", "32", "-c:v", "mpeg4", "-q:v", "5", within_seconds=300)
    broken.write_bytes(clips.path("truncated_no_moov").read_bytes())
    short, letter = folder / "doorstep.mp4", folder / "letter.txt"
    short.write_bytes(clips.path("short_with_sound").read_bytes())
    letter.write_text("Dear Ann", encoding="utf-8")
    return {"film": film, "broken": broken, "short": short, "letter": letter}


@asynccontextmanager
async def receiving() -> AsyncIterator[str]:
    """Address of somebody who takes every webhook."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def a_while_of_work(home: Home, files: Mapping[str, Path], nobody: str) -> tuple[str, str]:
    """What the dashboard is to show; returns the ids of the video that is broken and of the film.

    Args:
        home: Of the service.
        files: As they were drawn.
        nobody: An address at which no webhook is taken.
    """
    async with receiving() as receiver:
        for address in (receiver, nobody):
            await home.rushes("webhooks", "create", address, "--event", "video.ready", "--event", "video.error")
        broken = await uploaded(home, files["broken"])
        film = asyncio.create_task(uploaded(home, files["film"]))
        while not film.done():
            await uploaded(home, files["short"])
            await home.rushes("upload", str(files["letter"]))  # is refused
            await asyncio.sleep(_BETWEEN_UPLOADS_SECONDS)
        return broken, await film


async def take() -> None:
    """Start a service, send it a video that is encoded and one that is broken, and take the pictures."""
    program = await find_chromium()
    if isinstance(program, Missing):
        raise SystemExit(program.reason)
    ffmpeg = (await Ffmpeg.locate()).ffmpeg_path
    with tempfile.TemporaryDirectory(prefix="rushes-pictures-") as place:
        folder = Path(place)
        clips = Clips(ffmpeg, folder)
        files = await asyncio.to_thread(draw, clips, folder)
        port = Ports().free(purpose="metrics")
        home = make_home(folder).with_settings(
            RUSHES_METRICS_PORT=str(port), RUSHES_WEBHOOK_ALLOWED_ADDRESSES='["127.0.0.0/8"]'
        )
        async with running(home) as run, async_playwright() as playwright:
            jobs = {"rushes-api": run.api.removeprefix("http://"), "rushes-worker": f"127.0.0.1:{port}"}
            async with scraping(folder / "prometheus", jobs, with_page=True) as prometheus:
                begun = time.time()
                nobody = f"http://127.0.0.1:{Ports().free(purpose='nobody')}/"
                broken, ready = await a_while_of_work(home, files, nobody)
                browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
                page = await browser.new_page(viewport=_WIDE)
                studio = Studio(page, clips, folder)
                await of_the_failure(studio, home, run, prometheus, broken)
                await of_the_service(studio, run, prometheus, ready, begun)
                await of_a_script(studio, run, files["short"])
                await browser.close()


async def of_the_failure(studio: Studio, home: Home, run: RunFile, prometheus: Prometheus, video: str) -> None:
    """The same failure in four ways: page, ``rushes status``, query, Temporal's Web UI."""
    await studio.takes("failure-page", f"{run.api}/videos/{video}", "The file ends early")
    screens = await terminal.written(home, "status"), await terminal.written(home, "show", video[:8])
    await studio.draws("failure-status", terminal.as_page(*screens), "pre")
    asked = {"g0.expr": _FAILURES, "g0.tab": "1"}
    await studio.takes("failure-query", f"{prometheus.address}/classic/graph?{urlencode(asked)}", "invalid_media", _LOW)
    namespace = f"{run.temporal_ui}/namespaces/{run.namespace}"
    await studio.page.route(f"{run.temporal_ui}/api/**/history*", from_anywhere)
    failed = f"{namespace}/workflows/video-{video}"
    await studio.takes("failure-web-ui", failed, "The file ends early", _WIDE_FOR_FACTS)


async def of_the_service(studio: Studio, run: RunFile, prometheus: Prometheus, ready: str, begun: float) -> None:
    """The dashboard over the time of a real video, and what Temporal's Web UI shows of it."""
    await studio.draws("dashboard", await dashboard.draw(prometheus, begun, time.time()), "main")
    namespace = f"{run.temporal_ui}/namespaces/{run.namespace}"
    await studio.takes("web-ui-timeline", f"{namespace}/workflows/video-{ready}", "video-", _WIDE_FOR_FACTS)
    await studio.takes("web-ui-workflows", f"{namespace}/workflows", "video-", _WIDE_FOR_TABLES, _WIDEST)


async def of_a_script(studio: Studio, run: RunFile, film: Path) -> None:
    """The script of docs/webhooks.md, and what it prints."""
    page = await asyncio.to_thread(_WEBHOOKS.read_text, encoding="utf-8")
    script = page.partition("```python\n")[2].partition("```")[0]
    await asyncio.to_thread(shutil.copyfile, film, studio.folder / "holiday.mov")
    here = script.replace("http://127.0.0.1:8000", run.api).replace("3000", str(Ports().free(purpose="the receiver")))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", here),
        cwd=studio.folder,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    screens = f"$ cat wait_for_webhook.py\n{script}", f"$ python wait_for_webhook.py\n{printed.decode()}"
    await studio.draws("script", terminal.as_page(*screens), "pre")


def main() -> None:
    """Take them, and say where they are."""
    try:
        asyncio.run(take())
    except NoPrometheus as missing:
        raise SystemExit(str(missing)) from missing
    sys.stdout.write(f"The pictures are in {_DOCS}\n")


if __name__ == "__main__":
    main()
