"""Somebody who uses the page, with a browser of their own."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, BrowserContext, CDPSession, Frame, Locator, Page, expect
from playwright.async_api import TimeoutError as PageTimeout

PATIENCE: Final = 30_000.0
"""Milliseconds that anything may take to be seen, on a machine that is busy."""

PHONE_SIZE: Final = {"width": 390, "height": 844}

_DROPS: Final = 5
_TAKEN_MILLISECONDS: Final = 8_000.0

expect.set_options(timeout=PATIENCE)


class Visitor:
    """A page that is open, and what a person does with it.

    Attributes:
        page: Of Playwright.
        problems: What the browser complained of: errors of scripts, refusals by the policy.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        self._slowed: CDPSession | None = None
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda message: self._note(message.text))

    def _note(self, text: str) -> None:
        if "Content Security Policy" in text or "Refused to" in text:
            self.problems.append(text)

    async def opens(self, address: str = "/") -> None:
        """Go to an address of the page, until it shows something."""
        await self.page.goto(address)
        await expect(self.page.locator("h1")).to_be_visible()

    async def chooses(self, *files: Path) -> None:
        """Choose files to upload."""
        await self.page.locator("#files").set_input_files(files)

    async def drops(self, *files: Path) -> None:
        """Drop files onto the page, as from a folder: unlike chosen ones, the browser knows where they are."""
        taken = self.page.locator(".title").get_by_text(files[0].stem).first
        for _ in range(_DROPS):
            await self._drags(files, "dragEnter", "dragOver", "drop")
            with suppress(PageTimeout):  # the driver's drop falls on nothing where the page's answer was not there yet
                return await taken.wait_for(timeout=_TAKEN_MILLISECONDS)
        raise AssertionError("the page took no drop")

    async def holds(self, *files: Path) -> None:
        """Hold files over the page, and don't let go of them."""
        await self._drags(files, "dragEnter", "dragOver")
        await expect(self.page.locator("body")).to_have_class("dropping")

    async def _drags(self, files: Sequence[Path], *kinds: str) -> None:
        session = await self.page.context.new_cdp_session(self.page)
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in kinds:
            await session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})

    def card(self, title: str) -> Locator:
        """The card of that title."""
        named = self.page.locator(".title").get_by_text(title, exact=True)
        return self.page.locator(".card").filter(has=named)

    async def sees_ready(self, title: str) -> Locator:
        """Wait until a video can be played; returns its card."""
        card = self.card(title)
        await expect(card.locator("a.play")).to_be_visible()
        return card

    async def sees_card(self, title: str) -> None:
        """Wait until there is a card of that title."""
        await expect(self.card(title)).to_have_count(1)

    async def takes(self, title: str, entry: str) -> None:
        """Choose something from the menu of a card."""
        await self.sees_card(title)
        await self.card(title).get_by_role("button", name="More for").click()
        await self.card(title).locator(".menu:popover-open").get_by_text(entry, exact=True).click()

    async def is_told(self, text: str) -> None:
        """Wait until a notice says so."""
        await expect(self.page.locator(".notice").filter(has_text=text).first).to_be_visible()

    async def slows_uploads(self, bytes_a_second: int | None) -> None:
        """Let the network take no more than this, or as much as it can for None."""
        if self._slowed is not None:
            await self._slowed.detach()  # whose network would be there also while the browser is offline
            self._slowed = None
        if bytes_a_second is not None:
            self._slowed = await self.page.context.new_cdp_session(self.page)
            conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second}
            await self._slowed.send("Network.emulateNetworkConditions", conditions)

    async def looks(self, *, away: bool) -> None:
        """Turn to another tab or close the lid, or come back: without a screen no tab of this browser is hidden."""
        await self.page.evaluate(
            """(isAway) => {
                Object.defineProperty(document, "hidden", { configurable: true, get: () => isAway });
                document.dispatchEvent(new Event("visibilitychange"));
            }""",
            away,
        )

    async def takes_it_to_a_phone(self) -> None:
        """Show the page as it stands on a screen that is narrow and touched: a dialog that is open stays open."""
        session = await self.page.context.new_cdp_session(self.page)
        await session.send("Emulation.setDeviceMetricsOverride", {**PHONE_SIZE, "deviceScaleFactor": 1, "mobile": True})
        await session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
        shown = await self.page.evaluate("[innerWidth, matchMedia('(pointer: coarse)').matches]")
        assert shown == [PHONE_SIZE["width"], True]

    async def keeps_a_picture(self, path: Path) -> None:
        """What is on the screen. Playwright's own way shows every screen as one of the size that it began with."""
        session = await self.page.context.new_cdp_session(self.page)
        taken = await session.send("Page.captureScreenshot", {"format": "png"})
        await asyncio.to_thread(_write, path, b64decode(taken["data"]))

    async def frames_played(self, frame: Frame | None = None) -> int:
        """How many pictures of the film were shown so far, on the page or in a frame of it."""
        shown: int = await (frame or self.page.main_frame).evaluate(
            "document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0"
        )
        return shown


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


async def how_full(bar: Locator) -> float:
    """Which part of a bar is filled; 0 where that is not known."""
    filled: float = await bar.evaluate("bar => bar.value")
    return filled


@asynccontextmanager
async def visiting(browser: Browser, address: str, key: str | None = None, **options: object) -> AsyncIterator[Visitor]:
    """A visitor with a fresh browser, signed in with a key where one is given.

    They asked for less motion, where nothing else is said: without a graphics card what moves costs half a processor.
    """
    wanted = {"reduced_motion": "reduce", **options}
    context = await browser.new_context(base_url=address, **wanted)  # type: ignore[arg-type] # as Playwright names them
    context.set_default_timeout(PATIENCE)
    try:
        if key is not None:
            await sign_in(context, key)
        visitor = Visitor(await context.new_page())
        yield visitor
        assert visitor.problems == []
    finally:
        await context.close()


async def sign_in(context: BrowserContext, key: str) -> None:
    """Give the browser a session, as the form does."""
    answer = await context.request.post("/api/v1/session", headers={"Authorization": f"Bearer {key}"})
    assert answer.status == 201, await answer.text()
