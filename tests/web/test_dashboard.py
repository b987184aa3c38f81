"""The picture of the dashboard shows all that its panels say."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser

from tests.web import dashboard

pytestmark = pytest.mark.timeout(120)

_FILE: Final = Path(__file__).resolve().parents[2] / "deploy" / "monitoring" / "grafana-dashboard.json"
_OPERATIONS: Final = (
    *("DescribeWorkflowExecution", "GetWorkflowExecutionHistory", "RespondWorkflowTaskCompleted"),
    *("RespondActivityTaskCompleted", "RecordActivityTaskHeartbeat", "StartWorkflowExecution"),
)


class Everything:
    """A service of which each question has as many answers as calls of Temporal have names, all of them long."""

    async def over(self, _expression: str, begin: float, end: float, _step_seconds: float, /) -> list[Any]:
        """The same every time."""
        labels = set(re.findall(r"{{(\w+)}}", _FILE.read_text(encoding="utf-8")))
        values = [[begin, "1"], [end, "1"]]
        return [{"metric": dict.fromkeys(labels, operation), "values": values} for operation in _OPERATIONS]


async def test_no_legend_is_cut_however_long_its_names_are(browser: Browser) -> None:
    drawn = await dashboard.draw(Everything(), 0, 90)
    page = await browser.new_page(viewport={"width": 1440, "height": 900})
    try:
        await page.set_content(drawn)
        below = await page.evaluate(
            """() => [...document.querySelectorAll("section:has(.names)")].map((panel) =>
                panel.querySelector(".names").getBoundingClientRect().bottom - panel.getBoundingClientRect().bottom)"""
        )
    finally:
        await page.close()
    assert len(below) > 10
    assert max(below) < 0, "a legend ends within its panel"
