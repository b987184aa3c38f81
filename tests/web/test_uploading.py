"""Somebody uploads from the page, and whatever happens on the way the video arrives."""

import asyncio
import os
import re
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import Browser, Route, expect
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as NotInTime

from tests.fixtures.clips import Clips
from tests.waiting import eventually
from tests.web.conftest import Site
from tests.web.files import Named
from tests.web.network import network
from tests.web.visitor import Visitor, how_full, visiting

pytestmark = pytest.mark.timeout(180)

MEBIBYTE = 1024 * 1024
SLOW = 2 * MEBIBYTE
IMPATIENT = """
export const PATIENCE = {
  answer: 2000, stall: 1500, durable: 2000, stream: 2000, firstPause: 500, longestPause: 2000,
};
"""
"""For a test, what ``web/patience.js`` says in minutes."""

POSTERS_ON_THEIR_WAY = """
for (let number = 0; number < 8; number += 1) {
  const picture = document.createElement("img");
  picture.src = `/web/icon.svg?${number}`;
  document.body.append(picture);
}
"""
"""More pictures than a browser has connections for one service."""
POSTERS_ARE_THERE = "Promise.all(Array.from(document.querySelectorAll('body > img'), (picture) => picture.decode()))"


async def starts_slowly(visitor: Visitor, file: Path, bytes_a_second: int = SLOW) -> None:
    """Choose a file, and wait until some of it is durable, with a network that leaves time for more."""
    await visitor.slows_uploads(bytes_a_second)
    await visitor.chooses(file)
    await expect(visitor.card(file.stem)).to_contain_text("MiB/s")


async def test_an_upload_becomes_a_video_that_plays(ann: Visitor, named: Named, clips: Clips) -> None:
    await ann.page.emulate_media(reduced_motion="no-preference")
    await ann.chooses(named.copy(clips.path("short_with_sound"), "holiday"))
    card = await ann.sees_ready("holiday")
    await expect(card.locator("img")).to_have_js_property("complete", True)
    await card.locator("a.play").click()
    await expect(ann.page.locator("h1")).to_have_text("holiday")
    shown = await eventually(ann.frames_played, lambda frames: frames > 10)
    assert shown > 10
    await expect(ann.page.get_by_text("Picture copied, sound copied.")).to_be_visible()
    await expect(ann.page.locator(".timeline li")).to_have_count(8)
    await expect(ann.page.locator(".facts")).to_contain_text("H.264, 320\N{MULTIPLICATION SIGN}240")
    await expect(ann.page.locator("video")).to_have_js_property("ended", True)
    await ann.page.keyboard.press("k")
    await eventually(ann.frames_played, lambda frames: frames > shown)


async def test_a_broken_file_is_told_in_words_that_help(ann: Visitor, named: Named, clips: Clips) -> None:
    await ann.chooses(named.copy(clips.path("truncated_no_moov"), "half a film"))
    card = ann.card("half a film")
    await expect(card).to_contain_text("damaged, ends early, or is something else")
    await expect(card).to_contain_text("export it again as MP4")
    await expect(card.get_by_role("button", name="Try again")).to_have_count(0)


async def test_a_file_that_is_not_taken_is_told_before_a_byte_is_sent(ann: Visitor, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Ann")
    await ann.chooses(letter)
    card = ann.card("letter.txt")
    await expect(card).to_contain_text("This kind of file isn't accepted.")
    await expect(card).to_contain_text("The file's name must end in one of")
    await card.get_by_role("button", name="Dismiss").click()
    await expect(card).to_have_count(0)


async def test_while_the_page_does_not_know_what_is_taken_the_service_says(
    ann: Visitor, named: Named, clips: Clips
) -> None:
    await ann.page.route("**/api/v1/system", lambda route: route.fulfill(status=503))
    await ann.opens()
    file = named.copy(clips.path("sub_second"), "unknown kind")
    file = file.rename(file.with_suffix(".mkv"))
    async with ann.page.expect_request(lambda request: request.method == "POST"):
        await ann.chooses(file)
    await expect(ann.card("unknown kind.mkv")).to_contain_text("This kind of file isn't accepted.")
    await ann.page.unroute("**/api/v1/system")
    await expect(ann.page.locator(".drop")).to_contain_text("MP4, MOV, or AVI")


async def test_an_upload_that_was_refused_goes_on_when_it_is_tried_again_and_leaves_nothing_when_it_is_not(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    async def refuse(route: Route) -> None:
        full = {"code": "no_room", "detail": "There is no room."}
        await (route.fulfill(status=507, json=full) if route.request.method == "PATCH" else route.continue_())

    await ann.page.route("**/api/v1/uploads/*", refuse)
    await ann.chooses(*(named.copy(clips.path("sub_second"), name) for name in ("full, wanted", "full, not wanted")))
    for name in ("full, wanted", "full, not wanted"):
        await expect(ann.card(name)).to_contain_text("There is no room for this file right now.")
    await ann.page.unroute("**/api/v1/uploads/*")
    await ann.card("full, not wanted").get_by_role("button", name="Dismiss").click()
    await expect(ann.card("full, not wanted")).to_have_count(0)
    await ann.card("full, wanted").get_by_role("button", name="Try again").click()
    await ann.sees_ready("full, wanted")
    await eventually(lambda: site.titles("full, "), lambda titles: titles == ["full, wanted"])


async def test_a_file_that_has_changed_is_to_be_chosen_again(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    file = named.copy(clips.path("sub_second"), "second draft")

    async def change(route: Route) -> None:
        if route.request.method != "PATCH":
            return await route.continue_()
        os.utime(file, (0, 0))
        return await route.abort()

    await ann.page.route("**/api/v1/uploads/*", change)
    await ann.page.evaluate("delete window.showOpenFilePicker")  # the driver sees the other way of choosing alone
    await ann.chooses(file)
    card = ann.card("second draft")
    await expect(card).to_contain_text("The file has changed or moved since it was chosen.")
    await expect(card.get_by_role("button", name="Try again")).to_have_count(0)
    await ann.page.unroute("**/api/v1/uploads/*")
    async with ann.page.expect_file_chooser() as asked:
        await card.get_by_role("button", name="Choose the file again").click()
    await (await asked.value).set_files(file)
    await ann.sees_ready("second draft")
    await eventually(lambda: site.titles("second draft"), lambda titles: titles == ["second draft"])


async def test_two_files_go_side_by_side_and_a_third_waits(ann: Visitor, named: Named, clips: Clips) -> None:
    await ann.slows_uploads(SLOW)
    files = [named.large(clips.path("short_with_sound"), name, 3 * MEBIBYTE) for name in ("one", "two", "three")]
    await ann.chooses(*files)
    await expect(ann.card("one")).to_contain_text("iB/s")
    await expect(ann.card("two")).to_contain_text("iB/s")
    await expect(ann.card("three.mp4")).to_contain_text("Waiting for its turn")
    await ann.slows_uploads(None)
    for name in ("one", "two", "three"):
        await ann.sees_ready(name)


async def test_an_upload_that_is_cancelled_leaves_nothing_in_another_tab_either(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    await starts_slowly(ann, named.large(clips.path("short_with_sound"), "regretted", 64 * MEBIBYTE))
    told = re.compile(r"\d+\.\d\sMiB of 64\.\d\sMiB · \d\.\d\sMiB/s · about\s(\d0\ss|\d\smin)\sleft")
    await expect(ann.card("regretted")).to_contain_text(told)
    bar = ann.card("regretted").get_by_role("progressbar")
    first = await how_full(bar)
    await eventually(lambda: how_full(bar), lambda part: part > first)
    other = Visitor(await ann.page.context.new_page())
    await other.opens()
    await expect(other.card("regretted")).to_contain_text("Uploading in another tab")
    await ann.card("regretted").get_by_role("button", name="Cancel").click()
    await ann.is_told("was cancelled")
    await expect(ann.card("regretted")).to_have_count(0)
    await expect(other.page.locator(".card").filter(has_text="regretted")).to_have_count(0)

    async def known() -> list[str]:
        async with site.as_user(site.ann) as api:
            return [video["title"] for video in (await api.get("/api/v1/videos?title=regretted")).json()["items"]]

    await eventually(known, lambda titles: titles == [])


async def test_an_upload_that_is_asked_for_is_one_in_another_tab_and_its_cancel_leaves_nothing(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    """Its first request is answered late: the other tab knows of no id until then, nor does who cancels it."""
    asked, is_to_be_answered = asyncio.Event(), asyncio.Event()

    async def answered_late(route: Route) -> None:
        response = await route.fetch()
        asked.set()
        await is_to_be_answered.wait()
        with suppress(PlaywrightError):  # who asked may have gone
            await route.fulfill(response=response)

    async def known() -> list[str]:
        async with site.as_user(site.ann) as api:
            return [video["title"] for video in (await api.get("/api/v1/videos?title=late")).json()["items"]]

    await ann.page.route("**/api/v1/uploads", answered_late)
    await ann.slows_uploads(SLOW)
    await ann.chooses(named.large(clips.path("short_with_sound"), "late", 64 * MEBIBYTE))
    await asked.wait()
    other = Visitor(await ann.page.context.new_page())
    await other.opens()
    elsewhere = other.page.locator(".card").filter(has_text="late")
    await expect(elsewhere.first).to_contain_text("Uploading in another tab")
    await site.begins(site.ann, "told after it")  # who is told of that was told of the other before
    for tab in (ann, other):
        await tab.sees_card("told after it")
        await expect(tab.page.locator(".card").filter(has_text="late")).to_have_count(1)
    is_to_be_answered.set()
    await expect(ann.card("late")).to_contain_text("MiB/s")
    await expect(elsewhere).to_have_count(1)
    await ann.card("late").get_by_role("button", name="Cancel").click()
    await expect(elsewhere).to_have_count(0)
    await eventually(known, lambda titles: titles == [])

    asked.clear()
    is_to_be_answered.clear()
    await ann.chooses(named.large(clips.path("short_with_sound"), "too late", 64 * MEBIBYTE))
    await asked.wait()
    assert await known() == ["too late"]
    await site.begins(site.ann, "told after that")
    await ann.sees_card("told after that")
    its_own = ann.page.locator(".card").filter(has_text="too late")
    await its_own.get_by_role("button", name="Cancel").click()
    await expect(its_own).to_have_count(0)
    await ann.page.unroute("**/api/v1/uploads")
    is_to_be_answered.set()
    await eventually(known, lambda titles: titles == [])


async def test_after_a_reload_the_same_file_goes_on_from_where_it_was(ann: Visitor, named: Named, clips: Clips) -> None:
    file = named.large(clips.path("short_with_sound"), "interrupted", 12 * MEBIBYTE)
    await starts_slowly(ann, file)
    await ann.page.reload()
    await ann.slows_uploads(None)
    card = ann.card("interrupted")
    await expect(card).to_contain_text("Choose the same file")
    async with ann.page.expect_request(lambda request: request.method == "PATCH") as sent:
        await ann.chooses(file)
    assert int((await sent.value).headers["upload-offset"]) > 0
    await ann.sees_ready("interrupted")


async def test_a_reload_before_the_first_answer_leaves_one_upload_that_goes_on(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    begun = asyncio.Event()

    async def lose_the_answer(route: Route) -> None:
        await route.fetch()
        begun.set()

    await ann.page.route("**/api/v1/uploads", lose_the_answer)
    file = named.copy(clips.path("sub_second"), "slow start")
    await ann.chooses(file)
    await begun.wait()
    await ann.page.unroute("**/api/v1/uploads")
    await ann.page.reload()
    await expect(ann.card("slow start")).to_contain_text("Choose the same file")
    await ann.chooses(file)
    await ann.sees_ready("slow start")
    assert await site.titles("slow start") == ["slow start"]


async def test_a_file_that_is_chosen_again_before_it_is_asked_for_makes_no_second_upload(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    looked, is_to_be_answered = asyncio.Event(), asyncio.Event()

    async def answer_late(route: Route) -> None:
        looked.set()
        await is_to_be_answered.wait()
        await route.continue_()

    file, new = (named.large(clips.path("sub_second"), f"hasty {name}", 12 * MEBIBYTE) for name in ("again", "new"))
    await starts_slowly(ann, file)
    await ann.page.route("**/api/v1/uploads/*", answer_late)
    await ann.page.reload()
    await looked.wait()
    await expect(ann.card("hasty again")).not_to_contain_text("Choose the same file")
    await ann.chooses(file, new)
    await expect(ann.card("hasty new")).to_have_count(1)
    is_to_be_answered.set()
    await ann.slows_uploads(None)
    for title in ("hasty again", "hasty new"):
        await ann.sees_ready(title)
    assert await site.titles("hasty") == ["hasty again", "hasty new"]


async def test_a_dropped_file_goes_on_by_itself_after_a_reload(ann: Visitor, named: Named, clips: Clips) -> None:
    await ann.slows_uploads(SLOW)
    await ann.drops(named.large(clips.path("short_with_sound"), "dropped", 12 * MEBIBYTE))
    await expect(ann.card("dropped")).to_contain_text("MiB/s")
    await ann.page.reload()
    await ann.slows_uploads(None)
    await ann.sees_ready("dropped")


async def test_without_a_network_an_upload_waits_and_goes_on(ann: Visitor, named: Named, clips: Clips) -> None:
    await starts_slowly(ann, named.large(clips.path("short_with_sound"), "in a tunnel", 64 * MEBIBYTE))
    await ann.slows_uploads(None)
    await ann.page.context.set_offline(True)
    await expect(ann.card("in a tunnel")).to_contain_text("You are offline. The upload continues when you are back.")
    await expect(ann.page.locator("#banner")).to_contain_text("You are offline")
    await ann.page.context.set_offline(False)
    await ann.sees_ready("in a tunnel")
    await expect(ann.page.locator("#banner")).to_be_empty()


async def test_a_network_that_goes_silent_is_not_waited_for(
    browser: Browser, site: Site, named: Named, clips: Clips
) -> None:
    async with network(site.address) as between, visiting(browser, between.address, site.ann) as visitor:
        offsets: list[int] = []
        visitor.page.on(
            "request",
            lambda sent: offsets.append(int(sent.headers["upload-offset"])) if sent.method == "PATCH" else None,
        )
        await visitor.page.route(
            "**/web/patience.js", lambda route: route.fulfill(body=IMPATIENT, content_type="text/javascript")
        )
        await visitor.opens()
        between.goes_silent()
        await visitor.page.evaluate(POSTERS_ON_THEIR_WAY)
        await visitor.chooses(named.large(clips.path("short_with_sound"), "night train", 12 * MEBIBYTE))
        await expect(visitor.page.locator(".card").filter(has_text="night train")).to_contain_text("can't be reached")
        assert offsets == [], "nobody said that the upload was begun"
        await visitor.slows_uploads(SLOW)
        for swallows in (False, True):
            between.speaks(for_bytes=3 * MEBIBYTE, swallows=swallows)
            await asyncio.wait_for(between.silence.wait(), 90)
            await expect(visitor.card("night train")).to_contain_text("can't be reached")
        await visitor.slows_uploads(None)
        between.speaks()
        await expect(visitor.card("night train")).not_to_contain_text("can't be reached", timeout=30_000)
        await visitor.sees_ready("night train")
        await visitor.page.evaluate(POSTERS_ARE_THERE)
        assert offsets == sorted(offsets)
        assert len(set(offsets)) > 2, "it went on from where it was after each silence"


async def test_a_picker_that_was_closed_takes_none_of_the_files_of_the_next_one(
    ann: Visitor, named: Named, clips: Clips
) -> None:
    """As browsers have it that do not tell where a file is."""
    await ann.page.evaluate("delete window.showOpenFilePicker; delete Window.prototype.showOpenFilePicker")
    upload = ann.page.get_by_role("button", name="Upload", exact=True)
    async with ann.page.expect_file_chooser():
        await upload.click()
    await ann.page.locator("#files").dispatch_event("cancel")
    async with ann.page.expect_file_chooser() as asked:
        await upload.click()
    await (await asked.value).set_files(named.copy(clips.path("short_with_sound"), "second thoughts"))
    await ann.sees_ready("second thoughts")


async def test_an_api_that_is_killed_in_mid_upload_costs_a_moment(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    await starts_slowly(ann, named.large(clips.path("short_with_sound"), "survivor", 12 * MEBIBYTE))
    run = site.home.run_file
    assert run is not None
    os.kill(run.pids["api"], signal.SIGKILL)
    await ann.slows_uploads(None)
    await expect(ann.card("survivor")).to_contain_text("The service can't be reached. The upload continues by itself.")
    await ann.sees_ready("survivor")


async def test_a_session_that_ends_leads_to_the_form_and_back(
    browser: Browser, site: Site, named: Named, clips: Clips
) -> None:
    passing = await site.new_key("ann")
    async with visiting(browser, site.address, passing) as visitor:
        await visitor.opens()
        await starts_slowly(
            visitor, named.large(clips.path("short_with_sound"), "handed over", 24 * MEBIBYTE), 2 * SLOW
        )
        revoked = await site.home.rushes("keys", "revoke", passing.split("_")[1])
        assert revoked.code == 0, revoked.err
        with suppress(NotInTime):  # the upload may have met it before, and the form is there already
            await visitor.page.get_by_label("Search by title").fill("handed", timeout=2000)
        await expect(visitor.page.locator("h1")).to_have_text("Your session has ended")
        await expect(visitor.page.get_by_label("Key")).to_be_focused()
        await visitor.slows_uploads(None)
        await visitor.page.get_by_label("Key").fill("rushes_000000000000_wrong")
        await visitor.page.get_by_role("button", name="Sign in").click()
        await expect(visitor.page.get_by_role("alert")).to_contain_text("The key is unknown")
        await visitor.page.get_by_label("Key").fill(site.ann)
        await visitor.page.get_by_role("button", name="Sign in").click()
        await visitor.sees_ready("handed over")
