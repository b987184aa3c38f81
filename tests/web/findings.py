"""What axe-core says of a page."""

from typing import Final

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

_GRAVE: Final = {"serious", "critical"}
_AXE: Final = Axe()


async def findings(page: Page) -> list[str]:
    """Each serious or critical finding, with the elements that it is about."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_AXE.axe_script)
    response = await page.evaluate("options => axe.run(options)", {"resultTypes": ["violations"]})
    return [
        f"{found['id']}: {', '.join(' '.join(node['target']) for node in found['nodes'])}"
        for found in response["violations"]
        if found["impact"] in _GRAVE
    ]
