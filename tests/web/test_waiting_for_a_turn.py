"""Files that wait for their turn are not forgotten, whatever becomes of the page meanwhile."""

import asyncio
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from playwright.async_api import Browser, Dialog, Route, expect

from tests.fixtures.clips import Clips
from tests.waiting import eventually
from tests.web.conftest import Site
from tests.web.files import Named
from tests.web.visitor import Visitor, visiting

pytestmark = pytest.mark.timeout(180)

MEBIBYTE = 1024 * 1024
SLOW = 2 * MEBIBYTE

KEEP = """
async ([names, film]) => {
  const folder = await navigator.storage.getDirectory();
  for (const name of names) {
    const file = await (await folder.getFileHandle(name, { create: true })).createWritable();
    await file.write(Uint8Array.from(atob(film), (letter) => letter.charCodeAt(0)));
    await file.close();
  }
}
"""
PICKER = """
window.showOpenFilePicker = async () => {
  const folder = await navigator.storage.getDirectory();
  const handles = await Array.fromAsync(folder.values());
  return handles.sort((one, other) => one.name.localeCompare(other.name));
};
"""
"""Picks all that is kept where a page may keep files. No driver reaches the browser's own picker, and its handles are
of the same kind."""

NO_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined })"
NO_ROOM = """
() => {
  Storage.prototype.setItem = () => {
    throw new DOMException("There is no room.", "QuotaExceededError");
  };
}
"""


async def picks(visitor: Visitor, film: Path, *titles: str) -> None:
    """Choose copies of a film through the picker that says where they are, with a network that takes its time."""
    content = b64encode(await asyncio.to_thread(film.read_bytes)).decode()
    await visitor.page.evaluate(KEEP, [[f"{title}.mp4" for title in titles], content])
    await visitor.page.evaluate(PICKER)
    await visitor.slows_uploads(SLOW)
    await visitor.page.get_by_role("button", name="Upload", exact=True).click()
    for title in titles[:2]:
        await expect(visitor.card(title)).to_contain_text("iB/s")
    for title in titles[2:]:
        await expect(visitor.card(f"{title}.mp4")).to_contain_text("Waiting for its turn")


async def test_what_was_picked_goes_on_by_itself_after_a_reload_and_nobody_is_asked_whether_to_leave(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    questions: list[str] = []

    async def answer(dialog: Dialog) -> None:
        questions.append(dialog.type)
        await dialog.accept()

    ann.page.on("dialog", answer)
    titles = [f"picked {number}" for number in range(1, 5)]
    await picks(ann, named.large(clips.path("sub_second"), "a film", 3 * MEBIBYTE), *titles)
    await ann.page.reload()
    await ann.slows_uploads(None)
    for title in titles:
        await ann.sees_ready(title)
    assert await site.titles("picked") == titles
    assert questions == []


async def test_what_waits_is_shown_after_a_reload_also_while_the_service_says_nothing_of_what_was_begun(
    ann: Visitor, named: Named, clips: Clips
) -> None:
    titles = [f"silent {number}" for number in range(1, 4)]
    await picks(ann, named.large(clips.path("sub_second"), "a film", 3 * MEBIBYTE), *titles)
    silence = asyncio.Event()

    async def say_nothing(route: Route) -> None:
        await silence.wait()
        await route.continue_()

    await ann.page.route("**/api/v1/uploads/*", say_nothing)
    await ann.page.reload()
    await ann.slows_uploads(None)
    await expect(ann.card("silent 3.mp4")).to_contain_text("Waiting for its turn")
    silence.set()
    await ann.sees_ready("silent 3")


async def test_what_waits_and_can_not_be_kept_is_not_left_without_a_question(
    ann: Visitor, named: Named, clips: Clips
) -> None:
    await ann.page.evaluate(NO_ROOM)
    titles = [f"no room {number}" for number in range(1, 4)]
    await picks(ann, named.large(clips.path("sub_second"), "a film", 6 * MEBIBYTE), *titles)
    async with ann.page.expect_event("dialog") as asked:
        leaving = asyncio.create_task(ann.page.close(run_before_unload=True))
    question = await asked.value
    assert question.type == "beforeunload"
    await question.accept()
    await leaving


async def test_after_a_reload_what_has_to_be_chosen_again_is_named_also_where_its_turn_had_not_come(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    titles = [f"queued {number}" for number in range(1, 5)]
    files = [named.large(clips.path("sub_second"), title, 3 * MEBIBYTE) for title in titles]
    await ann.slows_uploads(SLOW)
    await ann.chooses(*files)
    await expect(ann.card("queued 2")).to_contain_text("iB/s")
    await expect(ann.card("queued 4.mp4")).to_contain_text("Waiting for its turn")
    asked: list[str] = []
    await ann.page.reload()
    ann.page.on("request", lambda sent: asked.append(sent.url) if sent.method in {"POST", "DELETE"} else None)
    for title in titles[2:]:
        await expect(ann.card(f"{title}.mp4")).to_contain_text("before this file's turn came. Choose the same file")
    await ann.card("queued 4.mp4").get_by_role("button", name="Cancel").click()
    await expect(ann.card("queued 4.mp4")).to_have_count(0)
    assert asked == [], "the service had not heard of them"
    await ann.page.reload()
    await expect(ann.card("queued 3.mp4")).to_contain_text("Choose the same file")
    await expect(ann.page.locator(".card").filter(has_text="queued 4")).to_have_count(0)
    await ann.slows_uploads(None)
    await ann.chooses(*files[:3])
    for title in titles[:3]:
        await ann.sees_ready(title)
    assert await site.titles("queued") == titles[:3]


async def test_what_waits_in_one_tab_is_left_alone_by_another_until_that_one_is_closed(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    titles = [f"shared {number}" for number in range(1, 5)]
    await picks(ann, named.large(clips.path("sub_second"), "a film", 8 * MEBIBYTE), *titles)
    other = Visitor(await ann.page.context.new_page())
    await other.opens()
    for title in titles[2:]:
        await expect(other.card(f"{title}.mp4")).to_contain_text("Waiting for its turn in another tab")
    await other.card("shared 4.mp4").get_by_role("button", name="Cancel").click()
    await expect(ann.page.locator(".card").filter(has_text="shared 4")).to_have_count(0)
    await ann.page.close()
    for title in titles[:3]:
        await other.sees_ready(title)
    await eventually(lambda: site.titles("shared"), lambda known: known == titles[:3])


async def test_where_one_may_be_on_its_way_at_a_time_each_is_begun_as_soon_as_the_one_before_it_has_ended(
    browser: Browser, site: Site, named: Named, clips: Clips
) -> None:
    key = await site.new_key("cleo")
    limited = await site.home.rushes("users", "limit", "cleo", "--uploads", "1")
    assert limited.code == 0, limited.err
    begun: list[str] = []

    async def ask_patiently(route: Route) -> None:
        answer = await route.fetch()
        if answer.status == 201:
            begun.append(b64decode(route.request.headers["upload-metadata"].split()[1]).decode())
        longer = {"retry-after": "110"} if answer.status == 429 else {}
        await route.fulfill(response=answer, headers={**answer.headers, **longer})

    async with visiting(browser, site.address, key) as visitor:
        await visitor.page.route("**/api/v1/uploads", ask_patiently)
        await visitor.opens()
        await visitor.slows_uploads(SLOW)
        titles = [f"single {number}" for number in range(1, 5)]
        first = named.large(clips.path("sub_second"), titles[0], 24 * MEBIBYTE)
        await visitor.chooses(first)
        await expect(visitor.card(titles[0])).to_contain_text("iB/s")
        await visitor.chooses(*(named.copy(clips.path("sub_second"), title) for title in titles[1:]))
        await expect(visitor.card(f"{titles[1]}.mp4")).to_contain_text("As many of your videos are on their way")
        await visitor.slows_uploads(None)
        for title in titles:
            await visitor.sees_ready(title)
    assert begun == [f"{title}.mp4" for title in titles]


async def test_without_locks_of_the_browser_an_upload_is_named_as_another_tab_s_until_that_one_is_left(
    browser: Browser, site: Site, named: Named, clips: Clips
) -> None:
    """As it is on plain http from another machine."""
    async with visiting(browser, site.address, site.ann) as visitor:
        await visitor.page.context.add_init_script(NO_LOCKS)
        await visitor.opens()
        titles = [f"lockless {number}" for number in range(1, 4)]
        files = [named.large(clips.path("sub_second"), title, 24 * MEBIBYTE) for title in titles]
        await visitor.slows_uploads(SLOW)
        await visitor.chooses(*files)
        await expect(visitor.card(titles[1])).to_contain_text("iB/s")
        other = Visitor(await visitor.page.context.new_page())
        await other.opens()
        for title in titles[:2]:
            await expect(other.card(title)).to_contain_text("Uploading in another tab")
        await expect(other.card(f"{titles[2]}.mp4")).to_contain_text("Waiting for its turn in another tab")
        await visitor.page.goto("about:blank")
        await expect(other.card(titles[0])).to_contain_text("Choose the same file to continue")
        await expect(other.card(f"{titles[2]}.mp4")).to_contain_text("before this file's turn came")
        await other.chooses(*files)
        for title in titles:
            await other.sees_ready(title)
    assert await site.titles("lockless") == titles
