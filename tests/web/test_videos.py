"""What a person does with their videos, and what nobody else may."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Route, expect

from contracts.durations import duration_text
from tests.fixtures.clips import Clips
from tests.waiting import eventually
from tests.web.conftest import Site
from tests.web.files import Named
from tests.web.visitor import Visitor, how_full, visiting

pytestmark = pytest.mark.timeout(180)


async def uploaded(api: httpx.AsyncClient, file: Path, *, until: str = "ready") -> str:
    """Upload past the page; returns the video's id once it is so far."""
    content = await asyncio.to_thread(file.read_bytes)
    answer = await api.post("/api/v1/videos/upload", files={"file": (file.name, content)})
    video_id = str(answer.json()["video_id"])

    async def status() -> str:
        return str((await api.get(f"/api/v1/videos/{video_id}")).json()["status"])

    await eventually(status, lambda found: found == until, within_seconds=60)
    return video_id


@asynccontextmanager
async def website(page: str) -> AsyncIterator[str]:
    """Address of a website of somebody else's, which has just this page."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Length: {len(page)}\r\n\r\n{page}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_a_video_that_is_cancelled_is_told_as_that_and_can_be_tried_again(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    await ann.chooses(named.copy(clips.path("forty_seconds"), "on second thought"))
    card = ann.card("on second thought")
    await expect(card.locator(".steps li[data-standing=now]")).to_have_text("Convert")
    bar = card.get_by_role("progressbar")
    first = await eventually(lambda: how_full(bar), lambda part: part > 0)
    await eventually(lambda: how_full(bar), lambda part: part > first)
    await card.get_by_role("button", name="Cancel").click()
    await expect(card).to_contain_text("This was cancelled.")
    await expect(card).to_have_attribute("data-kind", "cancelled")
    await card.get_by_role("button", name="Try again").click()
    await expect(card.locator(".steps li[data-standing=now]")).to_have_text("Convert")
    await card.get_by_role("button", name="Cancel").click()  # the tests after this one need the processors
    await expect(card).to_contain_text("This was cancelled.")
    await card.locator(".title").click()
    await expect(ann.page.locator(".timeline")).to_contain_text("Mark as cancelled")
    video_id = ann.page.url.rpartition("/")[2]
    shown = await site.home.with_settings(RUSHES_API_KEY=site.ann).rushes("show", video_id)
    assert "The row: cancelled" in shown.out, shown


async def test_what_was_cancelled_is_not_among_the_failed_and_becomes_ready_when_it_is_tried_again(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    async with site.as_user(site.ann) as api:
        await uploaded(api, named.copy(clips.path("truncated_no_moov"), "sorted, broken"), until="error")
        stopped = await uploaded(api, named.copy(clips.path("sub_second"), "sorted, stopped"), until="processing")
        assert (await api.post(f"/api/v1/videos/{stopped}/cancel")).status_code == 202
    shown = ann.page.locator(".card .title")
    await ann.page.get_by_label("Search by title").fill("sorted")
    await expect(shown).to_have_text(["sorted, stopped", "sorted, broken"])
    await expect(ann.card("sorted, stopped")).to_have_attribute("data-kind", "cancelled")
    for status, found in (
        ("Failed", ["sorted, broken"]),
        ("Ready", []),
        ("Cancelled", ["sorted, stopped"]),
    ):
        await ann.page.get_by_label("Status").select_option(status)
        await expect(shown).to_have_text(found)
    await ann.page.get_by_label("Status").select_option("All")
    await ann.card("sorted, stopped").get_by_role("button", name="Try again").click()
    await ann.sees_ready("sorted, stopped")
    await expect(shown).to_have_text(["sorted, stopped", "sorted, broken"])


async def test_what_nobody_has_told_of_yet_is_not_told_as_a_lack_of_workers(ann: Visitor) -> None:
    await ann.opens()
    told = await ann.page.evaluate(
        """async () => {
          const { nowText } = await import("/web/steps.js");
          return [{ step: null }, { step: null, progress: null }, { step: null, progress: 0 }].map(nowText);
        }"""
    )
    assert told == ["In processing", "In processing", "Waiting for a worker"]


async def test_a_list_that_comes_late_takes_nothing_back_of_what_was_told_meanwhile(ann: Visitor) -> None:
    shown = await ann.page.evaluate(
        """async () => {
            const { Library } = await import("/web/library.js");
            const video = (id) => ({ id, title: id, status: "ready", created_at: id, updated_at: id });
            const answers = [];
            const library = new Library({ get: () => new Promise((resolve) => answers.push(resolve)) });
            const answer = (...items) => answers.pop()({ items, next_cursor: null });
            const loaded = library.load();
            answer();
            await loaded;
            const late = library.refresh();
            library.put(video("made"));
            library.put(video("deleted"));
            library.drop("deleted");
            answer(video("deleted"));
            await late;
            const live = { step: "transcode", progress: 0.5, speed: 2, time_left_seconds: 9, step_failure: "Away." };
            const none = Object.fromEntries(Object.keys(live).map((name) => [name, null]));
            library.put({ ...video("made"), ...live });
            const next = library.refresh();
            answer({ ...video("made"), ...none });
            await next;
            const isKept = ([made]) => Object.entries(live).every(([name, value]) => made[name] === value);
            return [library.all.map(({ id }) => id), isKept(library.all)];
        }"""
    )
    assert shown == [["made"], True]


async def test_the_page_tells_lengths_of_time_as_all_others_do(ann: Visitor) -> None:
    lengths = [0.052, 8.24, 59.9, 59.96, 185.4, 3599.6, 3690, 7199, 86400]
    told = await ann.page.evaluate(
        """async (lengths) => {
            const { durationText } = await import("/web/words.js");
            return lengths.map(durationText);
        }""",
        lengths,
    )
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in told] == [duration_text(length) for length in lengths]


async def test_what_is_waited_for_is_told_in_the_next_larger_unit_where_it_is_rounded_to_one(ann: Visitor) -> None:
    told = await ann.page.evaluate(
        """async () => {
            const { agoText, timeLeftText } = await import("/web/words.js");
            const { waitingText } = await import("/web/reasons.js");
            const ago = (seconds) => agoText(new Date(0).toISOString(), 1000 * seconds);
            const waits = [null, "http_error", "too_many_uploads", "database_unavailable", "storage_failed"];
            const left = [54, 55, 3569, 3571].map(timeLeftText);
            return [left, [3569, 3571, 84599, 84601].map(ago), waits.map(waitingText)];
        }"""
    )
    left, ago, waits = [[text.replace("\N{NO-BREAK SPACE}", " ") for text in texts] for texts in told]
    assert left == ["about 50 s left", "about 1 min left", "about 59 min left", "about 1.0 h left"]
    assert ago == ["59 minutes ago", "1 hour ago", "23 hours ago", "yesterday"]
    assert ["be reached" in text for text in waits] == [True, True, False, False, False], "what answered is there"


async def test_what_is_brought_while_a_filter_is_set_is_seen(ann: Visitor, named: Named, clips: Clips) -> None:
    await ann.page.get_by_label("Status").select_option("Failed")
    await ann.page.get_by_label("Search by title").fill("nothing of that name")
    await expect(ann.page.get_by_role("status").filter(has_text="Nothing")).to_be_visible()
    await ann.chooses(named.copy(clips.path("sub_second"), "brought meanwhile"))
    await ann.sees_ready("brought meanwhile")
    await expect(ann.page.get_by_label("Status")).to_have_value("")


async def test_what_is_looked_for_is_the_same_after_a_reload_in_a_link_and_back_from_a_video(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    async with site.as_user(site.ann) as api:
        await uploaded(api, named.copy(clips.path("sub_second"), "addressed"))
    page = ann.page
    await page.get_by_label("Search by title").fill("addr")
    await page.get_by_label("Status").select_option("Ready")
    await expect(page).to_have_url(re.compile(r"/\?title=addr&status=ready$"))
    address = page.url

    async def is_as_it_was(visitor: Visitor) -> None:
        await expect(visitor.page).to_have_url(address)
        await expect(visitor.page.get_by_label("Search by title")).to_have_value("addr")
        await expect(visitor.page.get_by_label("Status")).to_have_value("ready")
        await expect(visitor.page.locator(".card .title")).to_have_text(["addressed"])

    await page.reload()
    await is_as_it_was(ann)
    other = Visitor(await page.context.new_page())
    await other.opens(address)
    await is_as_it_was(other)
    for back in (page.go_back, page.get_by_role("link", name="All videos", exact=True).click):
        await ann.card("addressed").locator(".title").click()
        await expect(page.locator("h1")).to_have_text("addressed")
        await back()
        await is_as_it_was(ann)
    await page.get_by_label("Search by title").fill("")
    await page.get_by_label("Status").select_option("All")
    await expect(page).to_have_url(re.compile(r":\d+/$"))


async def test_neither_focus_nor_an_open_menu_is_taken_away_when_a_video_changes(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    async with site.as_user(site.ann) as api:
        video_id = await uploaded(api, named.copy(clips.path("sub_second"), "under the hand"), until="ready")
        await ann.opens(f"/videos/{video_id}")
        more = ann.page.get_by_role("button", name="More for")
        await more.focus()
        assert (await api.patch(f"/api/v1/videos/{video_id}", json={"title": "still under it"})).status_code == 200
        more = ann.page.get_by_role("button", name="More for still under it")
        await expect(more).to_be_focused()
        await more.click()
        rename = ann.page.get_by_role("button", name="Rename")
        await expect(rename).to_be_visible()
        assert (await api.patch(f"/api/v1/videos/{video_id}", json={"title": "and again"})).status_code == 200
        await expect(ann.page.locator("h1")).to_have_text("and again")
        await expect(rename).to_be_visible()
        await ann.page.keyboard.press("Escape")
        await expect(ann.page.get_by_role("button", name="More for and again")).to_be_visible()


async def test_trying_again_is_offered_where_it_may_help(ann: Visitor) -> None:
    asked = [
        [code, size]
        for code in ("source_failed", "invalid_media", "no_video_stream", "storage_failed", "cancelled")
        for size in (0, 1)
    ]
    told = await ann.page.evaluate(
        """async (asked) => {
            const { mayHelpToTryAgain } = await import("/web/reasons.js");
            return asked.map(([code, size]) =>
                mayHelpToTryAgain({ status: "error", error_code: code, file_size_bytes: size }));
        }""",
        asked,
    )
    offered = [tuple(one) for one, helps in zip(asked, told, strict=True) if helps]
    imports, others = [("source_failed", 0), ("source_failed", 1)], [("storage_failed", 0), ("storage_failed", 1)]
    assert offered == [*imports, *others, ("cancelled", 1)]


async def test_a_video_is_found_renamed_and_deleted_with_time_to_undo(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    async with site.as_user(site.ann) as api:
        await uploaded(api, named.copy(clips.path("sub_second"), "Ficus"))
    await ann.page.get_by_label("Search by title").fill("ficus")
    await ann.sees_ready("Ficus")
    await expect(ann.page.locator(".card")).to_have_count(1)
    await ann.takes("Ficus", "Rename")
    for title in ("  ", "Ficus in the wind"):
        await ann.page.get_by_label("Title", exact=True).fill(title)
        await ann.page.keyboard.press("Enter")
        await expect(ann.page.get_by_role("dialog")).to_have_count(0 if title.strip() else 1)
    await ann.sees_ready("Ficus in the wind")
    await ann.takes("Ficus in the wind", "Delete")
    await expect(ann.card("Ficus in the wind")).to_have_count(0)
    await expect(ann.page.get_by_role("button", name="Undo")).to_be_visible()
    await ann.page.keyboard.press("Control+z")
    await ann.sees_ready("Ficus in the wind")
    assert await site.titles("ficus") == ["Ficus in the wind"]


async def test_a_video_is_made_anew_with_another_profile_while_it_is_watched(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    async with site.as_user(site.ann) as api:
        video_id = await uploaded(api, named.copy(clips.path("short_with_sound"), "director's cut"))
        await ann.opens(f"/videos/{video_id}")
        film = ann.page.locator("video")
        await expect(film).to_have_js_property("readyState", 4)
        watched = await film.get_attribute("src")
        await film.evaluate("film => { film.loop = true; film.muted = true; return film.play(); }")
        await ann.page.get_by_role("button", name="More for director's cut").click()
        await ann.page.locator(".menu:popover-open").get_by_text("Process again").click()
        await ann.page.get_by_role("radio", name="mobile").check()
        await ann.page.get_by_role("button", name="Process again").click()
        await ann.is_told("is processed again with profile mobile")
        await expect(ann.page.get_by_text("This video was processed again.")).to_be_visible()
        assert await film.get_attribute("src") == watched
        assert (await api.get(f"/api/v1/videos/{video_id}")).json()["profile"] == "mobile"
        await ann.page.get_by_role("button", name="Watch the new version").click()
        await expect(film).to_have_js_property("readyState", 4)
        assert await film.get_attribute("src") != watched
        await eventually(ann.frames_played, lambda frames: frames > 5)


async def test_metadata_that_nobody_touches_keeps_its_lines_and_spaces(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    await ann.chooses(named.copy(clips.path("sub_second"), "kept as it was"))
    card = await ann.sees_ready("kept as it was")
    video_id = (await card.locator("a.title").get_attribute("href") or "").rpartition("/")[2]
    kept = {"lines": "one\ntwo", "others": "one\r\ntwo\r", "ref": " 4711 ", "tag": "x"}
    async with site.as_user(site.ann) as api:
        assert (await api.patch(f"/api/v1/videos/{video_id}", json={"metadata": kept})).status_code == 200
        await ann.opens(f"/videos/{video_id}")
        await ann.page.get_by_role("button", name="Edit metadata").click()
        rows = ann.page.locator("dialog .pair")
        tag = rows.filter(has=ann.page.get_by_role("button", name="Remove tag"))
        await tag.get_by_label("Value").fill(" y ")
        lines = rows.filter(has=ann.page.get_by_role("button", name="Remove lines"))
        await lines.get_by_label("Key").fill("more lines")
        await ann.page.get_by_role("button", name="Save").click()
        await ann.is_told("The metadata was saved.")
        changed = (await api.get(f"/api/v1/videos/{video_id}")).json()["metadata"]
    del kept["lines"]
    assert changed == kept | {"more lines": "one\ntwo", "tag": "y"}


async def test_metadata_is_shown_and_changed_and_what_is_refused_is_not_lost(
    ann: Visitor, site: Site, named: Named, clips: Clips
) -> None:
    async with site.as_user(site.ann) as api:
        video_id = await uploaded(api, named.copy(clips.path("sub_second"), "labelled"))
        kept = {"order": "4711", "colour": "red", "place": "harbour"}
        await api.patch(f"/api/v1/videos/{video_id}", json={"metadata": kept})
        await ann.opens(f"/videos/{video_id}")
        section = ann.page.locator(".metadata")
        await expect(section).to_contain_text("4711")
        await section.get_by_role("button", name="Edit metadata").click()
        await ann.page.get_by_role("button", name="Remove colour").click()
        await ann.page.get_by_label("Value", exact=True).nth(1).fill("station")
        await ann.page.get_by_role("button", name="Add a key").click()
        await ann.page.get_by_label("Key", exact=True).last.fill("crew")
        await ann.page.get_by_label("Value", exact=True).last.fill("two")
        reason, last = ann.page.locator("dialog").get_by_role("alert"), ann.page.get_by_label("Key", exact=True).last
        for key, told in (("order", "Two rows have the key “order”."), ("a[b]", "That did not work.")):
            await last.fill(key)
            await ann.page.get_by_role("button", name="Save").click()
            await expect(reason).to_contain_text(told)
        await last.fill("crew")  # what was refused is still there, to be mended
        await ann.page.get_by_role("button", name="Save").click()
        await expect(section).to_contain_text("station")
        changed = (await api.get(f"/api/v1/videos/{video_id}")).json()["metadata"]
        assert changed == {"order": "4711", "place": "station", "crew": "two"}


async def test_an_administrator_is_told_whose_video_it_is_before_the_service_says_how_it_stands(
    browser: Browser, site: Site, named: Named, clips: Clips
) -> None:
    answers = asyncio.Event()

    async def hang(route: Route) -> None:
        await answers.wait()
        await route.continue_()

    administrator = await site.new_key("operator", is_admin=True)
    async with site.as_user(site.bob) as bob, visiting(browser, site.address, administrator) as operator:
        video_id = await uploaded(bob, named.copy(clips.path("sub_second"), "bob's own"))
        await operator.opens()
        await expect(operator.card("bob's own")).to_contain_text("bob · ")
        await operator.page.route("**/api/v1/system", hang)
        await operator.opens(f"/videos/{video_id.upper()}")
        details = operator.page.locator(".details").first
        await expect(details).to_contain_text("Ownerbob")
        await expect(details).to_contain_text("its owner, and anyone with a link")
        await expect(details.get_by_role("link")).to_have_count(0)
        answers.set()
        await expect(details.get_by_role("link", name="Temporal Web UI")).to_be_visible()
        assert (await bob.patch(f"/api/v1/videos/{video_id}", json={"title": "renamed"})).status_code == 200
        await expect(operator.page.locator("h1")).to_have_text("renamed")

        link_is_there = asyncio.Event()

        async def of_a_new_temporal(route: Route) -> None:
            await link_is_there.wait()
            await route.fulfill(json={"video_id": video_id, "steps": [], "plan": None, "before": None, "after": None})

        await operator.page.route("**/steps", of_a_new_temporal)
        await operator.opens(f"/videos/{video_id}")
        await expect(details.get_by_role("link", name="Temporal Web UI")).to_be_visible()
        link_is_there.set()
        await expect(operator.page.get_by_text("The steps are no longer kept")).to_be_visible()
        await expect(details.get_by_role("link")).to_have_count(0)


async def test_another_users_video_is_not_there(ann: Visitor, site: Site, named: Named, clips: Clips) -> None:
    async with site.as_user(site.bob) as api:
        theirs = await uploaded(api, named.copy(clips.path("sub_second"), "private matter"))
    await ann.opens(f"/videos/{theirs}")
    await expect(ann.page.locator("h1")).to_have_text("There is no such video")
    await ann.page.locator("main").get_by_role("link", name="All videos").last.click()
    await expect(ann.page.locator("h1")).to_have_text("Videos")
    await expect(ann.card("private matter")).to_have_count(0)


async def test_a_link_plays_a_private_video_on_another_website(
    browser: Browser, site: Site, named: Named, clips: Clips
) -> None:
    async with site.as_user(site.ann) as api:
        video_id = await uploaded(api, named.copy(clips.path("short_with_sound"), "shown around"))
        link = (await api.post(f"/api/v1/videos/{video_id}/links", json={})).json()["url_mp4"]
    player = f"{site.address}/videos/{video_id}/embed"
    async with (
        visiting(browser, site.address) as stranger,
        website(f'<iframe src="{player}?{link.partition("?")[2]}"></iframe>') as with_link,
        website(f'<iframe src="{player}"></iframe>') as without,
    ):
        framed = stranger.page.frame_locator("iframe")
        await stranger.page.goto(with_link)
        await expect(framed.locator("video")).to_have_js_property("clientHeight", 150)  # as high as a frame is
        await framed.locator("video").press("k")
        await eventually(lambda: stranger.frames_played(stranger.page.frames[1]), lambda frames: frames > 5)
        await stranger.page.goto(without)
        await expect(framed.get_by_role("alert")).to_contain_text("This video can't be played here")


async def test_a_long_list_loads_more_as_it_is_scrolled(browser: Browser, site: Site) -> None:
    await site.begins(site.bob, *(str(number) for number in range(30)))
    async with visiting(browser, site.address, site.bob) as visitor:
        asked: list[str] = []
        visitor.page.on("request", lambda request: asked.append(request.url) if "cursor=" in request.url else None)
        await visitor.opens()
        await visitor.sees_card("29")
        assert asked == []
        await visitor.page.mouse.wheel(0, 20_000)
        await visitor.sees_card("0")
        shown = await visitor.page.locator(".card .title").all_inner_texts()
        assert [title for title in shown if title.isdigit()] == [str(number) for number in reversed(range(30))]


async def test_signing_in_and_out(browser: Browser, site: Site) -> None:
    async with visiting(browser, site.address) as visitor:
        await visitor.opens()
        await expect(visitor.page.locator("h1")).to_have_text("Sign in")
        await visitor.page.get_by_label("Key").fill(site.bob)
        await visitor.page.keyboard.press("Enter")
        await expect(visitor.page.locator("h1")).to_have_text("Videos")
        await visitor.page.get_by_role("button", name="Signed in as bob").click()
        await visitor.page.get_by_text("Sign out bob").click()
        await expect(visitor.page.locator("h1")).to_have_text("Sign in")
