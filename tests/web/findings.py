"""What axe-core says of a page."""

from typing import Final

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

_GRAVE: Final = {"serious", "critical"}
_OF_COLOURS: Final = ("color-contrast", "link-in-text-block")
_AXE: Final = Axe()


async def findings(page: Page, *, of_colours_alone: bool = False) -> list[str]:
    """Each serious or critical finding, with the elements that it is about.

    Args:
        page: As it stands.
        of_colours_alone: For a page that was looked at in another colour scheme.
    """
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_AXE.axe_script)
    wanted = {"runOnly": list(_OF_COLOURS)} if of_colours_alone else {}
    response = await page.evaluate("options => axe.run(options)", {"resultTypes": ["violations"], **wanted})
    return [
        f"{found['id']}: {', '.join(' '.join(node['target']) for node in found['nodes'])}"
        for found in response["violations"]
        if found["impact"] in _GRAVE
    ]
