"""The client without asyncio: its thread, and what ends it."""

import asyncio
import http.server
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest

from client.errors import FOREIGN_ANSWER, UNREACHABLE, RushesError
from client.loop import Loop
from client.sync import Rushes

ROOT: Final = Path(__file__).resolve().parents[2]


@pytest.fixture
def foreign() -> Iterator[str]:
    """Another program's server, which answers everything with a page."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"page")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_it_works_where_a_loop_runs_already(foreign: str) -> None:
    with Rushes(foreign) as rushes, pytest.raises(RushesError) as told:
        rushes.system()
    assert told.value.code == FOREIGN_ANSWER


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nowhere", "ftp://127.0.0.1"])
def test_an_address_where_no_api_can_be_says_so(url: str) -> None:
    with Rushes(url) as rushes, pytest.raises(RushesError) as told:
        rushes.video("0b7f4a52-6f0c-4a53-9d5e-2f1f0c7f6a11")
    assert (told.value.code, told.value.status) == (UNREACHABLE, None)


def test_what_is_ended_early_is_cancelled_and_no_thread_is_left() -> None:
    before = set(threading.enumerate())
    ended: list[str] = []
    begun: list[asyncio.Task[None]] = []

    async def endless() -> AsyncIterator[int]:
        try:
            for number in range(10):
                yield number
        finally:
            ended.append("items")

    async def left() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("task")

    async def begin() -> None:
        begun.append(asyncio.create_task(left()))
        await asyncio.sleep(0)

    loop = Loop()
    items = loop.iterate(endless())
    assert [next(items), next(items)] == [0, 1]
    items.close()  # type: ignore[attr-defined] # it is a generator
    loop.run(begin())
    loop.close()
    assert ended == ["items", "task"]
    assert set(threading.enumerate()) <= before


def test_ctrl_c_ends_what_is_waited_for() -> None:
    script = (
        "import asyncio\n"
        "from client.loop import Loop\n"
        "async def endless():\n"
        "    try:\n"
        "        print('begun', flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "    finally:\n"
        "        print('cancelled', flush=True)\n"
        "loop = Loop()\n"
        "try:\n"
        "    loop.run(endless())\n"
        "except KeyboardInterrupt:\n"
        "    loop.close()\n"
        "    print('closed')\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, out.split()) == (0, ["cancelled", "closed"])
