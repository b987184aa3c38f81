"""Two videos that the tests of commands share: they leave them as they are, or ask for what others don't mind."""

import pytest

from tests.fixtures.clips import Clips
from tests.fixtures.stack import Home


@pytest.fixture(scope="session")
async def ready_video(stack: Home, clips: Clips) -> str:
    """Id of a video that went through."""
    ended = await stack.rushes(
        "upload", "--wait", "--title", "Two seconds", "--metadata", "order=4711", str(clips.path("short_with_sound"))
    )
    assert ended.code == 0, ended
    assert "Ready: 320x240, 2.0 s" in ended.err
    return ended.out.strip()


@pytest.fixture(scope="session")
async def failed_video(stack: Home, clips: Clips) -> str:
    """Id of a video that ended in error."""
    ended = await stack.rushes("upload", "--wait", str(clips.path("text_named_mp4")))
    assert ended.code == 1, ended
    assert "(invalid_media)" in ended.err
    return ended.out.strip()
