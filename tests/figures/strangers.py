"""What strangers get of a running stack, in bytes and seconds: ``python -m tests.figures.strangers``."""

import argparse
import asyncio
import contextlib
import json
import socket
import struct
import sys
import tempfile
import time
from asyncio.trsock import TransportSocket
from pathlib import Path
from typing import Final

import httpx

from api.connections import room_for_connections
from embedded.ports import LOOPBACK
from tests.end_to_end.conftest import serving, with_everything_allowed
from tests.end_to_end.service import Service
from tests.soak.silent_connections import ask

_CLAIMED_BYTES: Final = 5 * 1024 * 1024 * 1024
_PIECE: Final = bytes(64 * 1024)
_ACKNOWLEDGED_AT: Final = 120
"""Where the kernel's tcp_info has the bytes that the other side's kernel has taken."""

_ANNOUNCED: Final = (
    b"POST /api/v1/videos/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer wrong\r\n"
    b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n-"
)
_ENDLESS: Final = b"X-Endless: " + b"a" * 4000 + b"\r\n"
_MEBIBYTE: Final = 1024 * 1024


def send_as_a_stranger(
    host: str,
    port: int,
    asked: str = "POST /api/v1/videos/upload",
    header: str = "Authorization: Bearer wrong",
    *,
    most_bytes: int = _CLAIMED_BYTES,
) -> tuple[int, str]:
    """Send 5 GiB that nobody is to read; how much was taken, and the answer's first line.

    Args:
        host: Of the api.
        port: Of the api.
        asked: Method and path.
        header: One header of the request; without another, the key is one that is none.
        most_bytes: No more than that is sent, where it is taken.
    """
    with socket.create_connection((host, port)) as connection:
        connection.sendall(
            f"{asked} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {_CLAIMED_BYTES}\r\n"
            f"Content-Type: multipart/form-data; boundary=x\r\n{header}\r\n\r\n".encode()
        )
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < most_bytes:
                sent += connection.send(_PIECE)
        taken = acknowledged_bytes(connection)
        return taken, connection.recv(64).partition(b"\r\n")[0].decode()


def acknowledged_bytes(connection: socket.socket | TransportSocket) -> int:
    """What the other side's kernel has taken of all that was sent: its program can't have taken more."""
    told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKNOWLEDGED_AT + 8)
    return int(struct.unpack_from("=Q", told, _ACKNOWLEDGED_AT)[0])


async def flood(port: int, kind: str, floods: int, seconds: float) -> None:
    """Send so many at a time; print how many connections were ended, and the most that was taken.

    In a process of its own, or whoever asks beside it would wait for it.
    """
    room_for_connections(floods)
    stop = asyncio.Event()
    flooding = [asyncio.create_task(_KINDS[kind](port, stop)) for _ in range(floods)]
    await asyncio.wait(flooding, timeout=seconds)
    stop.set()
    taken = [size for some in await asyncio.gather(*flooding) for size in some]
    print(len(taken), max(taken))  # noqa: T201


async def _flood_headers(port: int, stop: asyncio.Event) -> list[int]:
    """Over one connection after the other; how much was taken of each."""
    taken = []
    while not stop.is_set():
        with contextlib.suppress(ConnectionError):
            taken.append(0)
            _, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n")
                while not stop.is_set():
                    writer.write(_ENDLESS)
                    taken[-1] = acknowledged_bytes(writer.get_extra_info("socket"))
                    await writer.drain()
            finally:
                writer.close()
    return taken


async def _announce_bodies(port: int, stop: asyncio.Event) -> list[int]:
    """Over one connection after the other, one byte of a body that is refused; how much was taken of each."""
    taken = []
    while not stop.is_set():
        with contextlib.suppress(ConnectionError):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(_ANNOUNCED)
                either = {asyncio.ensure_future(reader.read()), asyncio.ensure_future(stop.wait())}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                for waiting in either:
                    waiting.cancel()
                taken.append(acknowledged_bytes(writer.get_extra_info("socket")))
            finally:
                writer.close()
    return taken


_KINDS: Final = {"headers without end": _flood_headers, "bodies that are refused": _announce_bodies}


async def tell_floods(service: Service, kind: str, floods: int, seconds: float) -> None:
    """Floods of one kind from many at once, and a client beside them who wants something."""
    before = resident_bytes(service.run.pids["api"])
    stop, waits = asyncio.Event(), list[float]()
    asking = asyncio.create_task(ask(service.run.api, waits, stop))
    port = str(service.http.base_url.port)
    options = ("--flood", port, "--kind", kind, "--floods", str(floods), "--seconds", str(seconds))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.figures.strangers", *options), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    after = resident_bytes(service.run.pids["api"])
    stop.set()
    await asking
    connections, most = (int(number) for number in told.split())
    waits.sort()
    print(  # noqa: T201
        f"{kind}, {floods} at a time for {seconds:g} s: {connections} connections were ended, after "
        f"{most / 1024:.0f} KiB at the most; the api grew by {(after - before) / _MEBIBYTE:.0f} MiB; health and an "
        f"upload meanwhile: {len(waits)} times, median {waits[len(waits) // 2]:.2f} s, longest {waits[-1]:.2f} s"
    )


def resident_bytes(pid: int) -> int:
    """What a process holds of the memory."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096


async def measure(floods: int, bodies: int, seconds: float) -> None:
    """Start a stack, and tell."""
    with tempfile.TemporaryDirectory(prefix="rushes-figures-") as name:
        home = with_everything_allowed(Path(name))
        async with serving(home) as service:
            for kind, count in zip(_KINDS, (floods, bodies), strict=True):
                await tell_floods(service, kind, count, seconds)
            made = await home.rushes("keys", "create", "--user", "ann", "--json")
            assert json.loads(made.out)["key"]
            address = httpx.URL(service.run.api)
            began = time.monotonic()
            taken, answer = await asyncio.to_thread(send_as_a_stranger, address.host, address.port or 80)
            print(  # noqa: T201
                f"5 GiB with a key that is none: {answer}; {taken / 1024:.0f} KiB were taken in "
                f"{time.monotonic() - began:.2f} s"
            )


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="tests.figures.strangers", description=__doc__)
    parser.add_argument("--floods", type=int, default=200, help="how many send headers at a time")
    parser.add_argument("--bodies", type=int, default=2000, help="how many announce a body at a time")
    parser.add_argument("--seconds", type=float, default=20, help="for how long")
    parser.add_argument("--flood", type=int, metavar="PORT", help="do that alone, there")
    parser.add_argument("--kind", choices=_KINDS, default="headers without end", help="of what")
    said = parser.parse_args()
    if said.flood is not None:
        asyncio.run(flood(said.flood, said.kind, said.floods, said.seconds))
        return
    asyncio.run(measure(said.floods, said.bodies, said.seconds))


if __name__ == "__main__":
    main()
