"""Before there is a key the service serves this machine alone, and does not start to listen anywhere else."""

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # whoever asks about a host that is loopback needs no tables
    from database.accounts import Accounts


class KeyNeeded(Exception):
    """The service was to listen where others reach it, and there is no key to tell them from each other."""


async def check_door(host: str, accounts: "Accounts") -> None:
    """Return if the api may listen on ``host``.

    Raises:
        KeyNeeded: It is no loopback address, and no key was ever made.
        DatabaseUnavailable: PostgreSQL does not answer, so that it is not known.
    """
    if is_loopback(host) or await accounts.have_keys():
        return
    raise KeyNeeded(
        f"The api does not listen on {host or 'every address'} (RUSHES_HOST) before there is a key: anybody who "
        "reaches it could see and delete everything. Make one with `rushes keys create --user NAME --admin`; the "
        "embedded stack has to run for that, on 127.0.0.1."
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens on ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
