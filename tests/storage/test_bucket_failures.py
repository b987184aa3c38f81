"""What a bucket that is away, refuses or changes its mind does to the files: nothing, and it is said in a sentence."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.errors import StorageFailed
from embedded.ports import LOOPBACK, Ports
from storage.bucket import BucketStorage
from storage.bucket_client import open_bucket
from storage.bucket_objects import Bucket
from storage.checking import try_storage
from storage.local_copies import LocalCopies
from storage.location import BucketLocation
from storage.waiting import checked
from tests.fixtures.bucket import BUCKET, BucketServer, bucket_server
from tests.fixtures.noise import noise
from tests.storage.published import content_of
from tests.storage.test_failing_disks import NAMESPACE, namespaces_are_permitted
from tests.waiting import eventually

KEY = "work/v1/chunk-001.mp4"
LARGE = noise(256 * 160 * 1024)  # 40 MiB: several parts


@asynccontextmanager
async def storage_of(
    environment: Mapping[str, str], scratch: Path, bucket: str = BUCKET, read_seconds: float = 60.0
) -> AsyncIterator[BucketStorage]:
    """As a process of its own would have it, with its own copies."""
    copies = LocalCopies(scratch, 1024 * 1024 * 1024)
    async with open_bucket(BucketLocation(bucket, ""), environment, tries=1, read_seconds=read_seconds) as opened:
        yield BucketStorage(opened, copies)
    await copies.close()


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[BucketServer]:
    """A server that the test may kill."""
    async with bucket_server(tmp_path / "server") as server:
        yield server


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "the secret key does not belong to the access key"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "it does not know the access key"),
    ],
)
async def test_wrong_credentials_are_said_in_one_sentence(
    shared_bucket_server: BucketServer, tmp_path: Path, change: dict[str, str], sentence: str
) -> None:
    async with storage_of({**shared_bucket_server.environment, **change}, tmp_path) as storage:
        with pytest.raises(StorageFailed, match=sentence):
            await storage.check()


async def test_a_clock_that_the_server_does_not_take_is_said(
    shared_bucket_server: BucketServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_hour_ago = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: an_hour_ago)
    async with storage_of(shared_bucket_server.environment, tmp_path) as storage:
        with pytest.raises(StorageFailed, match=r"clock is off by more than the server allows\. Set it right \(NTP\)"):
            await storage.check()


async def test_a_bucket_that_is_not_there_is_said(shared_bucket_server: BucketServer, tmp_path: Path) -> None:
    async with storage_of(shared_bucket_server.environment, tmp_path, bucket="no-such-bucket") as storage:
        with pytest.raises(StorageFailed, match=r"s3://no-such-bucket: there is no such bucket\. Make it"):
            await storage.delete_folder("work/v1/")


async def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    nowhere = {"AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{Ports().free(purpose='nobody')}"}
    keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
    async with storage_of(nowhere | keys, tmp_path) as storage:
        with pytest.raises(StorageFailed, match=r"does not answer.*AWS_ENDPOINT_URL"):
            await storage.check()


async def test_a_server_that_dies_while_a_file_is_put_leaves_none_and_takes_it_afterwards(
    own_server: BucketServer, tmp_path: Path
) -> None:
    async with storage_of(own_server.environment, tmp_path / "scratch") as storage:
        putting = asyncio.create_task(_put(storage, LARGE))
        await eventually(lambda: has_taken(own_server, len(LARGE) // 4), bool)
        own_server.kill()
        with pytest.raises(StorageFailed):
            await putting
        await own_server.start()
        assert await storage.size(KEY) is None
        await _put(storage, LARGE)
    async with storage_of(own_server.environment, tmp_path / "elsewhere") as another:
        assert await content_of(another, KEY) == LARGE


async def test_a_server_that_dies_while_a_file_is_fetched_gives_all_of_it_afterwards(
    own_server: BucketServer, tmp_path: Path
) -> None:
    async with storage_of(own_server.environment, tmp_path / "scratch") as storage:
        await _put(storage, LARGE)
    async with storage_of(own_server.environment, tmp_path / "elsewhere") as another:
        fetching = asyncio.create_task(content_of(another, KEY))
        await eventually(lambda: copies_in(tmp_path / "elsewhere"), bool)
        own_server.kill()
        with pytest.raises(StorageFailed):
            await fetching
        await own_server.start()
        assert await content_of(another, KEY) == LARGE


@pytest.mark.skipif(not namespaces_are_permitted(), reason="needs user and mount namespaces")
async def test_a_server_that_is_full_is_said_and_gives_back_what_it_has(tmp_path: Path) -> None:
    small = [
        *NAMESPACE,
        "sh",
        "-c",
        'mount -t tmpfs -o size=48m rushes "$0" && exec "$@"',
        str(tmp_path / "server" / "files"),
    ]
    async with bucket_server(tmp_path / "server", small) as server:
        async with storage_of(server.environment, tmp_path / "scratch") as storage:
            await _put(storage, LARGE[: 8 * 1024 * 1024])
            with pytest.raises(StorageFailed, match="it may be full"):
                async with storage.create("work/v1/chunk-002.mp4") as path:
                    await asyncio.to_thread(path.write_bytes, LARGE + LARGE)
            assert await storage.size("work/v1/chunk-002.mp4") is None
        async with storage_of(server.environment, tmp_path / "elsewhere") as another:
            assert await content_of(another, KEY) == LARGE[: 8 * 1024 * 1024]


@asynccontextmanager
async def through_a_narrow_way(
    server: BucketServer, bytes_a_second: float, carried: Counter[str] | None = None
) -> AsyncIterator[dict[str, str]]:
    """The server's environment, by a way that carries so much in each direction; 0 is one that carries nothing.

    What it has carried ``there`` and ``back`` is counted, where somebody wants to know.
    """

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, way: str) -> None:
        while bytes_a_second and (some := await source.read(64 * 1024)):
            if carried is not None:
                carried[way] += len(some)
            target.write(some)
            await target.drain()
            await asyncio.sleep(len(some) / bytes_a_second)
        await asyncio.Event().wait()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_server = await asyncio.open_connection(LOOPBACK, server.ports["s3.port"])
        ways = [carry(reader, to_server[1], "there"), carry(to_server[0], writer, "back")]
        try:
            await asyncio.gather(*ways)
        finally:
            for end in (writer, to_server[1]):
                end.close()

    opened: set[asyncio.Task[None]] = set()

    def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.add(asyncio.create_task(connected(reader, writer)))

    listening = await asyncio.start_server(connect, LOOPBACK, 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield {**server.environment, "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{port}"}
    finally:
        listening.close()
        for task in opened:
            task.cancel()
        await asyncio.gather(*opened, return_exceptions=True)


async def test_a_slow_server_is_waited_for(shared_bucket_server: BucketServer, tmp_path: Path) -> None:
    slow = through_a_narrow_way(shared_bucket_server, 8 * 1024 * 1024)
    async with slow as environment, storage_of(environment, tmp_path, read_seconds=1.0) as storage:
        await _put(storage, LARGE[: 4 * 1024 * 1024])
        assert await storage.size(KEY) == 4 * 1024 * 1024
        await storage.delete(KEY)


async def test_a_server_that_says_nothing_is_given_up(shared_bucket_server: BucketServer, tmp_path: Path) -> None:
    stuck = through_a_narrow_way(shared_bucket_server, 0)
    async with stuck as environment, storage_of(environment, tmp_path, read_seconds=0.3) as storage:
        with pytest.raises(StorageFailed, match="does not answer, or stopped in the middle"):
            await storage.size(KEY)


async def test_a_trial_of_a_server_that_says_nothing_ends(shared_bucket_server: BucketServer, tmp_path: Path) -> None:
    stuck = through_a_narrow_way(shared_bucket_server, 0)
    async with stuck as environment, storage_of(environment, tmp_path) as storage:
        (trial,) = [trial async for trial in try_storage(storage, seconds=0.5)]
    assert (trial.what, trial.holds) == ("write", False)
    assert trial.found == "no answer within 0.5 s. Is it there, and the way to it free?"


async def test_a_server_that_replaces_what_must_stay_is_found_by_its_trial(
    bucket: Bucket, bucket_storage: BucketStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = bucket.put

    async def replacing(key: str, content: bytes, *, replace: bool = False) -> bool:  # noqa: ARG001
        return await put(key, content, replace=True)

    monkeypatch.setattr(bucket, "put", replacing)
    trials = {trial.what: trial async for trial in try_storage(bucket_storage)}
    assert (trials["write"].holds, trials["once"].holds) == (True, False)
    assert trials["once"].found == "it replaces what stands, against If-None-Match"


async def test_who_waits_for_a_server_that_says_nothing_says_so(
    shared_bucket_server: BucketServer, tmp_path: Path
) -> None:
    told: list[str] = []
    stuck = through_a_narrow_way(shared_bucket_server, 0)
    async with stuck as environment, storage_of(environment, tmp_path, read_seconds=0.3) as storage:
        with pytest.raises(StorageFailed, match="does not answer"):
            await checked(storage, "s3://videos", told.append, every_seconds=0.1)
    assert told
    assert told[0].startswith("Waiting for an answer of the storage s3://videos, for ")


async def has_taken(server: BucketServer, size_bytes: int) -> bool:
    """Whether so much has arrived at its disk."""
    return await asyncio.to_thread(lambda: sum(path.stat().st_size for path in server.files.glob("*.dat")) > size_bytes)


async def copies_in(scratch: Path) -> list[Path]:
    """What is being fetched: a copy is there as soon as it is begun."""
    return await asyncio.to_thread(lambda: [path for path in scratch.glob("copies-*/*") if path.stat().st_size > 0])


async def _put(storage: BucketStorage, content: bytes) -> None:
    async with storage.create(KEY) as path:
        await asyncio.to_thread(path.write_bytes, content)
