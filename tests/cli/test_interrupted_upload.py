"""Ctrl-C while a file is sent costs nothing of what was sent."""

import asyncio
import json
import signal
from pathlib import Path

import pytest

from tests.fixtures.clips import Clips
from tests.fixtures.stack import Home, finish
from tests.web.files import Named
from tests.web.network import network

pytestmark = pytest.mark.timeout(180)

MEBIBYTE = 1024 * 1024


async def test_an_upload_that_is_interrupted_says_how_to_go_on_and_does_so(
    stack: Home, clips: Clips, tmp_path: Path
) -> None:
    file = Named(tmp_path).large(clips.path("sub_second"), "thought better of", 12 * MEBIBYTE)
    assert stack.run_file is not None
    async with network(stack.run_file.api) as between:
        there = stack.with_settings(RUSHES_API_URL=between.address)
        between.speaks(for_bytes=3 * MEBIBYTE)
        upload = await there.begin("upload", str(file))
        await asyncio.wait_for(between.silence.wait(), 60)
        upload.send_signal(signal.SIGINT)
        interrupted = await finish(upload)
        assert (interrupted.code, interrupted.out) == (128 + signal.SIGINT, "")
        assert "thought better of.mp4 was interrupted. What arrived of it is kept: sent again" in interrupted.err
        between.ends()
        between.speaks()
        again = await there.rushes("upload", "--wait", str(file))
    assert again.code == 0, again
    listed = json.loads((await stack.rushes("list", "--title", "thought better of", "--json")).out)
    assert [video["id"] for video in listed] == [again.out.strip()], "it is the same upload"
