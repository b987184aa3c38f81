"""How fast an upload is taken, against the fastest that this machine could be: ``.venv/bin/python bench/uploading.py``.

The same client sends the same file from another process over loopback, in turn to the api and to a bare socket whose
server writes what it reads and calls fsync; both write to the same disk. The api counts, hashes, keeps the row and
starts the workflow as well. What else the machine does shows in the numbers: close it before comparing.
"""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final
from urllib.request import Request, urlopen

import typer

from embedded.errors import StackError
from embedded.run_file import RunFile
from embedded.stack import Stack
from settings import MEBIBYTE, load_settings

_READ_BYTES: Final = MEBIBYTE
_BOUNDARY: Final = "an-unlikely-line"

_SEND: Final = """
import socket, sys
port, head, tail = int(sys.argv[1]), bytes.fromhex(sys.argv[2]), bytes.fromhex(sys.argv[3])
file = open(sys.argv[4], "rb")
with socket.create_connection(("127.0.0.1", port)) as connection:
    sys.stdin.readline()
    connection.sendall(head)
    connection.sendfile(file)
    connection.sendall(tail)
    connection.shutdown(socket.SHUT_WR) if not tail else None
    while piece := connection.recv(65536):
        sys.stdout.buffer.write(piece)
"""

_BARE_SERVER: Final = """
import os, socket, sys
from pathlib import Path
target, buffer = Path(sys.argv[1]), bytearray(int(sys.argv[2]))
view = memoryview(buffer)
with socket.create_server(("127.0.0.1", 0)) as listening:
    print(listening.getsockname()[1], flush=True)
    while True:
        connection, _ = listening.accept()
        with connection, target.open("wb", buffering=0) as file:
            while count := connection.recv_into(buffer):
                file.write(view[:count])
            os.fsync(file.fileno())
            connection.sendall(b"done")
        target.unlink()
"""


def bench(
    mebibytes: Annotated[int, typer.Option(min=1, help="Size of the file.")] = 450,
    runs: Annotated[int, typer.Option(min=1, help="How often it is sent to each.")] = 5,
) -> None:
    """Time uploads to the api and to a bare socket."""
    with tempfile.TemporaryDirectory(prefix="rushes-uploading-", dir=Path.cwd()) as folder:
        asyncio.run(_bench(Path(folder), mebibytes * MEBIBYTE, runs))


async def _bench(folder: Path, size: int, runs: int) -> None:
    file = folder / "sent.mp4"
    await asyncio.to_thread(_write, file, size)
    free = {"home": folder / "home", "port": 0, "temporal_port": 0, "temporal_ui_port": 0}
    settings = load_settings().model_copy(update=free)
    async with Stack(settings, os.environ | {"RUSHES_MAX_UPLOAD_BYTES": str(2 * size)}, typer.echo) as run:
        os.kill(run.pids["worker"], signal.SIGSTOP)  # what it does with one upload must not slow down the next
        try:
            await asyncio.to_thread(_compare, file, size, run, runs)
        finally:
            os.kill(run.pids["worker"], signal.SIGCONT)


def _compare(file: Path, size: int, run: RunFile, runs: int) -> None:
    bare: list[float] = []
    api: list[float] = []
    grown: list[int] = []
    with _bare_server(file.with_name("bare")) as bare_port:
        for _ in range(runs):
            bare.append(_send(bare_port, file, b"", b"")[0])
            with _memory(run.pids["api"]) as growth:
                seconds, answer = _send(int(run.api.rpartition(":")[2]), file, *_form(size))
            status, _, body = answer.partition(b"\r\n")
            if b" 202 " not in status:
                raise SystemExit(f"The api answered {answer.decode(errors='replace')}")
            api.append(seconds)
            grown.append(growth())
            video_id = json.loads(body.rpartition(b"\r\n\r\n")[2])["video_id"]
            urlopen(Request(f"{run.api}/api/v1/videos/{video_id}", method="DELETE"))  # noqa: S310 - of our own stack
    _tell("bare socket, write, fsync", size, bare)
    _tell("the api", size, api)
    ratio = statistics.median(bare) / statistics.median(api)
    typer.echo(f"{ratio:.2f} of the bare rate; the api's memory grew by {max(grown) / MEBIBYTE:.1f} MiB at most")


def _tell(name: str, size: int, seconds: Sequence[float]) -> None:
    median = statistics.median(seconds)
    rate = size / MEBIBYTE / median
    typer.echo(f"{name:<26} {min(seconds):.2f} {median:.2f} {max(seconds):.2f} s  {rate:.0f} MiB/s")


def _write(file: Path, size: int) -> None:
    with file.open("wb") as opened:
        piece = os.urandom(MEBIBYTE)
        for _ in range(0, size, MEBIBYTE):
            opened.write(piece)


def _form(size: int) -> tuple[bytes, bytes]:
    """What goes before the file's bytes, the request's head included, and what after them."""
    part = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="sent.mp4"\r\n\r\n'
    end = f"\r\n--{_BOUNDARY}--\r\n"
    head = [
        "POST /api/v1/videos/upload HTTP/1.1",
        "Host: api",
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}",
        f"Content-Length: {len(part) + size + len(end)}",
        "Connection: close",
        "",
        part,
    ]
    return "\r\n".join(head).encode(), end.encode()


def _send(port: int, file: Path, head: bytes, tail: bytes) -> tuple[float, bytes]:
    """Seconds from the first byte sent to the answer, and the answer; nothing else is left to be written before."""
    os.sync()
    arguments = (str(port), head.hex(), tail.hex(), str(file))
    with subprocess.Popen(
        (sys.executable, "-c", _SEND, *arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as client:
        time.sleep(0.3)  # it is connected by now
        begun = time.perf_counter()
        answer, _ = client.communicate(b"\n")
        return time.perf_counter() - begun, answer


@contextmanager
def _bare_server(target: Path) -> Iterator[int]:
    command = (sys.executable, "-c", _BARE_SERVER, str(target), str(_READ_BYTES))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None  # noqa: S101 - asked for above
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


@contextmanager
def _memory(process_id: int) -> Iterator[Callable[[], int]]:
    """Watch a process's resident memory; the function tells by how many bytes it grew at most."""
    page = os.sysconf("SC_PAGE_SIZE")
    statm = Path(f"/proc/{process_id}/statm")
    ended = threading.Event()
    seen = [int(statm.read_text().split()[1])]

    def watch() -> None:
        while not ended.wait(0.02):
            seen.append(int(statm.read_text().split()[1]))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield lambda: (max(seen) - seen[0]) * page
    finally:
        ended.set()
        watching.join()


if __name__ == "__main__":
    try:
        typer.run(bench)
    except StackError as error:
        sys.exit(str(error))
