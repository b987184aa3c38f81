"""The clients that people use speak with ours: tuspy, and tus-js-client where Node and npm are there."""

import asyncio
import hashlib
import shutil
import subprocess
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from tusclient import client as tuspy

from contracts.status import VideoStatus
from database.engine import Database
from database.tables import Video
from storage.protocol import Storage
from tests.api.places import in_each_place
from tests.fixtures.noise import noise
from tests.storage.published import content_of

MEBIBYTE = 1024 * 1024
CONTENT = noise(12 * MEBIBYTE) + b"end"
TUS_JS_CLIENT = "tus-js-client@4.3.1"
_SCRIPT = """
const tus = require("tus-js-client");
const [file, endpoint, stopAt] = process.argv.slice(2);
const storage = new tus.FileUrlStorage(`${file}.urls`);
const upload = new tus.Upload(require("fs").createReadStream(file), {
  endpoint, chunkSize: 1024 * 1024, uploadSize: require("fs").statSync(file).size,
  metadata: {filename: "holiday.mov", title: "From Node"},
  urlStorage: storage, fingerprint: async () => file, removeFingerprintOnSuccess: false, retryDelays: [0],
  onChunkComplete: (size, sent) => { if (sent >= Number(stopAt)) upload.abort().then(() => process.exit(0)); },
  onSuccess: () => console.log(upload.url),
  onError: (error) => { console.error(String(error)); process.exit(1); },
});
upload.findPreviousUploads().then((known) => {
  if (known.length) { upload.resumeFromPreviousUpload(known[0]); console.log("resumed"); }
  upload.start();
});
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Something large enough for a dozen requests."""
    path = tmp_path / "holiday.mp4"
    path.write_bytes(CONTENT)
    return path


async def arrived(database: Database, storage: Storage, url: str) -> Video:
    """The video whose file is whole."""
    video = await database.videos.get(UUID(url.rpartition("/")[2]))
    assert video is not None
    assert video.status == VideoStatus.PROCESSING
    assert video.content_sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert await content_of(storage, video.original_key) == CONTENT
    return video


@in_each_place
async def test_tuspy_uploads_is_interrupted_and_goes_on(
    http: httpx.AsyncClient, database: Database, storage: Storage, file: Path
) -> None:
    def upload(url: str | None, stop_at: int | None) -> str:
        client = tuspy.TusClient(f"{http.base_url}/api/v1/uploads")
        with file.open("rb") as opened:
            uploader = client.uploader(
                file_stream=opened,
                url=url,
                chunk_size=MEBIBYTE,
                metadata={"filename": "holiday.mp4", "title": "From Python"},
                upload_checksum=True,
            )
            uploader.upload(stop_at=stop_at)
        return str(uploader.url)

    begun = await asyncio.to_thread(upload, None, 5 * MEBIBYTE)
    assert await asyncio.to_thread(upload, begun, None) == begun
    assert (await arrived(database, storage, begun)).title == "From Python"


@pytest.fixture(scope="session")
def tus_js_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where Node finds the client; installed from npm, or the test says why not."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs Node and npm")
    folder = tmp_path_factory.mktemp("node")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", TUS_JS_CLIENT]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        pytest.skip("npm does not answer")
    if done.returncode != 0:
        pytest.skip(f"npm can't install {TUS_JS_CLIENT}: {done.stderr[-200:]}")
    (folder / "upload.cjs").write_text(_SCRIPT)
    return folder


@in_each_place
async def test_tus_js_client_uploads_is_interrupted_and_goes_on(
    http: httpx.AsyncClient, database: Database, storage: Storage, file: Path, tus_js_client: Path
) -> None:
    async def upload(stop_at: int) -> list[str]:
        arguments = [str(tus_js_client / "upload.cjs"), str(file), f"{http.base_url}/api/v1/uploads", str(stop_at)]
        process = await asyncio.create_subprocess_exec(
            "node", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, error = await process.communicate()
        assert process.returncode == 0, error.decode()
        return out.decode().split()

    assert await upload(4 * MEBIBYTE) == []
    resumed, url = await upload(10**12)
    assert resumed == "resumed"
    assert (await arrived(database, storage, url)).title == "From Node"
