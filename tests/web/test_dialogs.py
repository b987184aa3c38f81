"""Questions of the page, while what was answered is on its way."""

import pytest
from playwright.async_api import expect

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
