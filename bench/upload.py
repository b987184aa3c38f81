"""An upload over a bare socket, as fast as the kernel sends, so that the client is no part of what is measured."""

import http.client
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench.errors import NotMeasured

_BOUNDARY: Final = "----rushes-bench"
_PATH: Final = "/api/v1/videos/upload"
_TIMEOUT_SECONDS: Final = 600.0
_ACCEPTED: Final = 202


@dataclass(frozen=True)
class Sent:
    """An upload that was accepted.

    Attributes:
        began: When the connection was opened, by ``time.monotonic``, in seconds.
        answered: When the whole answer was there.
        body: The answer.
    """

    began: float
    answered: float
    body: bytes

    @property
    def seconds(self) -> float:
        """From the one to the other."""
        return self.answered - self.began


def send_file(base_url: str, file: Path) -> Sent:
    """Send a form with one file and wait for the answer; blocks, so call it in a thread.

    Raises:
        NotMeasured: The server refused, or closed the connection.
    """
    place = urlsplit(base_url)
    head, tail = _around(file)
    length = len(head) + file.stat().st_size + len(tail)
    request = (
        f"POST {_PATH} HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\nContent-Length: {length}\r\n"
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\n\r\n"
    )
    began = time.monotonic()
    try:
        with (
            file.open("rb") as opened,
            socket.create_connection((place.hostname, place.port), timeout=_TIMEOUT_SECONDS) as connection,
        ):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(request.encode() + head)
            connection.sendfile(opened)
            connection.sendall(tail)
            answer = http.client.HTTPResponse(connection, method="POST")
            answer.begin()
            body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotMeasured(f"The upload of {file.name} broke: {error!r}.") from error
    if answer.status != _ACCEPTED:
        raise NotMeasured(f"The upload of {file.name} was answered with {answer.status}: {body[:300]!r}")
    return Sent(began, time.monotonic(), body)


def _around(file: Path) -> tuple[bytes, bytes]:
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode(), f"\r\n--{_BOUNDARY}--\r\n".encode()
