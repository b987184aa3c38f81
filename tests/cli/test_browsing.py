"""``make demo`` opens the video's page for somebody who sits before it, and for nobody else."""

import asyncio
import os
import pty
from pathlib import Path

import pytest

from cli.browsing import open_page
from tests.fixtures.clips import Clips
from tests.fixtures.stack import RUSHES, Home
from tests.waiting import eventually


@pytest.mark.parametrize(("environment", "is_opened"), [({}, False), ({"DISPLAY": ":0"}, True)])
async def test_a_page_is_opened_where_there_is_a_screen(environment: dict[str, str], is_opened: bool) -> None:
    opened: list[str] = []

    def open_tab(address: str) -> bool:
        opened.append(address)
        return True

    assert await open_page("http://127.0.0.1:8000/", environment, open_tab) is is_opened
    assert opened == (["http://127.0.0.1:8000/"] if is_opened else [])


async def test_a_demo_at_a_terminal_opens_the_page_of_its_video(stack: Home, clips: Clips, tmp_path: Path) -> None:
    asked, browser = tmp_path / "asked", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >"{asked}.part"\nmv "{asked}.part" "{asked}"\n')
    browser.chmod(0o755)
    home = stack.with_settings(DISPLAY=":9", BROWSER=str(browser))
    ours, theirs = pty.openpty()
    demo = await asyncio.create_subprocess_exec(
        *(str(RUSHES), "demo", str(clips.path("sub_second"))), env=home.environment, stdin=theirs, stdout=theirs
    )
    os.close(theirs)
    asyncio.get_running_loop().add_reader(ours, lambda: os.read(ours, 65536))
    try:
        assert await demo.wait() == 0
        await eventually(lambda: asyncio.to_thread(asked.exists), bool)
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
    run = home.run_file
    assert run is not None
    assert asked.read_text().startswith(f"{run.api}/videos/")
