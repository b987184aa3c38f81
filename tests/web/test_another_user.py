"""Somebody else signs in where a page is open: nothing that it shows or sends becomes theirs, and nothing is lost."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Route, expect
from playwright.async_api import TimeoutError as NotInTime

from tests.fixtures.clips import Clips
from tests.waiting import eventually
from tests.web.conftest import Site
from tests.web.files import Named
from tests.web.visitor import Visitor, sign_in, visiting

pytestmark = pytest.mark.timeout(180)

MEBIBYTE = 1024 * 1024
SLOW = 2 * MEBIBYTE


async def titles_of(site: Site, key: str, part: str) -> list[str]:
    """Of a user's videos that have this in their title."""
    async with site.as_user(key) as api:
        found = (await api.get("/api/v1/videos", params={"title": part})).json()["items"]
    return sorted(video["title"] for video in found)


async def signs_in(visitor: Visitor, key: str) -> None:
    """Use the form."""
    await visitor.page.get_by_label("Key").fill(key)
    await visitor.page.get_by_role("button", name="Sign in").click()
    await expect(visitor.page.locator("h1")).to_have_text("Videos")


async def test_who_signs_in_where_a_session_has_ended_gets_none_of_its_uploads_and_they_go_on_when_its_user_is_back(
    browser: Browser, site: Site, named: Named, clips: Clips
) -> None:
    passing = await site.new_key("ann")
    async with visiting(browser, site.address, passing) as visitor:
        await visitor.opens()
        await visitor.slows_uploads(SLOW)
        titles = [f"left behind {number}" for number in range(1, 4)]
        files = [named.large(clips.path("sub_second"), title, 24 * MEBIBYTE) for title in titles[:2]]
        files.append(named.copy(clips.path("sub_second"), titles[2]))
        await visitor.chooses(*files)
        for title in titles[:2]:
            await expect(visitor.card(title)).to_contain_text("iB/s")
        refused: set[str] = set()
        visitor.page.on("response", lambda told: refused.add(told.url) if told.status == 401 else None)
        revoked = await site.home.rushes("keys", "revoke", passing.split("_")[1])
        assert revoked.code == 0, revoked.err
        await expect(visitor.page.locator("h1")).to_have_text("Your session has ended")
        await visitor.slows_uploads(None)

        async def waiting() -> int:
            return sum("/uploads/" in address for address in refused)

        await eventually(waiting, lambda count: count == 2, within_seconds=60)
        is_to_come = asyncio.Event()

        async def comes_late(route: Route) -> None:
            await is_to_come.wait()
            await route.continue_()

        def is_the_page(address: str) -> bool:
            return address.rstrip("/") == site.address.rstrip("/")

        await visitor.page.route(is_the_page, comes_late)
        async with visitor.page.expect_request(lambda asked: is_the_page(asked.url)):
            await visitor.page.get_by_label("Key").fill(site.bob)
            await visitor.page.get_by_role("button", name="Sign in").click()
        with pytest.raises(NotInTime):  # as the page is loaded anew, and what was Ann's stays where it is meanwhile
            await visitor.page.wait_for_event("request", lambda asked: "/uploads" in asked.url, timeout=2000)
        is_to_come.set()
        await visitor.page.get_by_role("button", name="Signed in as bob").click()
        await expect(visitor.page.locator(".card").filter(has_text="left behind")).to_have_count(0)
        await visitor.page.get_by_role("button", name="Sign out bob").click()
        await signs_in(visitor, site.ann)
        for name in (*titles[:2], f"{titles[2]}.mp4"):
            await expect(visitor.card(name)).to_contain_text("Choose the same file")
        await visitor.chooses(*files)
        for title in titles:
            await visitor.sees_ready(title)
    assert await titles_of(site, site.ann, "left behind") == titles
    assert await titles_of(site, site.bob, "left behind") == []


async def test_a_tab_in_which_another_user_is_shown_sends_nothing_for_who_signed_in_elsewhere(
    browser: Browser, site: Site, named: Named, clips: Clips
) -> None:
    async with visiting(browser, site.address, site.ann) as visitor:
        await visitor.opens()
        await sign_in(visitor.page.context, site.bob)  # of which no tab hears
        file: Path = named.copy(clips.path("sub_second"), "for ann alone")
        await visitor.chooses(file)
        await expect(visitor.page.get_by_role("button", name="Signed in as bob")).to_be_visible()
        await expect(visitor.page.locator(".card").filter(has_text="for ann alone")).to_have_count(0)

        other = Visitor(await visitor.page.context.new_page())
        await other.opens()
        await other.page.get_by_role("button", name="Signed in as bob").click()
        await other.page.get_by_role("button", name="Sign out bob").click()
        await expect(visitor.page.locator("h1")).to_have_text("Your session has ended")
        await signs_in(other, site.ann)
        await expect(visitor.page.get_by_role("button", name="Signed in as ann")).to_be_visible()
        card = visitor.page.locator(".card").filter(has_text="for ann alone")
        await expect(card).to_contain_text("Choose the same file")
        await visitor.chooses(file)
        await visitor.sees_ready("for ann alone")
    await eventually(lambda: titles_of(site, site.ann, "for ann"), lambda titles: titles == ["for ann alone"])
    assert await titles_of(site, site.bob, "for ann") == []
