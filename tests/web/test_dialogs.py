"""Questions of the page, while what was answered is on its way."""

import pytest
from playwright.async_api import expect

from tests.web.conftest import Site
from tests.web.visitor import Visitor

pytestmark = pytest.mark.timeout(120)


async def test_a_dialog_that_waits_for_its_answer_says_so_asks_once_and_tells_a_reason_as_often_as_it_is_one(
    ann: Visitor,
) -> None:
    await ann.page.evaluate(
        """async () => {
            const { askForText } = await import("/web/dialogs.js");
            window.asked = 0;
            window.told = [];
            const refuse = () => {
                window.asked += 1;
                return new Promise((resolve) => (window.answer = resolve));
            };
            askForText({ title: "Name it", label: "Name", value: "one", confirm: "Save", most: 20, refuse });
            const reason = document.querySelector("dialog [role=alert]");
            const note = () => reason.textContent && window.told.push(reason.textContent);
            new MutationObserver(note).observe(reason, { childList: true });
        }"""
    )
    save = ann.page.get_by_role("button", name="Save")
    for number in (1, 2):
        await ann.page.get_by_label("Name", exact=True).press("Enter")
        await expect(save).to_have_attribute("aria-disabled", "true")
        await ann.page.get_by_label("Name", exact=True).press("Enter")
        assert await ann.page.evaluate("window.asked") == number, "once is enough, however long it takes"
        await ann.page.evaluate("window.answer('It is taken.')")
        await expect(save).not_to_have_attribute("aria-disabled", "true")
    assert await ann.page.evaluate("window.told") == ["It is taken."] * 2
    await ann.page.get_by_label("Name", exact=True).press("Enter")
    cancel = ann.page.get_by_role("button", name="Cancel", exact=True)
    for leave in (cancel.click(), ann.page.keyboard.press("Escape")):
        await leave
        await expect(ann.page.locator("dialog [role=alert]")).to_contain_text("It was sent already.")
    await ann.page.evaluate("window.answer(null)")
    await expect(ann.page.locator("dialog")).to_have_count(0)


async def test_keys_lead_through_a_menu_and_the_ring_of_the_first_field_of_a_dialog_is_seen(
    ann: Visitor, site: Site
) -> None:
    await site.begins(site.ann, "waits for an answer")
    await ann.sees_card("waits for an answer")
    await ann.card("waits for an answer").get_by_role("button", name="More for").press("Enter")
    rename, delete = (ann.page.get_by_role("button", name=name, exact=True) for name in ("Rename", "Delete"))
    await expect(rename).to_be_focused()
    for key, entry in (("End", delete), ("Home", rename), ("ArrowUp", delete), ("ArrowDown", rename)):
        await ann.page.keyboard.press(key)
        await expect(entry).to_be_focused()
    await ann.page.keyboard.press("Escape")
    room = await ann.page.evaluate(
        """async () => {
            const { askForMetadata } = await import("/web/metadata.js");
            askForMetadata({}, async () => null);
            const [field, pairs] = [document.querySelector(".pair input"), document.querySelector(".pairs")];
            field.focus({ focusVisible: true });
            const [inner, outer] = [field, pairs].map((it) => it.getBoundingClientRect());
            const { outlineWidth, outlineOffset } = getComputedStyle(field);
            const ring = parseFloat(outlineWidth) + parseFloat(outlineOffset);
            return [inner.left - outer.left - ring, inner.top - outer.top - ring];
        }"""
    )
    assert min(room) >= 0, room
