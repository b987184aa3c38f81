"""A process that dies at any step costs nobody a video: some of the steps, of which `make failpoints` tries all."""

import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from failpoints import Failpoints, parse
from tests.end_to_end.conftest import with_everything_allowed
from tests.failpoints.scenarios import REPRESENTATIVE, Walk
from tests.failpoints.trial import Trial, trial
from tests.fixtures.clips import Clips


@pytest.fixture(scope="module")
async def stack_that_dies(tmp_path_factory: pytest.TempPathFactory, clips: Clips) -> AsyncIterator[Trial]:
    folder = tmp_path_factory.mktemp("failpoints")
    async with trial(with_everything_allowed(folder), folder, clips) as made:
        yield made


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("walk", "place"), REPRESENTATIVE, ids=lambda value: getattr(value, "__name__", value))
async def test_what_dies_there_is_got_over_and_leaves_nothing_behind(
    stack_that_dies: Trial, walk: Walk, place: str
) -> None:
    await stack_that_dies.walk(walk, place)


@pytest.mark.parametrize(
    ("setting", "wanted"),
    [("", {}), ("a.b.after", {"a.b.after": 1}), ("a.after:3, b.before", {"a.after": 3, "b.before": 1})],
)
def test_a_setting_says_places_and_times(setting: str, wanted: Mapping[str, int]) -> None:
    assert parse(setting) == wanted


def test_without_the_setting_nothing_is_wrapped() -> None:
    part = object()
    assert Failpoints(None).around("part", part) is part


_DIES = """
import asyncio, sys
from failpoints import Failpoints

class Part:
    async def write(self) -> str:
        return "written"

part = Failpoints(sys.argv[1]).around("part", Part())
for _ in range(2):
    print(asyncio.run(part.write()), flush=True)
"""


@pytest.mark.parametrize(("place", "written"), [("part.write.before", 0), ("part.write.after:2", 1)])
def test_a_process_dies_at_its_place(place: str, written: int) -> None:
    ended = subprocess.run([sys.executable, "-c", _DIES, place], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.count("written")) == (-signal.SIGKILL, written)


def test_a_process_that_a_file_tells_to_die_leaves_the_next_one_alive(tmp_path: Path) -> None:
    fatal = tmp_path / "fatal"
    fatal.write_text("part.write.after")
    command = [sys.executable, "-c", _DIES, f"@{fatal}"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
