"""The page's documents and parts: served to anybody, with a policy that lets nothing but its own parts run."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

import httpx
import pytest

from api.options import ApiOptions
from api.remote_file import RemoteServing
from api.services import Services
from contracts.errors import ErrorCode
from storage.bucket import BucketStorage
from tests.api.running import in_process

WEB: Final = Path(__file__).resolve().parents[2] / "web"
VIDEO: Final = "/videos/0b7f4a52-6f0c-4a53-9d5e-2f1f0c7f6a11"
ADDRESSES: Final = ("/", VIDEO, f"{VIDEO}/embed")


def policy(answer: httpx.Response) -> dict[str, list[str]]:
    """The answer's Content-Security-Policy, by directive."""
    directives = (part.split() for part in answer.headers["content-security-policy"].split(";"))
    return {name: values for name, *values in directives}


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_document_runs_only_modules_and_styles_of_this_service(client: httpx.AsyncClient, address: str) -> None:
    answer = await client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    told = policy(answer)
    assert told["default-src"] == ["'none'"]
    assert told["script-src"] == told["style-src"] == ["'self'"]
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("document", sorted(WEB.glob("*.html")), ids=lambda path: path.name)
def test_a_document_has_no_script_style_or_handler_within(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", text) == []
    assert [inner for inner in re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL) if inner.strip()] == []


def test_every_part_that_another_names_is_there() -> None:
    files = [*WEB.glob("*.html"), *WEB.glob("*.js")]
    named = {name for file in files for name in re.findall(r"""["'](?:/web|\.)/([\w.-]+)["']""", file.read_text())}
    assert {name for name in named if not (WEB / name).is_file()} == set()


@pytest.mark.parametrize("code", [*ErrorCode])
def test_every_reason_is_told_in_words_of_the_page(code: ErrorCode) -> None:
    of_requests = {ErrorCode.STATUS_CONFLICT, ErrorCode.DATABASE_UNAVAILABLE, ErrorCode.INTERNAL}
    told = f"  {code.value}: [" in (WEB / "reasons.js").read_text(encoding="utf-8")
    assert told or code in of_requests


async def test_the_player_alone_may_be_framed_and_the_page_may_not(client: httpx.AsyncClient) -> None:
    library, _, embed = [await client.get(address) for address in ADDRESSES]
    assert (policy(library)["frame-ancestors"], library.headers["x-frame-options"]) == (["'none'"], "DENY")
    assert policy(embed)["frame-ancestors"] == ["*"]
    assert "x-frame-options" not in embed.headers
    assert "connect-src" not in policy(embed)


async def test_a_browser_that_has_a_part_is_told_so(client: httpx.AsyncClient) -> None:
    first = await client.get("/web/start.js")
    assert first.headers["content-type"].startswith("text/javascript")
    assert first.headers["cache-control"] == "no-cache"
    again = await client.get("/web/start.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await client.head("/web/start.js")).headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_document_that_a_browser_has_keeps_its_policy(client: httpx.AsyncClient, address: str) -> None:
    first = await client.get(address)
    again = await client.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert policy(again) == policy(first)


@pytest.mark.parametrize(
    "name", ["nothing.js", "..%2Fsettings.py", "%2Fetc%2Fpasswd", "start.js%00", "start", "a" * 300 + ".js"]
)
async def test_nothing_but_the_pages_own_files_is_served(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/web/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("address", ["/nowhere", "/videos/abc", "/videos/abc/embed"])
async def test_where_there_is_nothing_a_browser_is_shown_the_page_and_a_program_a_problem(
    client: httpx.AsyncClient, address: str
) -> None:
    shown = await client.get(address, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (shown.status_code, shown.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert policy(shown)["script-src"] == ["'self'"]
    told = await client.get(address)
    assert (told.status_code, told.json()["code"]) == (404, "not_found")
    of_api = await client.get("/api/v1/nowhere", headers={"Accept": "text/html"})
    assert of_api.json()["code"] == "not_found"


@pytest.mark.parametrize("way", ["redirect", "stream"])
async def test_films_come_from_the_bucket_where_viewers_are_sent_there(
    services: Services, options: ApiOptions, bucket_storage: BucketStorage, way: Literal["redirect", "stream"]
) -> None:
    given = replace(services, storage=bucket_storage)
    async with in_process(given, replace(options, remote_serving=RemoteServing(way))) as client:
        told = policy(await client.get("/"))
        at_nothing = policy(await client.get("/nowhere", headers={"Accept": "text/html"}))
    bucket = [await bucket_storage.published_origin()] if way == "redirect" else []
    assert told["media-src"] == told["img-src"] == ["'self'", *bucket]
    assert at_nothing == told, "its link to all videos stays in the document"
