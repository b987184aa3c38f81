"""The URL of a file that is to be fetched: what it may look like, and what it says by itself."""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final, Self
from urllib.parse import unquote

import httpx

from fetching.addresses import Address, AddressRules, literal_address

MAX_URL_LENGTH: Final = 8192
"""Presigned URLs are long."""

_SCHEMES: Final = frozenset({"http", "https"})
_PORTS: Final = range(1, 65536)
_HOST: Final = re.compile(r"[A-Za-z0-9._:-]+")
_LOOPBACK_NAMES: Final = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
_LOOPBACK: Final = IPv4Address("127.0.0.1")


class SourceUrlInvalid(ValueError):
    """It is not a URL that can be fetched; the sentence says why."""


@dataclass(frozen=True)
class SourceUrl:
    """A URL that can be fetched. One reading of it serves all who judge it and who connect.

    Attributes:
        url: As it is asked for, without a fragment.
    """

    url: httpx.URL

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what somebody wrote. Raises ``SourceUrlInvalid``."""
        if len(text) > MAX_URL_LENGTH:
            raise SourceUrlInvalid(f"The URL has more than {MAX_URL_LENGTH} characters.")
        try:
            url = httpx.URL(text.strip())
        except (httpx.InvalidURL, ValueError) as error:
            raise SourceUrlInvalid("The URL can't be read; write it as https://host/path.") from error
        return cls._checked(url)

    def redirected(self, location: str) -> Self:
        """The URL that an answer leads on to. Raises ``SourceUrlInvalid``."""
        try:
            url = self.url.join(location)
        except (httpx.InvalidURL, ValueError) as error:
            raise SourceUrlInvalid("It is redirected to something that is no URL.") from error
        return self._checked(url)

    @classmethod
    def _checked(cls, url: httpx.URL) -> Self:
        if url.scheme not in _SCHEMES:
            raise SourceUrlInvalid("The URL must begin with https:// or http://.")
        host = url.raw_host.decode("ascii")
        if not host.strip(".") or not _HOST.fullmatch(host):
            raise SourceUrlInvalid("The URL names no host; write it as https://host/path.")
        if url.userinfo:
            # They would be kept in the row, and shown with it.
            raise SourceUrlInvalid("The URL has a user or a password in it; give a presigned URL instead.")
        if url.port is not None and url.port not in _PORTS:
            raise SourceUrlInvalid(f"The URL's port {url.port} is none.")
        return cls(url.copy_with(fragment=None))

    @property
    def host(self) -> str:
        """The host, in ASCII, as it is asked for."""
        return self.url.raw_host.decode("ascii")

    @property
    def filename(self) -> str:
        """The last part of the path, decoded; empty where the path ends in a slash. A label, never a path."""
        return unquote(self.url.raw_path.decode("ascii").partition("?")[0].rpartition("/")[2])

    def known_address(self) -> Address | None:
        """The address that the host stands for whoever is asked; None for a name that has to be resolved.

        Old ways to write an IPv4 address (``2130706433``, ``0x7f.1``) are what they are to every resolver.
        """
        host = self.host.rstrip(".").lower()
        if host in _LOOPBACK_NAMES or host.endswith(".localhost"):
            return _LOOPBACK
        literal = literal_address(host)
        if literal is not None:
            return literal
        try:
            return IPv4Address(socket.inet_aton(host))
        except OSError:
            return None

    def check(self, rules: AddressRules) -> None:
        """Raise ``AddressRefused`` where the host itself says that it may not be asked."""
        address = self.known_address()
        if address is not None:
            rules.check(address)
