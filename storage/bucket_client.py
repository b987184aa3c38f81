"""The way to a bucket: address, credentials, patience."""

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Final

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.handlers import add_expect_header
from botocore.loaders import Loader, create_loader

from storage.bucket_objects import Bucket
from storage.location import BucketLocation, endpoint_of

_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 60.0
_TRIES: Final = 4
_CONNECTIONS: Final = 50
_DEFAULT_REGION: Final = "us-east-1"
"""What servers that have no regions expect."""


@asynccontextmanager
async def open_bucket(
    location: BucketLocation, environment: Mapping[str, str], tries: int = _TRIES, read_seconds: float = _READ_SECONDS
) -> AsyncIterator[Bucket]:
    """Connect as the usual ``AWS_*`` variables say, for as long as the block lasts. Nothing is asked of it yet.

    A server that ``AWS_ENDPOINT_URL`` names is asked by paths: few of them have a host name for each bucket. Without
    keys in the environment botocore looks where it always does: profiles, web identity, the machine's role.

    Args:
        location: Bucket and prefix.
        environment: Of the process.
        tries: How often what fails in passing is tried, with growing pauses: four times are some ten seconds.
        read_seconds: How long a server may be silent in the middle of an answer.

    Raises:
        ValueError: The environment's address of the server is none.
    """
    session = get_session()
    session.register_component("data_loader", _descriptions())
    endpoint = endpoint_of(environment)
    # AWS_REGION, which every other SDK reads, is unknown to botocore.
    region = environment.get("AWS_REGION") or session.get_config_variable("region") or _DEFAULT_REGION
    config = AioConfig(
        signature_version="s3v4",
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=read_seconds,
        max_pool_connections=_CONNECTIONS,
        retries={"total_max_attempts": tries, "mode": "standard"},
        s3={"addressing_style": "path" if endpoint else "auto"},
        # Ours are said with each object; the default ones come as trailers, which not every server takes.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    async with session.create_client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=environment.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=environment.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=environment.get("AWS_SESSION_TOKEN"),
        config=config,
    ) as client:
        # With `Expect: 100-continue` aiohttp waits for a server's leave to send for as long as it says nothing.
        client.meta.events.unregister("before-call.s3", add_expect_header)
        client.meta.events.register("before-call.s3.DeleteObjects", _add_md5)
        yield Bucket(client, location, tries, read_seconds)


@cache
def _descriptions() -> Loader:
    """What botocore reads S3's description with, once a process: that takes eight times as long as all else here."""
    return create_loader()


def _add_md5(params: dict[str, Any], **_about: object) -> None:
    """Many servers take no such request without it, and botocore sends a CRC32 in its place."""
    digest = hashlib.md5(params["body"], usedforsecurity=False).digest()
    params["headers"]["Content-MD5"] = base64.b64encode(digest).decode()
