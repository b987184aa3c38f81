"""The least that a server for uploads can do: ``python -m bench.bare_socket PORT FOLDER``.

It takes what comes over the socket in large pieces, writes it to a file, makes it durable, and answers. No HTTP is
understood beyond the length that a request declares.
"""

import os
import re
import socket
import sys
from pathlib import Path
from typing import Final

_PIECE_BYTES: Final = 1024 * 1024
_ANSWER: Final = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def serve(port: int, folder: Path) -> None:
    """Serve one request after the other, until the process is ended."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            connection, _ = listener.accept()
            with connection:
                _take(connection, folder / "upload")


def _take(connection: socket.socket, target: Path) -> None:
    buffer = bytearray(_PIECE_BYTES)
    view = memoryview(buffer)
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(_PIECE_BYTES)
        if not piece:
            return  # somebody looked whether we listen
        head += piece
    head, _, begun = head.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    left = int(length[1]) - len(begun) if length else 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, begun)
        while left > 0:
            count = connection.recv_into(view, min(left, _PIECE_BYTES))
            if count == 0:
                return
            os.write(descriptor, view[:count])
            left -= count
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    connection.sendall(_ANSWER)


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
