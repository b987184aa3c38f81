"""Events as a webhook brings them, for a script, a test, or whatever else has no server of its own."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Thread
from typing import Final
from urllib.parse import urlsplit

from client.errors import RushesError
from client.listening import Event
from client.sync import Rushes

_MOST_BYTES: Final = 1024 * 1024
_OLDEST_SECONDS: Final = 300
"""What was signed longer ago may be a message of before that somebody sends once more."""
_SILENCE_SECONDS: Final = 15.0
_PORTS: Final = {"http": 80, "https": 443}


@contextmanager
def receiving(
    rushes: Rushes, url: str, event_types: Collection[str] = (), *, listen: tuple[str, int] | None = None
) -> Iterator[Iterator[Event]]:
    """Have events sent here for as long as the block lasts; they are waited for, and those that are genuine told once.

    Args:
        rushes: The api that sends them.
        url: Where it finds this program, such as ``http://127.0.0.1:3000/``.
        event_types: Which; all where none is named.
        listen: Address and port, where they are others than loopback and the URL's port.

    Raises:
        RushesError: The api does not send there.
        OSError: The port is not free.
        ValueError: The URL is none of http or https.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError(f"{url!r} is no address to send events to; write http://127.0.0.1:3000/")
    with _Receiver(listen or ("127.0.0.1", parts.port or _PORTS[parts.scheme])) as receiver:
        webhook = rushes.webhooks.create(url, event_types)
        receiver.secret = webhook.secret  # what comes before it is known waits for the first to be taken
        serving = Thread(target=receiver.serve_forever, name="webhook", daemon=True)
        serving.start()
        try:
            yield iter(receiver.events.get, None)
        finally:
            receiver.shutdown()
            serving.join()
            with suppress(
                RushesError
            ):  # what went wrong in the block is not to be hidden; one that stays is in the list
                rushes.webhooks.delete(webhook.id)


def is_genuine(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether a message was signed with this secret, and lately.

    Args:
        secret: As it was shown when the webhook was made.
        headers: Of the message, with names in small letters.
        body: As it came.
        now: Seconds since 1970.
    """
    told = headers.get("webhook-timestamp", "")
    if not told.isdecimal() or abs(now - int(told)) > _OLDEST_SECONDS:
        return False
    signed = f"{headers.get('webhook-id', '')}.{told}.".encode() + body
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    wanted = b"v1," + base64.b64encode(digest)
    return any(hmac.compare_digest(wanted, one.encode()) for one in headers.get("webhook-signature", "").split())


class _Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address, _Message)
        self.secret = ""
        self.events: SimpleQueue[Event] = SimpleQueue()
        self._known = set[str]()

    def take(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether it is one of the api's; one that came before is passed over."""
        if not is_genuine(self.secret, headers, body, time.time()):
            return False
        name, told = headers["webhook-id"], json.loads(body)
        if name not in self._known:
            self._known.add(name)
            number = name.rpartition("_")[2]
            self.events.put(Event(int(number) if number.isdecimal() else None, told["type"], told["data"]))
        return True


class _Message(BaseHTTPRequestHandler):
    server: _Receiver
    timeout = _SILENCE_SECONDS

    def do_POST(self) -> None:
        """One message. Named as ``http.server`` wants it."""
        size = self.headers.get("Content-Length", "")
        is_taken = False
        if size.isdecimal() and int(size) <= _MOST_BYTES:
            headers = {name.lower(): value for name, value in self.headers.items()}
            is_taken = self.server.take(headers, self.rfile.read(int(size)))
        self.send_response(204 if is_taken else 400)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """What came is told as events."""
