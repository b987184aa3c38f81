"""A TypeScript client is made of ``docs/openapi.json`` by the generator that people use, compiles, and works."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

import httpx
import pytest

_HERE: Final = Path(__file__).resolve().parent / "typescript"
_DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
_OLDEST_NODE: Final = 20


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program, the generator and the compiler, from npm, or the test says why not."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs Node and npm")
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=30).stdout
    if int(told.strip().lstrip("v").partition(".")[0]) < _OLDEST_NODE:
        pytest.skip(f"needs Node {_OLDEST_NODE} or newer; this is {told.strip()}")
    folder = tmp_path_factory.mktemp("typescript") / "project"
    shutil.copytree(_HERE, folder)
    command = [npm, "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=90)
    except subprocess.TimeoutExpired:
        pytest.skip("npm does not answer")
    if done.returncode != 0:
        pytest.skip(f"npm can't install what {_HERE.name}/package-lock.json names: {done.stderr[-200:]}")
    return folder


async def _run(folder: Path, *command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await process.communicate()
    assert process.returncode == 0, (out + error).decode()
    return out.decode()


async def test_a_client_that_was_made_from_the_document_uploads_and_lists(
    http: httpx.AsyncClient, project: Path, tmp_path: Path
) -> None:
    await _run(project, "node_modules/.bin/openapi-typescript", str(_DOCUMENT), "-o", "schema.ts")
    await _run(project, "node_modules/.bin/tsc")
    file = tmp_path / "holiday.mp4"
    file.write_bytes(b"a video, as far as an upload goes")
    told = json.loads(await _run(project, "node", "made/upload.js", str(http.base_url), str(file)))
    video = (await http.get("/api/v1/videos")).json()["items"][0]
    assert told == {
        "uploaded": video["id"],
        "listed": video["id"],
        "status": "processing",
        "order": "4711",
        "missing": "video_not_found",
    }
    assert (video["title"], video["original_filename"]) == ("From TypeScript", "holiday.mp4")


async def test_a_program_that_names_what_is_not_there_does_not_compile(project: Path) -> None:
    program = project / "wrong.ts"
    text = (_HERE / "upload.ts").read_text(encoding="utf-8")
    await asyncio.to_thread(program.write_text, text.replace("data.video_id", "data.movie_id"))
    options = ("--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext", "wrong.ts")
    with pytest.raises(AssertionError, match="'movie_id' does not exist"):
        await _run(project, "node_modules/.bin/tsc", *options)
