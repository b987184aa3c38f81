"""The page of one video, and its menu: by keys as well, on a phone, and for whom motion is too much."""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import Browser, Route, expect

from cli.steps_view import gathered
from client.views import StepView
from contracts.status import StepState
from tests.fixtures.clips import Clips
from tests.waiting import eventually
from tests.web.conftest import Site
from tests.web.files import Named
from tests.web.states import PHONE
from tests.web.test_videos import uploaded
from tests.web.visitor import Visitor, visiting

pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True)
class Film:
    """Ann's video that these tests share, two seconds long.

    Attributes:
        id: Of the video.
        file: As it was uploaded.
    """

    id: str
    file: Path


@pytest.fixture(scope="module")
async def film(site: Site, clips: Clips, tmp_path_factory: pytest.TempPathFactory) -> Film:
    """It is ready, and private."""
    file = Named(tmp_path_factory.mktemp("film")).copy(clips.path("short_with_sound"), "showpiece")
    async with site.as_user(site.ann) as api:
        return Film(await uploaded(api, file), file)


async def test_a_link_and_code_are_copied_of_a_private_and_of_a_public_video(
    ann: Visitor, site: Site, film: Film
) -> None:
    await ann.page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    async def copied(entry: str, told: str) -> str:
        await ann.takes("showpiece", entry)
        await ann.is_told(told)
        text: str = await ann.page.evaluate("navigator.clipboard.readText()")
        return text

    player = f"{site.address}/videos/{film.id}/embed"
    assert (await copied("Copy link", "It works for a week.")).startswith(f"{player}?")
    assert (await copied("Copy embed code", "Code copied. It works")).startswith(f'<iframe src="{player}?')
    await ann.takes("showpiece", "Make public")
    await ann.is_told("“showpiece” is public")
    await expect(ann.card("showpiece")).to_contain_text("public")
    assert await copied("Copy link", "Anyone who has it can watch.") == player
    await ann.takes("showpiece", "Make private")
    await ann.is_told("“showpiece” is private")
    async with site.as_user(site.ann) as api:
        assert (await api.get(f"/api/v1/videos/{film.id}")).json()["visibility"] == "private"


async def test_the_original_is_downloaded_as_it_was_sent(ann: Visitor, film: Film) -> None:
    async with ann.page.expect_download() as download:
        await ann.takes("showpiece", "Download original")
    got = await download.value
    assert got.suggested_filename == film.file.name
    came = Path(await got.path())
    assert await asyncio.to_thread(came.read_bytes) == await asyncio.to_thread(film.file.read_bytes)


async def test_a_menu_is_used_by_keys_and_the_focus_comes_back(ann: Visitor, site: Site) -> None:
    await site.begins(site.ann, "by keys")
    await ann.page.get_by_label("Search by title").fill("by keys")
    await expect(ann.page.locator(".card")).to_have_count(1)
    button = ann.card("by keys").get_by_role("button", name="More for")
    entries = ann.card("by keys").locator(".menu-entry")
    await button.press("Enter")
    await expect(entries.first).to_be_focused()
    await ann.page.keyboard.press("ArrowUp")
    await expect(entries.last).to_be_focused()
    await ann.page.keyboard.press("ArrowDown")
    await expect(entries.first).to_be_focused()
    await ann.page.keyboard.press("Escape")
    await expect(button).to_be_focused()
    await button.press("Enter")
    await entries.get_by_text("Rename").press("Enter")
    await expect(ann.page.get_by_label("Title", exact=True)).to_be_focused()
    await ann.page.keyboard.press("Escape")
    await expect(button).to_be_focused()
    await button.press("Enter")
    await entries.get_by_text("Delete").press("Enter")
    await expect(ann.page.locator("h1")).to_be_focused()  # there is no other card to go to


async def test_the_player_obeys_the_keys_that_people_know(ann: Visitor, film: Film) -> None:
    await ann.opens(f"/videos/{film.id}")
    player = ann.page.locator("video")
    await expect(player).to_have_js_property("readyState", 4)

    async def after(key: str, told: str) -> object:
        await ann.page.keyboard.press(key)
        return await player.evaluate(f"film => {told}")

    assert await after("5", "film.currentTime / film.duration") == pytest.approx(0.5, abs=0.01)
    assert await after("ArrowRight", "film.currentTime / film.duration") == pytest.approx(1, abs=0.01)
    assert await after("ArrowLeft", "film.currentTime") == 0
    assert await after("l", "film.currentTime / film.duration") == pytest.approx(1, abs=0.01)
    assert await after("j", "film.currentTime") == 0
    assert await after("m", "film.muted") is True
    assert await after("ArrowDown", "film.volume") == 1, "it is the page that scrolls"
    await player.focus()
    assert await after("ArrowDown", "film.volume") == pytest.approx(0.9)
    assert await after("ArrowUp", "film.volume") == pytest.approx(1)
    await ann.page.keyboard.press("f")
    await eventually(lambda: player.evaluate("film => document.fullscreenElement === film"), bool)
    await ann.page.keyboard.press("f")
    await eventually(lambda: ann.page.evaluate("document.fullscreenElement === null"), bool)


async def test_letters_act_on_the_film_alone_once_they_are_switched_off(ann: Visitor, film: Film) -> None:
    player = ann.page.locator("video")
    await ann.opens(f"/videos/{film.id}")
    await expect(player).to_have_js_property("readyState", 4)
    await ann.page.get_by_text("Keys of the player").click()
    await ann.page.get_by_label("Letters and digits act").uncheck()
    await ann.page.reload()
    await expect(player).to_have_js_property("readyState", 4)
    for key in ("m", "5"):
        await ann.page.keyboard.press(key)
    assert await player.evaluate("film => [film.muted, film.currentTime]") == [False, 0]
    await player.press("m")
    await expect(player).to_have_js_property("muted", True)
    await ann.page.get_by_text("Keys of the player").click()
    await ann.page.get_by_label("Letters and digits act").check()
    await ann.page.locator("h1").press("m")
    await expect(player).to_have_js_property("muted", False)


async def test_going_to_the_content_leaves_the_film_where_it_is(ann: Visitor, film: Film) -> None:
    player = ann.page.locator("video")
    await ann.opens(f"/videos/{film.id}")
    await expect(player).to_have_js_property("readyState", 4)
    await player.evaluate("film => { film.isTheOne = true; film.currentTime = 1; }")
    await ann.page.get_by_text("Skip to the content").press("Enter")
    await expect(ann.page.locator("#content")).to_be_focused()
    await ann.page.go_back()
    assert await player.evaluate("film => [film.isTheOne, film.currentTime]") == [True, 1]
    await expect(ann.page.locator("h1")).to_have_text("showpiece")


async def test_steps_tell_how_long_they_took_on_which_worker_and_what_failed_on_the_way(
    ann: Visitor, film: Film
) -> None:
    async def fail_once(route: Route) -> None:
        answer = await route.fetch()
        told = await answer.json()
        thumbnail = next(step for step in told["steps"] if step["activity"] == "create_thumbnail")
        thumbnail |= {"attempts": 2, "last_failure": {"code": "storage_failed", "message": "The disk is full."}}
        await route.fulfill(response=answer, json=told)

    await ann.page.route("**/steps", fail_once)
    await ann.opens(f"/videos/{film.id}")
    rows = ann.page.locator(".timeline li")
    took_on = re.compile(r"done\d+\.\d+\sson \S+")
    for name in ("Check the file and plan the work", "Assemble the video", "Verify the result", "Publish"):
        await expect(rows.filter(has=ann.page.get_by_text(name, exact=True))).to_contain_text(took_on)
    thumbnail = rows.filter(has_text="Create the thumbnail")
    await expect(thumbnail).to_contain_text("attempt 2")
    await expect(thumbnail).to_contain_text("Attempt 1 failed: The disk is full. storage_failed")
    await expect(ann.page.locator(".details")).to_contain_text("SHA-256")
    await expect(ann.page.get_by_text("Temporal Web UI")).to_have_count(0)  # Ann is no operator


async def test_the_parts_of_a_film_are_one_until_they_are_opened_and_one_in_trouble_stands_by_itself(
    ann: Visitor, film: Film
) -> None:
    async def make_it_long(route: Route) -> None:
        answer = await route.fetch()
        told = await answer.json()
        at = next(at for at, step in enumerate(told["steps"]) if step["activity"] == "create_thumbnail")
        part = told["steps"][at] | {"activity": "encode_chunk"}
        failed = {"state": "failed", "last_failure": {"code": "transcode_failed", "message": "It crashed."}}
        parts = [part | {"activity_id": f"chunk-{number}-of-120"} for number in range(1, 121)]
        again = parts[6] | {"activity_id": "chunk-7-of-120.2", "state": "retrying"}
        parts[6] |= failed
        told["steps"][at:at] = [*parts, again]
        await route.fulfill(response=answer, json=told)

    await ann.page.route("**/steps", make_it_long)
    await ann.opens(f"/videos/{film.id}")
    parts, others = ann.page.locator(".timeline details"), ann.page.locator(".timeline > ol > li")
    await expect(parts.locator("summary")).to_contain_text("Encode the picture: 119 of 120 parts")
    await expect(others).to_have_count(9)
    await expect(others.filter(has_text="Encode the picture, part 7 of 120")).to_contain_text(
        re.compile(r"waiting to retry.*on \S+ · attempt 2.*It crashed\.")
    )
    await expect(parts.locator("li")).to_have_count(0)
    await parts.locator("summary").press("Enter")
    await expect(parts.locator("li")).to_have_count(120)
    async with ann.page.expect_response("**/steps"):
        pass
    await expect(parts.locator("summary")).to_be_focused()
    await expect(parts.locator("li").first).to_be_visible()


async def test_the_page_and_the_command_say_the_same_state_of_a_films_parts(ann: Visitor) -> None:
    now = datetime.now(UTC)
    part = StepView(
        activity="encode_chunk",
        activity_id="",
        summary="",
        state=StepState.COMPLETED,
        attempts=1,
        queue="video-media",
        scheduled_at=now,
        started_at=now,
        duration_seconds=1.0,
        worker=None,
        last_failure=None,
    )
    films = [
        [
            part.model_copy(update={"activity_id": f"chunk-{number}-of-4", "state": state})
            for number, state in enumerate((one, other, StepState.COMPLETED, StepState.COMPLETED), start=1)
        ]
        for one in StepState
        for other in StepState
    ]
    told = await ann.page.evaluate(
        """async (films) => {
            const { gathered } = await import("/web/gathering.js");
            return films.map((film) => gathered(film).whole.state);
        }""",
        [[step.model_dump(mode="json") for step in film] for film in films],
    )
    assert told == [gathered(film)[0].state for film in films]


async def beside_the_screen(visitor: Visitor, width: int) -> list[str]:
    """What can be pressed or seen, and is not all on a screen of so many pixels."""
    found: list[str] = await visitor.page.evaluate(
        """(width) => [...document.querySelectorAll("a, button, input, select, summary, video, table")]
            .filter((it) => it.checkVisibility() && !it.matches(".visually-hidden, .skip"))
            .map((it) => [it.outerHTML.slice(0, 80), it.getBoundingClientRect()])
            .filter(([, { left, right }]) => left < 0 || right > width)
            .map(([it]) => it)""",
        width,
    )
    return found


async def nothing_lies_beside_the_screen(visitor: Visitor) -> None:
    """At the width of a phone, and of a narrow one."""
    for width in (390, 320):
        await visitor.page.set_viewport_size({"width": width, "height": 700})
        assert await eventually(partial(beside_the_screen, visitor, width), lambda found: found == []) == []
        assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= width


async def test_on_a_phone_nothing_lies_beside_the_screen(browser: Browser, site: Site, film: Film) -> None:
    async with visiting(browser, site.address, site.ann, **PHONE) as visitor:
        await visitor.opens()
        await visitor.sees_ready("showpiece")
        await nothing_lies_beside_the_screen(visitor)
        await visitor.page.set_viewport_size({"width": 390, "height": 700})  # narrower while the menu is open
        await visitor.card("showpiece").get_by_role("button", name="More for").click()
        await expect(visitor.page.locator(".menu:popover-open")).to_be_visible()
        await nothing_lies_beside_the_screen(visitor)
        await visitor.opens(f"/videos/{film.id}")
        await expect(visitor.page.locator(".facts")).to_be_visible()
        await nothing_lies_beside_the_screen(visitor)


async def test_nothing_moves_for_whom_that_is_too_much(ann: Visitor) -> None:
    await ann.page.route("**/api/v1/videos?*", lambda _: None)
    await ann.opens()

    async def moving() -> int:
        count: int = await ann.page.evaluate("document.getAnimations().length")
        return count

    await ann.page.emulate_media(reduced_motion="no-preference")
    assert await eventually(moving, lambda count: count > 0)
    await ann.page.emulate_media(reduced_motion="reduce")
    assert await eventually(moving, lambda count: count == 0) == 0
