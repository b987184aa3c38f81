"""What axe-core finds in every state of the page, in both schemes and at both widths: nothing serious or critical.

A state is looked at wide in one scheme and narrow in the other, the next state the other way round: what states have in
common is seen in all four. ``make screenshots`` asks all four of each state, and of more in which
something is held up.
"""

from typing import Final

import pytest
from playwright.async_api import Browser

from tests.fixtures.clips import Clips
from tests.fixtures.stack import Home
from tests.web.files import Named
from tests.web.findings import findings
from tests.web.held_up import dropping, steps_held_up
from tests.web.screenshots import FOLDER
from tests.web.states import BEFORE, SCHEMES, WIDE, WITH_VIDEOS, Scheme, Stage, State, furnish, looking
from tests.web.visitor import Visitor

pytestmark = pytest.mark.timeout(180)

HELD_UP: Final = (steps_held_up, dropping)
STATES: Final = (*BEFORE, *WITH_VIDEOS, *HELD_UP)


@pytest.fixture(scope="session")
async def bare(stack: Home, clips: Clips, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A library in which nothing is yet."""
    assert stack.run_file is not None
    return Stage(stack.run_file.api, clips, Named(tmp_path_factory.mktemp("files")))


@pytest.fixture(scope="session")
async def furnished(bare: Stage, clips: Clips) -> Stage:
    """The same, with videos."""
    await furnish(bare, {"Broken": clips.path("truncated_no_moov"), "Whole": clips.path("short_with_sound")})
    return bare


async def nothing_serious(browser: Browser, stage: Stage, state: State) -> None:
    """Bring the state about, and look at it at each width in a colour scheme, of which no script takes notice."""
    wide, narrow = SCHEMES if STATES.index(state) % 2 == 0 else reversed(SCHEMES)
    async with looking(browser, stage, WIDE) as visitor:
        await state(visitor, stage)
        found = await in_scheme(visitor, wide, f"{state.__name__}-wide")
        await visitor.takes_it_to_a_phone()
        found += await in_scheme(visitor, narrow, f"{state.__name__}-phone")
    assert found == []


async def in_scheme(visitor: Visitor, scheme: Scheme, name: str) -> list[str]:
    """What axe-core finds. The page as it stood then is left in ``FOLDER``, for people to look at."""
    await visitor.page.emulate_media(color_scheme=scheme)
    found = await findings(visitor.page)
    await visitor.keeps_a_picture(FOLDER / f"{name}-{scheme}.png")
    return found


@pytest.mark.parametrize("state", BEFORE, ids=lambda it: it.__name__)
async def test_before_there_are_videos(browser: Browser, bare: Stage, state: State) -> None:
    await nothing_serious(browser, bare, state)


@pytest.mark.parametrize("state", WITH_VIDEOS, ids=lambda it: it.__name__)
async def test_with_videos(browser: Browser, furnished: Stage, state: State) -> None:
    await nothing_serious(browser, furnished, state)


@pytest.mark.parametrize("state", HELD_UP, ids=lambda it: it.__name__)
async def test_where_something_is_held_up(browser: Browser, furnished: Stage, state: State) -> None:
    await nothing_serious(browser, furnished, state)
