"""Who is served without a key, and over what a session's cookie goes: ``python -m tests.figures.doors``."""

import asyncio
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx

from tests.deploy.files import services
from tests.end_to_end.service import Service
from tests.figures.stage import a_folder, a_service, tell
from tests.waiting import eventually

_OWN_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
_FOREIGN_NAMES: Final = (
    *("192.0.2.7", "evil.example", "127.0.0.1.evil.example", "localhost.", "localhost.localdomain", "127.0.0.2"),
    *("127.1", "2130706433", "0x7f000001", "0.0.0.0", "[::ffff:127.0.0.1]", "[", "localhost,evil.example"),
    *("localhost@evil.example", "evil.example:80", "xn--lcalhost-54a"),
)
_OF_PROXIES: Final = (
    *("Forwarded", "Via", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
    *("X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-Prefix", "x-forwarded-anything"),
)
_NO_KEYS: Final = (
    *("Bearer", "Bearer x", "bearer", "Basic eDp5", "Digest x", "Bearer rushes_000000000000_" + "x" * 43),
    *("Bearer rushes__", "Bearer " + "x" * 4000, "rushes_000000000000_" + "x" * 43),
)
_ELSEWHERE: Final = ("0.0.0.0", "::", "192.0.2.1", "10.0.0.1")
_ANSWERED_TO_ANYBODY: Final = {("options", "/api/v1/uploads"), ("delete", "/api/v1/session")}
"""What a client of tus asks first, and the end of a cookie, whoever has it."""
_BEHIND: Final = "videos.example.com"


def routes(document: Mapping[str, Mapping[str, Mapping[str, object]]]) -> Iterator[tuple[str, str]]:
    """Method and path of whatever depends on who asks, by the api's own description."""
    for path, operations in document["paths"].items():
        for method in operations.keys() & {"get", "head", "post", "put", "patch", "delete", "options"}:
            if path.startswith("/api/") and (method, path) not in _ANSWERED_TO_ANYBODY:
                yield method, path.replace("{name}", "video.mp4").replace("{delivery_id}", "1")


async def refused(service: Service, headers: Sequence[Mapping[str, str]], found: Sequence[tuple[str, str]]) -> int:
    """How many requests were answered 401, which all of them have to be."""
    video_id = str(uuid4())
    for given, (method, path) in itertools.product(headers, found):
        address = path.replace("{video_id}", video_id).replace("{webhook_id}", video_id)
        address = address.replace("{cohort_id}", video_id)
        answer = await service.http.request(method.upper(), address, headers=dict(given))
        assert answer.status_code == httpx.codes.UNAUTHORIZED, (given, method, path, answer.status_code)
    return len(headers) * len(found)


async def tell_strangers(service: Service) -> str:
    """Every route by foreign names and past proxies, while there is no key, then with what is none; returns a key."""
    found = list(routes((await service.http.get("/openapi.json")).json()))
    port = service.http.base_url.port
    for name in _OWN_NAMES:
        assert (await service.http.get("/api/v1/me", headers={"Host": f"{name}:{port}"})).status_code == httpx.codes.OK
    strangers = [{"Host": name} for name in _FOREIGN_NAMES]
    strangers += [{"Host": f"localhost:{port}", name: "192.0.2.7"} for name in _OF_PROXIES]
    count = await refused(service, strangers, found)
    for address in _ELSEWHERE:
        settings = {"RUSHES_HOST": address, "DATABASE_URL": service.run.database}
        ended = await service.home.with_settings(**settings).rushes("api")
        assert ended.code == 2, ended
        assert "rushes keys create" in ended.err
    made = await service.home.rushes("keys", "create", "--user", "ann", "--json")
    await eventually(lambda: service.http.get("/api/v1/me"), lambda answer: answer.status_code != httpx.codes.OK)
    given = await refused(service, [{"Authorization": text} for text in _NO_KEYS], found)
    given += await refused(service, [{}, {"Cookie": "rushes_session=x"}], found)
    tell(
        f"without a key: {len(found)} routes by {len(_FOREIGN_NAMES)} names that are not this machine's and past "
        f"{len(_OF_PROXIES)} headers of proxies: {count} of {count} requests answered 401; by {len(_OWN_NAMES)} names "
        f"of its own served; on {len(_ELSEWHERE)} of {len(_ELSEWHERE)} other addresses it did not start; once there "
        f"was a key: {given} of {given} requests without one answered 401"
    )
    return str(json.loads(made.out)["key"])


async def cookies(service: Service, key: str, *, is_believed: bool) -> tuple[int, int]:
    """Begin a session in every way; how many cookies there were, and how many were for TLS alone.

    Args:
        service: The api.
        key: A key.
        is_believed: Whether what a proxy on this machine says of TLS is believed.
    """
    names = (_BEHIND, f"127.0.0.1:{service.http.base_url.port}")
    told, by_browser = (None, "http", "https", "ftp"), (None, "http", "https")
    secure = []
    for name, proto, scheme in itertools.product(names, told, by_browser):
        headers = {"Authorization": f"Bearer {key}", "Host": name}
        headers |= {"X-Forwarded-Proto": proto} if proto is not None else {}
        headers |= {"Origin": f"{scheme}://{name}"} if scheme is not None else {}
        async with httpx.AsyncClient(base_url=service.run.api) as browser:
            answer = await browser.post("/api/v1/session", headers=headers)
        assert answer.status_code == httpx.codes.CREATED, (headers, answer.text)
        parts = answer.headers["set-cookie"].lower().split("; ")
        assert {"httponly", "samesite=strict"} <= set(parts)
        secure.append("secure" in parts)
        assert secure[-1] == (scheme == "https" or (is_believed and proto == "https")), headers
    return len(secure), sum(secure)


async def tell_cookies(service: Service, key: str, folder: Path) -> None:
    """Where proxies on this machine are believed, as by default, and where others are named."""
    believed = await cookies(service, key, is_believed=True)
    async with a_service(folder, lambda home: home.with_settings(RUSHES_TRUSTED_PROXIES='["192.0.2.1"]')) as other:
        made = await other.home.rushes("keys", "create", "--user", "ann", "--json")
        not_believed = await cookies(other, json.loads(made.out)["key"], is_believed=False)
    count, secure = (sum(both) for both in zip(believed, not_believed, strict=True))
    tell(
        f"sessions begun in {count} ways (TLS said by a proxy that is believed, by one that is not, by the browser, by "
        f"nobody): all {secure} cookies where TLS was are for it alone, and none of the {count - secure} others"
    )


def tell_networks() -> None:
    """What the compose file lets a media worker reach; nothing is started."""
    every = services()
    media, database = every["media-worker"], every["postgres"]
    shared = {name for name, one in every.items() if set(one["networks"]) & set(media["networks"])} - {"media-worker"}
    assert "postgres" not in shared
    assert set(database["networks"]) == {"database"}
    named = [name for name, value in media["environment"].items() if "postgres" in f"{name} {value}".lower()]
    assert named == []
    assert "DATABASE_URL" not in media["environment"]
    tell(
        f"a media worker, by the compose file alone: on the {len(media['networks'])} networks that it has are "
        f"{len(shared)} of the {len(every) - 1} others and not PostgreSQL; 0 of its {len(media['environment'])} "
        "variables name a database"
    )


async def measure() -> None:
    """Start a stack, and tell."""
    tell_networks()
    with a_folder() as folder:
        async with a_service(folder / "one") as service:
            key = await tell_strangers(service)
            await tell_cookies(service, key, folder / "other")


if __name__ == "__main__":
    asyncio.run(measure())
