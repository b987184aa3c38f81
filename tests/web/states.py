"""Every state of the page, brought about as it comes about: with real videos, a real service, a slow network."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import httpx
from playwright.async_api import Browser, Route, expect

from tests.fixtures.clips import Clip, Clips
from tests.waiting import eventually
from tests.web.files import Named
from tests.web.visitor import PHONE_SIZE, Visitor, visiting

MEBIBYTE: Final = 1024 * 1024


WIDE: Final = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"}
PHONE: Final = {
    "viewport": PHONE_SIZE,
    "reduced_motion": "reduce",
    "is_mobile": True,
    "has_touch": True,
}
WIDTHS: Final[Mapping[str, Mapping[str, object]]] = {"wide": WIDE, "phone": PHONE}
Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, Scheme]] = ("light", "dark")


@dataclass(frozen=True)
class Stage:
    """What the states are made of.

    Attributes:
        address: Of a service without keys.
        clips: Small videos.
        named: Copies of them.
    """

    address: str
    clips: Clips
    named: Named


State = Callable[[Visitor, Stage], Awaitable[None]]


async def empty(visitor: Visitor, _: Stage) -> None:
    """Nobody has uploaded anything."""
    await visitor.opens()
    await expect(visitor.page.locator(".drop.large")).to_be_visible()


async def loading(visitor: Visitor, _: Stage) -> None:
    """The list has not come yet."""
    await visitor.page.route("**/api/v1/videos?*", lambda _: None)
    await visitor.opens()
    await expect(visitor.page.locator(".skeleton").first).to_be_visible()


async def not_loaded(visitor: Visitor, _: Stage) -> None:
    """The service does not answer."""
    await visitor.page.route("**/api/v1/videos?*", lambda route: route.abort())
    await visitor.opens()
    await expect(visitor.page.get_by_text("The videos can't be loaded")).to_be_visible()
    await expect(visitor.page.locator("#banner")).not_to_be_empty()


async def sign_in(visitor: Visitor, _: Stage) -> None:
    """Somebody without a session."""
    refusal = {"code": "unauthenticated", "detail": "Send a key."}
    await visitor.page.route("**/api/v1/me", lambda route: route.fulfill(status=401, json=refusal))
    await visitor.opens()
    await expect(visitor.page.locator("h1")).to_have_text("Sign in")


async def uploading(visitor: Visitor, stage: Stage) -> None:
    """Two files are on their way, a third waits, one is not taken."""
    await visitor.opens()
    await visitor.slows_uploads(MEBIBYTE)
    clip = stage.clips.path("sub_second")
    names = ("Harbour at night", "Rehearsal, first act", "Interview")
    notes = stage.named.copy(clip, "notes")
    letter = notes.rename(notes.with_suffix(".txt"))
    await visitor.chooses(*(stage.named.large(clip, name, 24 * MEBIBYTE) for name in names), letter)
    await expect(visitor.page.get_by_text("iB/s").first).to_be_visible()


async def needs_file(visitor: Visitor, stage: Stage) -> None:
    """The page was loaded anew in the middle of two uploads, while a third file waited for its turn."""
    await visitor.opens()
    await visitor.slows_uploads(MEBIBYTE)
    clip, names = stage.clips.path("sub_second"), ("Harbour at night", "Rehearsal, first act", "Interview")
    await visitor.chooses(*(stage.named.large(clip, name, 24 * MEBIBYTE) for name in names))
    await expect(visitor.page.get_by_text("iB/s").first).to_be_visible()
    await visitor.page.reload()
    await expect(visitor.page.get_by_text("Choose the file again")).to_have_count(3)
    await expect(visitor.page.get_by_text("before this file's turn came").first).to_be_visible()


async def processing(visitor: Visitor, stage: Stage) -> None:
    """One is encoded, others are ready, one is broken."""
    await library(visitor, stage)
    await visitor.chooses(stage.named.copy(stage.clips.path(Clip.FORTY_SECONDS), "Long take"))
    await expect(visitor.card("Long take").locator(".steps li[data-standing=now]")).to_have_text("Convert")
    await expect(visitor.card("Long take")).to_contain_text("playback speed")


async def library(visitor: Visitor, _: Stage) -> None:
    """Videos that are ready, and one that is broken."""
    await visitor.opens()
    await expect(visitor.page.locator("a.play").first).to_be_visible()
    await expect(visitor.page.locator(".card[data-kind=error]").first).to_be_visible()


async def menu(visitor: Visitor, stage: Stage) -> None:
    """What can be done with a video."""
    await library(visitor, stage)
    await visitor.page.locator(".card[data-kind=ready] .menu-place > button").first.click()
    await expect(visitor.page.locator(".menu:popover-open")).to_be_visible()


async def renaming(visitor: Visitor, stage: Stage) -> None:
    """A question that has to be answered."""
    await menu(visitor, stage)
    await visitor.page.locator(".menu:popover-open").get_by_text("Rename").click()
    await expect(visitor.page.locator("dialog")).to_be_visible()


async def choosing_a_profile(visitor: Visitor, stage: Stage) -> None:
    """With which profile is it to be made anew?"""
    await menu(visitor, stage)
    await visitor.page.locator(".menu:popover-open").get_by_text("Process again").click()
    await expect(visitor.page.get_by_role("radio").first).to_be_visible()


async def editing_metadata(visitor: Visitor, stage: Stage) -> None:
    """What is kept with a video is changed."""
    await video(visitor, stage)
    await visitor.page.get_by_role("button", name="metadata").click()
    await visitor.page.get_by_label("Key", exact=True).fill("order")
    await visitor.page.get_by_label("Value", exact=True).fill("4711")
    await visitor.page.get_by_role("button", name="Add a key").click()
    await expect(visitor.page.get_by_label("Key", exact=True)).to_have_count(2)


async def made_anew(visitor: Visitor, stage: Stage) -> None:
    """A ready video is made anew while it can be watched."""
    half_done = {"reprocess_profile": "mobile", "step": "transcode", "progress": 0.42, "time_left_seconds": 75.0}
    await video_that_says(visitor, stage, {**half_done, "metadata": {"order": "4711", "place": "Harbour"}})
    await expect(visitor.page.get_by_text("Processing again with profile mobile")).to_be_visible()
    await expect(visitor.page.locator("video")).to_have_js_property("readyState", 4)


async def not_made_anew(visitor: Visitor, stage: Stage) -> None:
    """A ready video that could not be."""
    failed = {"reprocess_error_code": "transcode_failed", "reprocess_error_reason": "ffmpeg ended with exit status 1."}
    await video_that_says(visitor, stage, {"reprocess_profile": "archive", **failed})
    await expect(visitor.page.locator(".callout.failed")).to_be_visible()
    await expect(visitor.page.locator("video")).to_have_js_property("readyState", 4)


async def video_that_says(visitor: Visitor, stage: Stage, told: Mapping[str, object]) -> None:
    """The page of a video that is ready, of which the service says so; also what is added to that later."""
    await library(visitor, stage)
    address = await visitor.page.locator(".card[data-kind=ready] a.title").first.get_attribute("href")

    async def say(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.json()
        for found in body.get("items", [body]):
            found.update(told if f"/videos/{found['id']}" == address else {})
        await route.fulfill(response=answer, json=body)

    await visitor.page.route(f"**/api/v1{address}", say)
    await visitor.page.route("**/api/v1/videos?*", say)
    await visitor.page.route("**/api/v1/events*", lambda route: route.abort())
    await visitor.opens(str(address))
    await expect(visitor.page.locator(".timeline li").first).to_be_visible()


async def deleting(visitor: Visitor, stage: Stage) -> None:
    """A deletion that can still be undone."""
    await menu(visitor, stage)
    await visitor.page.locator(".menu:popover-open").get_by_text("Delete").click()
    await expect(visitor.page.get_by_role("button", name="Undo")).to_be_visible()


async def found_nothing(visitor: Visitor, _: Stage) -> None:
    """A search that nothing matches."""
    await visitor.opens()
    await visitor.page.get_by_label("Search by title").fill("no such film")
    await expect(visitor.page.get_by_text("Nothing matches")).to_be_visible()


async def video(visitor: Visitor, stage: Stage) -> None:
    """The page of a ready video."""
    await library(visitor, stage)
    await visitor.page.locator(".card[data-kind=ready] a.title").first.click()
    await expect(visitor.page.locator(".timeline li").first).to_be_visible()
    trace = re.compile(
        rf"^http://127\.0\.0\.1:\d+/namespaces/.+/workflows/video-{visitor.page.url.rpartition('/')[2]}$"
    )
    await expect(visitor.page.get_by_role("link", name="Temporal Web UI")).to_have_attribute("href", trace)
    await expect(visitor.page.locator("video")).to_have_js_property("readyState", 4)


async def keys(visitor: Visitor, stage: Stage) -> None:
    """What the keys of the player do, and whether letters do."""
    await video(visitor, stage)
    await visitor.page.get_by_text("Keys of the player").click()
    await visitor.page.get_by_label("Letters and digits act").scroll_into_view_if_needed()


async def broken_video(visitor: Visitor, stage: Stage) -> None:
    """The page of a video in error."""
    await library(visitor, stage)
    await visitor.page.locator(".card[data-kind=error] a.title").first.click()
    await expect(visitor.page.locator(".callout.failed")).to_be_visible()
    await expect(visitor.page.locator(".timeline li").first).to_be_visible()


async def nothing_here(visitor: Visitor, _: Stage) -> None:
    """An address that is none of the page's."""
    await visitor.opens("/nowhere")
    await expect(visitor.page.locator("h1")).to_have_text("There is nothing here")


async def no_such_video(visitor: Visitor, _: Stage) -> None:
    """Deleted, or somebody else's."""
    await visitor.opens("/videos/00000000-0000-4000-8000-000000000000")
    await expect(visitor.page.locator("h1")).to_have_text("There is no such video")


async def embedded(visitor: Visitor, stage: Stage) -> None:
    """The player alone."""
    await library(visitor, stage)
    address = await visitor.page.locator(".card[data-kind=ready] a.title").first.get_attribute("href")
    await visitor.page.goto(f"{address}/embed")
    await expect(visitor.page.locator("video")).to_have_js_property("readyState", 4)


async def embedded_nothing(visitor: Visitor, _: Stage) -> None:
    """A link that has expired."""
    await visitor.page.goto("/videos/00000000-0000-4000-8000-000000000000/embed")
    await expect(visitor.page.get_by_role("alert")).to_be_visible()


BEFORE: Final[tuple[State, ...]] = (
    *(empty, loading, not_loaded, sign_in, nothing_here, no_such_video, embedded_nothing),
)
"""States of a library without videos."""

WITH_VIDEOS: Final[tuple[State, ...]] = (
    *(
        library,
        menu,
        renaming,
        found_nothing,
        video,
        keys,
        broken_video,
        choosing_a_profile,
        editing_metadata,
        made_anew,
        not_made_anew,
        embedded,
        uploading,
        needs_file,
        processing,
        deleting,
    ),
)
"""States of one with videos; the last ones change it."""


@asynccontextmanager
async def looking(browser: Browser, stage: Stage, screen: Mapping[str, object]) -> AsyncIterator[Visitor]:
    """A visitor with that screen; what they began or took away is as it was before, afterwards."""
    async with visiting(browser, stage.address, None, **screen) as visitor:
        yield visitor
        if await (undo := visitor.page.get_by_role("button", name="Undo")).is_visible():
            await undo.click()
        await visitor.page.unroute_all(behavior="ignoreErrors")
        await visitor.page.goto("about:blank")
        for other in visitor.page.context.pages[1:]:  # which would go on with what waits there
            await other.close()
        async with httpx.AsyncClient(base_url=stage.address) as api:
            for begun in ({"status": "uploading"}, {"status": "processing"}, {"error_code": "cancelled"}):
                for found in (await api.get("/api/v1/videos", params=begun)).json()["items"]:
                    await api.delete(f"/api/v1/videos/{found['id']}")


async def furnish(stage: Stage, clips: Mapping[str, Path]) -> None:
    """Upload these clips by their titles, and wait until all of them are through."""
    async with httpx.AsyncClient(base_url=stage.address, timeout=60) as api:

        async def waiting() -> int:
            counts = (await api.get("/api/v1/system")).json()["videos"]
            return int(counts["uploading"]) + int(counts["processing"])

        for title, clip in clips.items():
            content = await asyncio.to_thread(clip.read_bytes)
            answer = await api.post(
                "/api/v1/videos/upload", files={"file": (clip.name, content)}, data={"title": title}
            )
            assert answer.status_code == 202, answer.text
            await eventually(waiting, lambda count: count == 0, within_seconds=120)
