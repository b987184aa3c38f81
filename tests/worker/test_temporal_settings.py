"""Temporal's own settings lead to a server behind TLS, with a client certificate or an API key."""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from temporal_client import TemporalUnreachable, connect, connect_within
from tests.fixtures.refusing_temporal import refusing_temporal

_OPENSSL: Final = shutil.which("openssl")
_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2")

pytestmark = pytest.mark.skipif(_OPENSSL is None, reason="there is no openssl that makes a certificate")


@dataclass(frozen=True)
class Certificate:
    """A certificate with its key, and the authority that vouches for it."""

    path: Path
    key: Path
    authority: Path


def certificate(folder: Path, name: str) -> Certificate:
    """For ``localhost``, by an authority of its own."""
    authority, authority_key = folder / f"{name}-authority.pem", folder / f"{name}-authority-key.pem"
    made = Certificate(folder / f"{name}.pem", folder / f"{name}-key.pem", authority)
    root = ("-subj", f"/CN={name} authority", "-keyout", str(authority_key), "-out", str(authority))
    leaf = ("-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE")
    signed = ("-CA", str(authority), "-CAkey", str(authority_key), "-keyout", str(made.key), "-out", str(made.path))
    for options in (root, (*leaf, *signed)):
        subprocess.run([str(_OPENSSL), "req", "-x509", *_KEY, *options], check=True, capture_output=True)
    return made


@asynccontextmanager
async def behind_tls(client: Client, server: Certificate, trusted: Certificate | None) -> AsyncIterator[str]:
    """Another address of the client's server: TLS, and of its callers a certificate where one is trusted."""
    host, _, port = client.service_client.config.target_host.rpartition(":")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server.path, server.key)
    context.set_alpn_protocols(["h2"])
    if trusted is not None:
        context.load_verify_locations(trusted.authority)
        context.verify_mode = ssl.CERT_REQUIRED
    opened: set[asyncio.Task[None]] = set()

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while some := await source.read(64 * 1024):
                target.write(some)
                await target.drain()
        target.transport.abort()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_server = await asyncio.open_connection(host, int(port))
        try:
            await asyncio.gather(carry(reader, to_server[1]), carry(to_server[0], writer))
        finally:
            for end in (writer, to_server[1]):
                end.transport.abort()

    def connect_both(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.add(asyncio.create_task(connected(reader, writer)))

    listening = await asyncio.start_server(connect_both, "127.0.0.1", 0, ssl=context)
    try:
        yield f"localhost:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        for task in opened:
            task.cancel()
        await asyncio.gather(*opened, return_exceptions=True)
        await asyncio.sleep(0)  # until what was aborted has been told


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The environment, as a process of its own would have it."""
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "none.toml"))
    return monkeypatch


async def test_a_server_behind_tls_is_reached_by_its_authority(
    temporal_client: Client, settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = certificate(tmp_path, "server")
    async with behind_tls(temporal_client, server, None) as address:
        settings.setenv("TEMPORAL_ADDRESS", address)
        settings.setenv("TEMPORAL_TLS", "true")
        settings.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(server.authority))
        client = await connect()
        assert await client.service_client.check_health()


async def test_a_server_that_asks_for_a_certificate_gets_ours_and_refuses_who_has_none(
    temporal_client: Client, settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server, ours = certificate(tmp_path, "server"), certificate(tmp_path, "ours")
    async with behind_tls(temporal_client, server, ours) as address:
        settings.setenv("TEMPORAL_ADDRESS", address)
        settings.setenv("TEMPORAL_TLS", "true")
        settings.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(server.authority))
        with pytest.raises(TemporalUnreachable, match="did not answer at localhost"):
            await connect_within(1)
        settings.setenv("TEMPORAL_TLS_CLIENT_CERT_PATH", str(ours.path))
        settings.setenv("TEMPORAL_TLS_CLIENT_KEY_PATH", str(ours.key))
        client = await connect_within(5)
        assert await client.service_client.check_health()


async def test_an_api_key_reaches_the_server_over_tls_and_a_namespace_is_taken_along(
    temporal_client: Client, settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = certificate(tmp_path, "server")
    async with refusing_temporal(
        temporal_client, certificate=(made.key.read_bytes(), made.path.read_bytes())
    ) as server:
        settings.setenv("TEMPORAL_ADDRESS", server.address)
        settings.setenv("TEMPORAL_API_KEY", "a-key")
        settings.setenv("TEMPORAL_NAMESPACE", "team.a1b2c")
        settings.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(made.authority))
        client = await connect()
        with pytest.raises(RPCError, match=r"team\.a1b2c"):  # there is no such one there
            await client.count_workflows()
        assert {"GetSystemInfo", "CountWorkflowExecutions"} <= set(server.asked)
        assert server.authorizations == {"Bearer a-key"}


async def test_a_certificate_of_nobody_we_trust_is_refused(
    temporal_client: Client, settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with behind_tls(temporal_client, certificate(tmp_path, "server"), None) as address:
        settings.setenv("TEMPORAL_ADDRESS", address)
        settings.setenv("TEMPORAL_TLS", "true")
        settings.setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", str(certificate(tmp_path, "another").authority))
        with pytest.raises(TemporalUnreachable):
            await connect_within(1)
