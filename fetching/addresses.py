"""Which addresses of the network may be asked for a file: those of the public internet, and what an operator allows.

A server that fetches what strangers name would otherwise lend them its place inside a private network, its loopback and
the metadata service of its cloud (server-side request forgery). Of IPv6 only what is given out to the world is taken,
so everything new is refused until somebody looks at it.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from contracts.errors import AddressRefused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_SPECIAL_IPV4: Final = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "a private network"),
        ("100.64.0.0/10", "a provider's inner network"),
        ("127.0.0.0/8", "this machine"),
        ("168.63.129.16/32", "a cloud's own service"),  # public by number, but Azure's host answers there
        ("169.254.0.0/16", "a link, where clouds have their metadata"),
        ("172.16.0.0/12", "a private network"),
        ("192.0.0.0/24", "a protocol of its own"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "a relay between IPv4 and IPv6"),
        ("192.168.0.0/16", "a private network"),
        ("198.18.0.0/15", "measurements"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "many receivers at once"),
        ("240.0.0.0/4", "nobody yet"),
    )
)

_GLOBAL_IPV6: Final = IPv6Network("2000::/3")
_SPECIAL_IPV6: Final = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("2001::/23", "a protocol of its own"),  # Teredo, which carries an IPv4 address, among them
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "a relay between IPv4 and IPv6"),  # 6to4, which carries an IPv4 address
        ("3fff::/20", "documentation"),
    )
)
_LOCAL_IPV6: Final = (
    (IPv6Network("::1/128"), "this machine"),
    (IPv6Network("fc00::/7"), "a private network"),
    (IPv6Network("fe80::/10"), "a link"),
    (IPv6Network("ff00::/8"), "many receivers at once"),
)

_CARRY_IPV4: Final = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""IPv4 in IPv6's clothes: mapped, and what a network without IPv4 reaches it by (NAT64). Judged by what is inside."""


class NameRefused(AddressRefused):
    """A name has no address, or one that may not be asked."""


class AddressRules:
    """Decides which addresses may be asked.

    Args:
        allowed: Networks that are asked although they are not public.
        setting: By which an operator allows more of them.
    """

    def __init__(self, allowed: Sequence[str] = (), setting: str = "RUSHES_IMPORT_ALLOWED_ADDRESSES") -> None:
        """Take networks such as ``10.0.0.0/8``. Raises ``ValueError`` for what is none."""
        self._setting = setting
        self._allowed = tuple(ip_network(network) for network in allowed)

    def check(self, address: Address) -> None:
        """Return if the address may be asked.

        Raises:
            AddressRefused: It belongs to something that is not public.
        """
        meant = _meant(address)
        if any(network.version == meant.version and meant in network for network in self._allowed):
            return
        kind = _kind(meant)
        if kind is not None:
            raise AddressRefused(
                f"The address {address} is not one of the public internet: it belongs to {kind}. Give a public URL, "
                f"or have its network added to {self._setting}."
            )

    def of_name(self, host: str) -> NameRefused:
        """What is said of a name that leads nowhere, or elsewhere than to the public internet.

        Neither where it leads nor whether it is there: a stranger would learn that of internal names.
        """
        return NameRefused(
            f"The name {host} leads nowhere, or not to the public internet alone. Give a public URL, spelt right, or "
            f"have its network added to {self._setting}."
        )


def literal_address(host: str) -> Address | None:
    """The address that a host is written as, or None for a name. ``0x7f.1`` and the like are left to the resolver."""
    try:
        return without_zone(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def without_zone(text: str) -> Address:
    """The address without the interface that may stand behind it (``fe80::1%eth0``). Raises ``ValueError``."""
    return ip_address(text.partition("%")[0])


def _meant(address: Address) -> Address:
    """The address, or the IPv4 address that it carries."""
    if isinstance(address, IPv6Address) and any(address in network for network in _CARRY_IPV4):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _kind(address: Address) -> str | None:
    """What the address belongs to, as the end of a sentence; None where it is public."""
    special: Sequence[tuple[Network, str]]
    if isinstance(address, IPv4Address):
        special = _SPECIAL_IPV4
    elif address in _GLOBAL_IPV6:
        special = _SPECIAL_IPV6
    else:
        return next((kind for network, kind in _LOCAL_IPV6 if address in network), "nobody in the public internet")
    return next((kind for network, kind in special if address in network), None)
