"""States of the page in which something is held up, or is elsewhere: brought about as the others are."""

import os
from typing import Any, Final

from playwright.async_api import Route, expect

from tests.fixtures.clips import Clip
from tests.web.states import MEBIBYTE, Stage, State, library, video_that_says
from tests.web.visitor import Visitor

_FULL: Final = {"code": "storage_failed", "message": "The disk is full."}
_HELD_UP: Final = {
    "create_thumbnail": {"state": "retrying", "attempts": 2, "last_failure": _FULL, "duration_seconds": None},
    "join_streams": {"state": "paused", "duration_seconds": None},
}
"""What the service tells of steps that are, as ``runs/history.py`` makes it."""
_IN_THE_MIDDLE: Final = {
    "status": "processing",
    "published_edition": 0,
    "step": "transcode",
    "progress": 0.42,
    "step_attempt": 3,
    "step_failure": "The disk is full.",
    "speed": 1.3,
    "time_left_seconds": 75.0,
}


async def offline(visitor: Visitor, stage: Stage) -> None:
    """The network has gone in the middle of an upload."""
    await library(visitor, stage)
    await visitor.slows_uploads(MEBIBYTE)
    await visitor.chooses(stage.named.large(stage.clips.path("sub_second"), "Interview", 64 * MEBIBYTE))
    await expect(visitor.page.get_by_text("iB/s").first).to_be_visible()
    await visitor.slows_uploads(None)
    await visitor.page.context.set_offline(True)
    await expect(visitor.page.locator("#banner")).to_contain_text("You are offline")
    await expect(visitor.card("Interview")).to_contain_text("The upload continues when you are back.")


async def signing_in_again(visitor: Visitor, stage: Stage) -> None:
    """A session has ended, and the key is not the right one."""
    await library(visitor, stage)
    refusal = {"code": "unauthenticated", "detail": "Send a key."}
    await visitor.page.route("**/api/v1/videos?*", lambda route: route.fulfill(status=401, json=refusal))
    await visitor.page.get_by_label("Search by title").fill("harbour")
    await expect(visitor.page.locator("h1")).to_have_text("Your session has ended")
    await visitor.page.get_by_label("Key").fill("rushes_000000000000_wrong")
    await visitor.page.get_by_role("button", name="Sign in").click()
    await expect(visitor.page.get_by_role("alert")).to_contain_text("The key is unknown")


async def in_another_tab(visitor: Visitor, stage: Stage) -> None:
    """Another tab sends two files, and a third one waits there."""
    other = Visitor(await visitor.page.context.new_page())
    await other.opens()
    await other.slows_uploads(MEBIBYTE)
    clip = stage.clips.path("sub_second")
    names = ("Harbour at night", "Rehearsal, first act", "Interview")
    await other.chooses(*(stage.named.large(clip, name, 24 * MEBIBYTE) for name in names))
    await expect(other.page.get_by_text("iB/s").nth(1)).to_be_visible()
    await visitor.page.bring_to_front()
    await library(visitor, stage)
    await expect(visitor.page.get_by_text("Uploading in another tab")).to_have_count(2)
    await expect(visitor.page.get_by_text("Waiting for its turn in another tab")).to_be_visible()


async def not_uploaded(visitor: Visitor, stage: Stage) -> None:
    """A file has changed since it was chosen, and for another one there is no room."""
    await library(visitor, stage)
    changing, large = (stage.named.copy(stage.clips.path("sub_second"), name) for name in ("Second draft", "Interview"))

    async def change(route: Route) -> None:
        if route.request.method != "PATCH":
            return await route.continue_()
        os.utime(changing, (0, 0))
        return await route.abort()

    async def refuse(route: Route) -> None:
        full = {"code": "no_room", "detail": "There is no room."}
        await (route.fulfill(status=507, json=full) if route.request.method == "PATCH" else route.continue_())

    for file, answer, told in ((changing, change, "has changed or moved"), (large, refuse, "no room for this file")):
        await visitor.page.route("**/api/v1/uploads/*", answer)
        await visitor.chooses(file)
        await expect(visitor.card(file.stem)).to_contain_text(told)
        await visitor.page.unroute("**/api/v1/uploads/*")


async def steps_held_up(visitor: Visitor, stage: Stage) -> None:
    """A step waits to be tried again, and an operator has paused another one."""

    async def hold_up(route: Route) -> None:
        answer = await route.fetch()
        told = await answer.json()
        names = [step["activity"] for step in told["steps"]]
        begun = told["steps"][: 1 + max(names.index(name) for name in _HELD_UP)]
        steps = [step | _HELD_UP.get(step["activity"], {}) for step in begun]
        await route.fulfill(response=answer, json=told | {"steps": steps, "after": None})

    await visitor.page.route("**/steps", hold_up)
    await video_that_says(visitor, stage, {**_IN_THE_MIDDLE, "step": "join", "time_left_seconds": None})
    await expect(visitor.page.get_by_text("waiting to retry")).to_be_visible()
    await expect(visitor.page.get_by_text("paused by an operator")).to_be_visible()
    await expect(visitor.page.get_by_text("Retrying: The disk is full.")).to_be_visible()


async def retried(visitor: Visitor, stage: Stage) -> None:
    """The same in the list: one is encoded, and what failed is tried again."""
    await video_that_says(visitor, stage, _IN_THE_MIDDLE)
    await visitor.page.locator("a.back").click()
    await expect(visitor.page.locator(".card[data-kind=processing]")).to_contain_text("Retrying: The disk is full.")


async def new_version(visitor: Visitor, stage: Stage) -> None:
    """A video was made anew while somebody watches it."""
    told: dict[str, Any] = {}
    await video_that_says(visitor, stage, told)
    film = visitor.page.locator("video")
    await expect(film).to_have_js_property("readyState", 4)
    await film.evaluate("film => { film.currentTime = film.duration / 3; }")
    told["published_edition"] = 2
    await expect(visitor.page.get_by_role("button", name="Watch the new version")).to_be_visible()
    await expect(film).to_have_js_property("readyState", 4)


async def cancelled(visitor: Visitor, stage: Stage) -> None:
    """Somebody has thought better of it."""
    await library(visitor, stage)
    await visitor.chooses(stage.named.copy(stage.clips.path(Clip.FORTY_SECONDS), "Long take"))
    card = visitor.card("Long take")
    await expect(card).to_have_attribute("data-kind", "processing")
    await card.get_by_role("button", name="Cancel").click()
    await expect(card).to_have_attribute("data-kind", "cancelled")
    await expect(card.get_by_role("button", name="Try again")).to_be_visible()


async def dropping(visitor: Visitor, stage: Stage) -> None:
    """Files are held over the page."""
    await library(visitor, stage)
    await visitor.holds(stage.named.copy(stage.clips.path("sub_second"), "Interview"))


HELD_UP: Final[tuple[State, ...]] = (
    *(offline, signing_in_again, in_another_tab, not_uploaded),
    *(steps_held_up, retried, new_version, cancelled, dropping),
)
"""States of a library with videos, which stays as it is."""
