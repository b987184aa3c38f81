"""Who is asked by https is who the URL names, though the connection goes to an address."""

import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Final

import pytest

from contracts.errors import SourceFailed
from tests.fetching.memory import CONTENT, HASTY, Memory, fetch
from tests.fetching.serving import serving
from tests.fetching.test_transfer import Names

_OPENSSL: Final = shutil.which("openssl")

pytestmark = pytest.mark.skipif(_OPENSSL is None, reason="there is no openssl that makes a certificate")


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's certificate for ``clips.example``, which this process trusts."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    names = ("-subj", "/CN=clips.example", "-addext", "subjectAltName=DNS:clips.example")
    kind = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2")
    subprocess.run(
        [str(_OPENSSL), *kind, *names, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def test_the_certificate_is_the_name_s_and_the_connection_the_address_s(tls: ssl.SSLContext) -> None:
    asked: list[str | None] = []
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    sink = Memory()
    async with serving(CONTENT, tls=tls) as server:
        url = server.url(host="clips.example").replace("http:", "https:")
        await fetch(url, sink, resolve=Names(["127.0.0.1"]))
    assert bytes(sink.content) == CONTENT
    assert asked == ["clips.example"]
    assert [one.headers["host"] for one in server.asked] == [f"clips.example:{server.port}"]


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1"])
async def test_a_server_with_another_name_s_certificate_is_not_asked(tls: ssl.SSLContext, host: str) -> None:
    async with serving(CONTENT, tls=tls) as server:
        with pytest.raises(SourceFailed):
            await fetch(
                server.url(host=host).replace("http:", "https:"),
                Memory(),
                patience=HASTY,
                resolve=Names(["127.0.0.1"]),
            )
    assert server.asked == []


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    async with serving(CONTENT, tls=tls) as server:
        url = server.url(host="clips.example").replace("http:", "https:")
        with pytest.raises(SourceFailed):
            await fetch(url, Memory(), patience=HASTY, resolve=Names(["127.0.0.1"]))
    assert server.asked == []
