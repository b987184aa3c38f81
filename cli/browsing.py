"""Opening the page for somebody who sits before it."""

import asyncio
import webbrowser
from collections.abc import Callable, Mapping
from typing import Final

_SCREENS: Final = ("DISPLAY", "WAYLAND_DISPLAY")


async def open_page(
    address: str, environment: Mapping[str, str], open_tab: Callable[[str], bool] = webbrowser.open_new_tab
) -> bool:
    """Open a page in the person's browser, and tell whether that was done.

    Without a screen it is not tried: Python would find a browser for terminals, and that would take this one.

    Args:
        address: Of the page.
        environment: Of the process.
        open_tab: Opens an address, and tells whether it could.
    """
    if not any(environment.get(name) for name in _SCREENS):
        return False
    return await asyncio.to_thread(open_tab, address)
