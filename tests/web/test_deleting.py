"""A delete can be undone for a moment; then it holds, whatever becomes of the page or the session."""

import time

import pytest
from playwright.async_api import expect

from tests.waiting import eventually
from tests.web.conftest import Site
from tests.web.visitor import Visitor

pytestmark = pytest.mark.timeout(180)


async def deletes_by_keys(visitor: Visitor) -> None:
    """Delete the video whose page is shown. A menu that opens gives its first entry the focus, a moment later."""
    await visitor.page.get_by_role("button", name="More for").press("Enter")
    entries = visitor.page.locator(".menu:popover-open .menu-entry")
    await expect(entries.first).to_be_focused()
    await entries.get_by_text("Delete").press("Enter")


async def test_several_deletes_are_undone_one_after_another_the_newest_first(ann: Visitor, site: Site) -> None:
    await site.begins(site.ann, "heap one", "heap two", "heap three")
    for title in ("heap one", "heap two", "heap three"):
        await ann.takes(title, "Delete")
        await expect(ann.card(title)).to_have_count(0)
    for title in ("heap three", "heap two", "heap one"):
        await ann.page.keyboard.press("Control+z")
        await expect(ann.card(title)).to_have_count(1)
    await expect(ann.page.get_by_role("button", name="Undo")).to_have_count(0)
    assert await site.titles("heap") == ["heap one", "heap three", "heap two"]


async def test_a_delete_can_be_undone_after_the_time_of_an_earlier_one_is_up(ann: Visitor, site: Site) -> None:
    await site.begins(site.ann, "pair first", "pair second")
    await ann.page.clock.install()
    await ann.opens()
    await ann.takes("pair first", "Delete")
    await expect(ann.card("pair first")).to_have_count(0)
    await ann.page.clock.fast_forward(4000)
    await ann.takes("pair second", "Delete")
    await expect(ann.card("pair second")).to_have_count(0)
    await ann.page.clock.fast_forward(4000)
    await expect(ann.page.get_by_role("button", name="Undo")).to_have_count(1)
    await ann.page.keyboard.press("Control+z")
    await expect(ann.card("pair second")).to_have_count(1)
    await eventually(lambda: site.titles("pair"), lambda titles: titles == ["pair second"])


async def test_the_focus_is_on_a_card_after_a_delete_and_on_the_one_that_was_brought_back(
    ann: Visitor, site: Site
) -> None:
    await site.begins(site.ann, "focus one", "focus two")
    await ann.sees_card("focus one")
    await ann.card("focus two").locator("a.title").press("Enter")
    await expect(ann.page.locator("h1")).to_be_focused()
    await deletes_by_keys(ann)
    await expect(ann.card("focus one").locator("a.title")).to_be_focused()
    undo = ann.page.get_by_role("button", name="Undo")
    await undo.press("Enter")
    await expect(ann.card("focus two").locator("a.title")).to_be_focused()
    await ann.takes("focus two", "Delete")
    await ann.card("focus one").locator("a.title").press("Enter")
    await expect(ann.page.locator("h1")).to_be_focused()
    await undo.press("Enter")
    await expect(ann.page.locator("h1")).to_be_focused()


async def test_a_video_that_the_list_does_not_have_leaves_the_focus_at_its_beginning_when_it_is_deleted(
    ann: Visitor, site: Site
) -> None:
    await site.begins(site.ann, "unlisted")
    await ann.sees_card("unlisted")
    await ann.page.get_by_label("Search by title").fill("nothing of that name")
    await expect(ann.page.get_by_text("Nothing matches")).to_be_visible()
    async with site.as_user(site.ann) as api:
        (video,) = (await api.get("/api/v1/videos?title=unlisted")).json()["items"]
    await ann.page.evaluate(
        """(address) => {
            const link = Object.assign(document.createElement("a"), { href: address });
            document.body.append(link);
            link.click();
        }""",
        f"/videos/{video['id']}",
    )
    await expect(ann.page.locator("h1")).to_have_text("unlisted")
    await deletes_by_keys(ann)
    await expect(ann.page.locator("h1")).to_have_text("Videos")
    await expect(ann.page.locator("h1")).to_be_focused()


async def test_a_delete_is_not_undone_by_closing_the_page(ann: Visitor, site: Site) -> None:
    await site.begins(site.ann, "farewell")
    await ann.takes("farewell", "Delete")
    await ann.is_told("“farewell” was deleted")
    begun = time.monotonic()
    await ann.page.goto("about:blank")
    await eventually(lambda: site.titles("farewell"), lambda found: found == [])
    assert time.monotonic() - begun < 6, "it would have been deleted by then anyway"


async def test_a_delete_is_not_undone_by_signing_out(ann: Visitor, site: Site) -> None:
    await site.begins(site.ann, "last orders")
    await ann.takes("last orders", "Delete")
    await ann.is_told("“last orders” was deleted")
    await ann.page.get_by_role("button", name="Signed in as ann").click()
    await ann.page.get_by_text("Sign out ann").click()
    await expect(ann.page.locator("h1")).to_have_text("Sign in")
    await eventually(lambda: site.titles("last orders"), lambda found: found == [])


async def test_a_delete_that_meets_the_end_of_the_session_holds_and_can_be_undone(ann: Visitor, site: Site) -> None:
    await site.begins(site.ann, "session spared", "session doomed")
    await ann.page.clock.install()
    await ann.opens()
    for title in ("session spared", "session doomed"):
        await ann.takes(title, "Delete")
        await expect(ann.card(title)).to_have_count(0)
    await ann.page.context.clear_cookies()
    await ann.page.clock.fast_forward(8000)
    await expect(ann.page.locator("h1")).to_have_text("Your session has ended")
    await ann.is_told("“session doomed” will be deleted once you have signed in again.")
    notice = ann.page.locator(".notice").filter(has_text="session spared")
    await notice.get_by_role("button", name="Undo").click()
    await ann.page.get_by_label("Key").fill(site.ann)
    await ann.page.get_by_role("button", name="Sign in").click()
    await ann.sees_card("session spared")
    await eventually(lambda: site.titles("session"), lambda found: found == ["session spared"])
