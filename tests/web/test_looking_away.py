"""A page that nobody looks at, in another tab or below a closed lid: it rests, and is right when it is seen again."""

import time

import pytest
from playwright.async_api import Browser, expect

from tests.fixtures.clips import Clips
from tests.waiting import eventually
from tests.web.conftest import Site
from tests.web.files import Named
from tests.web.test_uploading import MEBIBYTE, starts_slowly
from tests.web.visitor import Visitor, visiting

pytestmark = pytest.mark.timeout(180)

_LONGEST_PAUSE_MILLISECONDS = 40_000


async def test_a_page_that_nobody_looks_at_asks_for_nothing_and_is_right_when_it_is_seen_again(
    ann: Visitor, site: Site
) -> None:
    await site.begins(site.ann, "lid stays", "lid goes")
    for title in ("lid stays", "lid goes"):
        await ann.sees_card(title)
    asked: list[str] = []
    await ann.looks(away=True)
    ann.page.on("request", lambda request: asked.append(request.url))
    async with site.as_user(site.ann) as api:
        ids = {video["title"]: video["id"] for video in (await api.get("/api/v1/videos?title=lid")).json()["items"]}
        renamed = await api.patch(f"/api/v1/videos/{ids['lid stays']}", json={"title": "lid renamed"})
        assert renamed.status_code == 200
        assert (await api.delete(f"/api/v1/videos/{ids['lid goes']}")).status_code == 204
    await site.begins(site.ann, "lid comes")
    await ann.sees_card("lid stays")
    assert asked == []
    await ann.looks(away=False)
    for title in ("lid renamed", "lid comes"):
        await ann.sees_card(title)
    for title in ("lid stays", "lid goes"):
        await expect(ann.card(title)).to_have_count(0)


async def test_what_was_missed_of_cards_far_below_is_made_up_for_also_where_no_event_was_heard_before(
    browser: Browser, site: Site
) -> None:
    key = await site.new_key("lou")
    async with visiting(browser, site.address, key) as lou, site.as_user(key) as api:
        await lou.opens()
        await site.begins(key, *[f"below {number:02}" for number in range(30)])
        found = (await api.get("/api/v1/videos?limit=100")).json()["items"]
        ids = {video["title"]: video["id"] for video in found}

        async def misses(stays: str, goes: str) -> None:
            await lou.sees_card("below 29")
            await lou.page.evaluate("scrollTo(0, document.body.scrollHeight)")
            for title in (stays, goes):
                await lou.sees_card(title)
            await lou.looks(away=True)
            renamed = await api.patch(f"/api/v1/videos/{ids[stays]}", json={"title": f"{stays}, renamed"})
            assert renamed.status_code == 200
            assert (await api.delete(f"/api/v1/videos/{ids[goes]}")).status_code == 204
            await lou.looks(away=False)
            await lou.sees_card(f"{stays}, renamed")
            for title in (stays, goes):
                await expect(lou.card(title)).to_have_count(0)

        async with lou.page.expect_request(lambda asked: "/events?after=" in asked.url):
            await misses("below 00", "below 01")
        await lou.opens()
        await misses("below 02", "below 03")


async def test_an_upload_that_waits_for_its_network_goes_on_with_it_also_while_nobody_looks(
    ann: Visitor, named: Named, clips: Clips
) -> None:
    await ann.page.clock.install()
    await ann.opens()
    await starts_slowly(ann, named.large(clips.path("short_with_sound"), "commuter", 64 * MEBIBYTE))
    await ann.slows_uploads(None)
    await ann.looks(away=True)
    failed: list[str] = []
    ann.page.on("requestfailed", lambda request: failed.append(request.url) if "/uploads/" in request.url else None)
    await ann.page.context.set_offline(True)
    for number in range(5):  # by then it waits for half a minute between two attempts

        async def more(known: int = number) -> bool:
            return len(failed) > known

        await eventually(more, bool)
        await expect(ann.card("commuter")).to_contain_text("You are offline")
        await ann.page.clock.fast_forward(_LONGEST_PAUSE_MILLISECONDS)
    await ann.page.context.set_offline(False)
    begun = time.monotonic()
    await expect(ann.page.locator("#announcements")).to_have_text("commuter.mp4 is uploaded.")
    assert time.monotonic() - begun < 20, "it would have gone on by itself by then"
    await ann.looks(away=False)
    await ann.sees_ready("commuter")
