"""A worker that is killed while a program starts leaves nothing behind, whatever moment that is."""

import asyncio
import sys
from pathlib import Path

import pytest

from media.ffmpeg import Ffmpeg
from media.sandbox import Layer, Sandbox, fault_of

PROJECT = Path(__file__).parents[2]

# Kills a process of its own at forty moments of starting a program, 0 to 40 ms after it began, and becomes the parent
# of whatever is left: so it can tell when nothing is. What is still there after a while it kills, and names.
KILLS = """
import asyncio, ctypes, os, signal, sys, time
from pathlib import Path
from media.sandbox import Access, Layer, Sandbox

SUBREAPER, MOMENTS, SECONDS = 36, 40, 0.001
ctypes.CDLL(None).prctl(SUBREAPER, 1)
for moment in range(MOMENTS):
    worker = os.fork()
    if worker == 0:
        asyncio.run(Sandbox(Layer(sys.argv[1])).run(["/bin/sleep", "600"], Access()))
    time.sleep(moment * SECONDS)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
until = time.monotonic() + 15
while (left := children.read_text().split()) and time.monotonic() < until:
    for child in left:
        os.waitpid(int(child), os.WNOHANG)
    time.sleep(0.05)
for child in left:
    print(Path(f"/proc/{child}/cmdline").read_text().replace("\\0", " "))
    os.kill(int(child), signal.SIGKILL)
    os.waitpid(int(child), 0)
"""


@pytest.mark.parametrize("layer", list(Layer))
async def test_a_worker_that_is_killed_while_a_program_starts_leaves_nothing(layer: Layer, ffmpeg: Ffmpeg) -> None:
    fault = await fault_of(Sandbox(layer), (ffmpeg.ffmpeg_path,))
    if fault is not None:
        pytest.skip(f"{layer} does not work here: {fault}")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLS, layer), cwd=PROJECT, stdout=asyncio.subprocess.PIPE
    )
    left, _ = await process.communicate()
    assert (process.returncode, left.decode()) == (0, "")
