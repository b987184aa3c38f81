"""The api's server believes the proxies that it was told of, and nobody else."""

from typing import Any

import httpx
import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from cli.api_process import config_of
from settings import Settings, SettingsError, load_settings


async def scheme_and_client(settings: Settings, peer: str) -> list[str]:
    """What the api sees of a request that a proxy at this address passes on for a browser with TLS."""

    async def app(scope: Any, _receive: object, send: Any) -> None:
        seen.extend([scope["scheme"], scope["client"][0]])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    seen: list[str] = []
    believing: Any = ProxyHeadersMiddleware(app, trusted_hosts=config_of(settings).forwarded_allow_ips)
    transport = httpx.ASGITransport(app=believing, client=(peer, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://videos.example.com") as client:
        await client.get("/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"})
    return seen


async def test_a_proxy_in_another_container_is_believed_once_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await scheme_and_client(load_settings(), "127.0.0.1") == ["https", "203.0.113.7"]
    assert await scheme_and_client(load_settings(), "172.18.0.5") == ["http", "172.18.0.5"]
    monkeypatch.setenv("RUSHES_TRUSTED_PROXIES", '["172.16.0.0/12"]')
    assert await scheme_and_client(load_settings(), "172.18.0.5") == ["https", "203.0.113.7"]
    assert await scheme_and_client(load_settings(), "127.0.0.1") == ["http", "127.0.0.1"]


def test_a_proxy_that_is_no_address_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHES_TRUSTED_PROXIES", '["proxy"]')
    with pytest.raises(SettingsError, match="RUSHES_TRUSTED_PROXIES"):
        load_settings()
