"""Which ports the stack listens on: those that were asked for, or free ones."""

import errno
import random
import socket
from pathlib import Path
from typing import Final

from embedded.errors import StackError

LOOPBACK: Final = "127.0.0.1"

_LOWEST_PORT: Final = 10_000
_TRIES: Final = 50
_OF_CONNECTIONS: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")


class PortTaken(StackError):
    """A port that a setting asks for can't be listened on."""


class Ports:
    """Hands out ports, each only once."""

    def __init__(self) -> None:
        self._given: dict[int, str] = {}

    def take(self, port: int, *, host: str, setting: str, purpose: str) -> int:
        """Return ``port`` if it can be listened on, or a free one if it is 0.

        Args:
            port: The port asked for; 0 for any.
            host: Address that will be listened on.
            setting: Environment variable that asks for it, for the message.
            purpose: What it is for, as in "the api", for the message.

        Raises:
            PortTaken: Somebody listens there already, or this user may not.
        """
        if port == 0:
            return self.free(host, purpose=purpose)
        if port in self._given:
            raise PortTaken(
                f"Port {port} is asked for twice: for {self._given[port]} and for {purpose}. Set {setting} to another "
                "port, or to 0 for any free one."
            )
        try:
            self._given[_listen_once(host, port)] = purpose
        except OSError as error:
            raise PortTaken(_why(error, port, host, setting, purpose)) from error
        return port

    def free(self, host: str = LOOPBACK, *, purpose: str) -> int:
        """A port that nobody listens on now, for what is only internal.

        None that the kernel gives to connections: such a one could be taken before our server comes to listen on it.
        """
        for port in (*_not_for_connections(), *(0,) * _TRIES):
            try:
                found = _listen_once(host, port)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                raise PortTaken(f"No port of {host} can be listened on for {purpose}: {error.strerror}.") from error
            if found not in self._given:
                self._given[found] = purpose
                return found
        raise PortTaken(f"No port of {host} can be listened on for {purpose}: all that were tried are taken.")


def _not_for_connections() -> list[int]:
    """Some ports by chance, below those that the kernel gives to connections; none where these are not known."""
    try:
        first = int(_OF_CONNECTIONS.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return []
    below = range(_LOWEST_PORT, first)
    return random.sample(below, _TRIES) if len(below) > _TRIES else []


def _listen_once(host: str, port: int) -> int:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: TIME_WAIT is no obstacle
        listener.bind((host, port))
        listener.listen(1)
        return int(listener.getsockname()[1])


def _why(error: OSError, port: int, host: str, setting: str, purpose: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} ({purpose}) is taken: another program listens on {host}:{port}. Stop it, or set {setting} to "
            "another port, or to 0 for any free one."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"This user may not listen on port {port} ({purpose}). Set {setting} to a port above 1023, or to 0."
    return f"{host}:{port} ({purpose}, {setting}) can't be listened on: {error.strerror or error}."


def browsable(host: str, port: int) -> str:
    """Base URL for a server that listens there, as this machine reaches it."""
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - it is recognised here, not listened on
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
