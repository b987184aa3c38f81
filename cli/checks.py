"""What ``rushes doctor`` looks at: each check finds out one thing, and says how to mend it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError

from cli.errors import sentence_of
from cli.findings import Finding, Verdict
from cli.folder_checks import check_space, check_writable, look_at, silent
from cli.owning import FIND_FILES, elsewhere, ownership_of, whereabouts_of
from cli.temporal import connected
from cli.where import Service
from client.errors import RushesError
from contracts.errors import DatabaseUnavailable, StorageFailed
from contracts.temporal_names import worker_queue
from contracts.worker_identity import WorkerIdentity
from database.migrate import current_revision, head_revision
from media.ffmpeg import Ffmpeg
from media.profile import ProfilesInvalid, load_profiles
from media.programs import SAFE_SINCE, FfmpegMissing
from media.sandbox import Layer, SandboxMissing
from runs.client import TemporalRuns
from runs.records import TemporalRefuses, TemporalUnavailable, WorkerState
from runs.workers import serving
from settings import Settings
from storage.checking import try_storage
from storage.opening import open_storage
from temporal_client import missing_search_attributes

_TEMPORAL_SECONDS: Final = 10
_API_SECONDS: Final = 10
_BUCKET_SECONDS: Final = 15
"""For each thing that is tried of it; `rushes storage check` waits longer."""
_HOW_TO_CONFINE: Final = (
    "Allow user namespaces or Landlock on this machine and in its containers; RUSHES_SANDBOX=off does without."
)
_FILES_SECONDS: Final = 30


async def examine(service: Service) -> AsyncIterator[Finding]:
    """Every finding, one after the other."""
    async for finding in check_ffmpeg(service.settings):
        yield finding
    yield check_profiles(service.settings)
    async for finding in check_temporal(service):
        yield finding
    for finding in await asyncio.to_thread(check_database, service.settings):
        yield finding
    if service.settings.place.bucket is not None:
        yield await check_bucket(service.settings)
    do_answer = True
    for subject, path in folders(service):
        try:
            folder = await look_at(subject, path)
        except TimeoutError:
            do_answer = False
            yield silent(subject, path)
            continue
        yield check_writable(folder)
        yield check_space(folder, service.settings.max_upload_bytes, service.settings.max_resumable_bytes)
    if do_answer:  # who asks a disk that hangs from here could not be ended
        async for finding in check_owner(service.settings):
            yield finding
        async for finding in check_whereabouts(service.settings):
            yield finding
    yield await check_api(service)


async def check_ffmpeg(settings: Settings) -> AsyncIterator[Finding]:
    """Whether there is an ffmpeg, one without known holes, and what is around it in a worker that is started here."""
    try:
        ffmpeg = await Ffmpeg.locate(settings.ffmpeg, settings.ffprobe, sandbox=settings.sandbox)
    except FfmpegMissing as error:
        yield Finding("ffmpeg", Verdict.FAIL, str(error), "Run `make demo` once, which installs it.")
        return
    except SandboxMissing as error:
        yield Finding("Sandbox here", Verdict.FAIL, str(error), _HOW_TO_CONFINE)
        return
    if ffmpeg.unsafe:
        safe = ".".join(str(part) for part in SAFE_SINCE)
        mend = f"Use {safe} or newer: unset RUSHES_FFMPEG and RUSHES_FFPROBE to take the installed ones."
        yield Finding("ffmpeg", Verdict.WARN, f"may have memory-safety holes: {', '.join(ffmpeg.unsafe)}", mend)
    else:
        yield Finding("ffmpeg", Verdict.OK, f"{ffmpeg.version} at {ffmpeg.ffmpeg_path}")
    found = f"{ffmpeg.sandbox.layer}: {', '.join(ffmpeg.sandbox.protections)}"
    confined = ffmpeg.sandbox.layer is not Layer.LIMITS
    yield Finding("Sandbox here", Verdict.OK if confined else Verdict.WARN, found, "" if confined else _HOW_TO_CONFINE)


def check_profiles(settings: Settings) -> Finding:
    """Whether the encoding profiles can be used, and which there are."""
    try:
        profiles = load_profiles(settings.profiles)
    except ProfilesInvalid as error:
        return Finding("Profiles", Verdict.FAIL, str(error), "Mend the file that RUSHES_PROFILES names, or unset it.")
    return Finding("Profiles", Verdict.OK, ", ".join(sorted(profiles)))


async def check_temporal(service: Service) -> AsyncIterator[Finding]:
    """Whether Temporal answers, knows our search attributes, and has workers on our queues."""
    address, namespace = service.temporal_place
    place = f"{address}, namespace {namespace}"
    start = "Start the stack with `make up`, or set TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE to where it is."
    if service.stack is not None and "temporal" in service.stack.pids:
        start = _if_it_hangs(service, "temporal")
    try:
        async with asyncio.timeout(_TEMPORAL_SECONDS):
            client = await connected(service)
            version = await TemporalRuns(client).server_version()
            missing = await missing_search_attributes(client)
    except TemporalRefuses as refusal:
        yield Finding("Temporal", Verdict.FAIL, f"{place}: {refusal}", "Without it no video is processed.")
        return
    except (TimeoutError, TemporalUnavailable):
        yield Finding("Temporal", Verdict.FAIL, f"no answer at {place}", start)
        return
    except RPCError as error:
        yield Finding("Temporal", Verdict.FAIL, f"{place}: {error.message}", start)
        return
    yield Finding("Temporal", Verdict.OK, f"{version} at {place}")
    if missing:
        names = " ".join(f"--name {name} --type Keyword" for name in missing)
        mend = f"temporal operator search-attribute create --address {address} --namespace {namespace} {names}"
        yield Finding("Search attributes", Verdict.FAIL, f"not registered: {', '.join(missing)}", mend)
    else:
        yield Finding("Search attributes", Verdict.OK, "registered")
        try:
            await TemporalRuns(client).check()
        except TemporalUnavailable as error:
            yield Finding("Runs", Verdict.FAIL, str(error), "Without it no video is processed.")
    async for finding in _check_workers(client):
        yield finding


async def _check_workers(client: Client) -> AsyncIterator[Finding]:
    try:
        runs = TemporalRuns(client)
        queues, workers = await asyncio.gather(runs.queues(), runs.workers())
    except TemporalUnavailable as error:
        yield Finding("Workers", Verdict.FAIL, str(error), "Look into Temporal's log.")
        return
    pollers = [WorkerIdentity.read(poller) for queue in queues for poller in queue.pollers]
    places = {worker.storage: worker for worker in pollers if worker is not None and worker.storage}
    if len(places) > 1:
        found = f"workers keep their files in different places: {', '.join(map(str, places.values()))}"
        mend = (
            "Stop those with the wrong RUSHES_UPLOADS, RUSHES_SCRATCH or RUSHES_STORAGE; gone ones show for a minute."
        )
        yield Finding("Workers", Verdict.WARN, found, mend)
    for finding in check_sandboxes([worker for worker in pollers if worker is not None], workers or ()):
        yield finding
    for queue in queues:
        subject = f"Queue {queue.name}"
        there = serving(queue, workers)
        if there:
            yield Finding(subject, Verdict.OK, f"workers: {len(there)}, tasks that wait: {queue.backlog}")
        else:
            mend = f"Start one: `rushes worker --queue {worker_queue(queue.name)}`. If one runs, look into its log."
            yield Finding(subject, Verdict.WARN, f"no worker serves it; tasks that wait: {queue.backlog}", mend)


def check_sandboxes(pollers: Sequence[WorkerIdentity], workers: Sequence[WorkerState]) -> list[Finding]:
    """What is around ffmpeg where it runs, as the workers tell; none where none of them does."""
    told = {f"{one.host}:{one.process}": one.sandbox for one in workers}
    told |= {f"{one.host}:{one.pid}": one.sandbox for one in pollers if one.sandbox}
    places: dict[str, list[str]] = {}
    for worker, layer in sorted(told.items()):
        if layer:
            places.setdefault(layer, []).append(worker)
    if not places:
        return []
    found = "; ".join(f"{layer} at {', '.join(places[layer])}" for layer in sorted(places))
    if Layer.LIMITS in places:
        return [Finding("Sandbox", Verdict.WARN, found, _HOW_TO_CONFINE)]
    return [Finding("Sandbox", Verdict.OK, found)]


def check_database(settings: Settings) -> list[Finding]:
    """Whether PostgreSQL answers, and has the tables of this version."""
    if settings.database_url is None:
        mend = (
            "Start the stack with `make up`, which brings one. If it runs, ask where it was started, or with its "
            "RUSHES_HOME. Else set DATABASE_URL."
        )
        return [Finding("Database", Verdict.FAIL, "none is known", mend)]
    url = settings.database_url.get_secret_value()
    try:
        revision, head = current_revision(url), head_revision()
    except (DatabaseUnavailable, ValueError) as error:
        mend = "Start PostgreSQL, or set DATABASE_URL to where it is; `make up` brings one of its own."
        return [Finding("Database", Verdict.FAIL, str(error), mend)]
    answers = Finding("Database", Verdict.OK, "answers")
    if revision == head:
        return [answers, Finding("Tables", Verdict.OK, f"revision {head}")]
    found = f"revision {revision or 'none'}, this version needs {head}"
    return [answers, Finding("Tables", Verdict.FAIL, found, "rushes migrate")]


async def check_bucket(settings: Settings) -> Finding:
    """Whether the bucket does all that is asked of it, and whether its clock agrees with ours."""
    async with open_storage(settings.place) as storage:
        async for trial in try_storage(storage, _BUCKET_SECONDS):
            if not trial.holds:
                mend = "`rushes storage check` shows what was tried before."
                return Finding("Bucket", Verdict.FAIL, f"{trial.what}: {trial.found}", mend)
    return Finding("Bucket", Verdict.OK, f"{settings.storage} takes files and gives them back, its clock agrees")


async def check_owner(settings: Settings) -> AsyncIterator[Finding]:
    """Whether the storage belongs to another database; what does not answer is told of by others."""
    if settings.database_url is None:
        return
    try:
        async with asyncio.timeout(_FILES_SECONDS), ownership_of(settings) as ownership:
            is_ours = await ownership.look()
    except (TimeoutError, DatabaseUnavailable, StorageFailed, ValueError):
        return
    if not is_ours:
        mend = "Set RUSHES_STORAGE or RUSHES_UPLOADS right; or, if that one uses it no more, `rushes storage adopt`."
        yield Finding("Storage", Verdict.FAIL, "belongs to another database, so that nothing is mended or swept", mend)


async def check_whereabouts(settings: Settings) -> AsyncIterator[Finding]:
    """Whether the files of the newest videos are somewhere else; what does not answer is told of by others."""
    if settings.database_url is None:
        return
    try:
        async with asyncio.timeout(_FILES_SECONDS):
            found = await whereabouts_of(settings)
    except (TimeoutError, DatabaseUnavailable, StorageFailed, ValueError):
        return
    if found.are_elsewhere:
        yield Finding("Files", Verdict.FAIL, elsewhere(settings), FIND_FILES)


def folders(service: Service) -> list[tuple[str, Path]]:
    """The folders that are written to, by name."""
    settings, stack = service.settings, service.stack
    if settings.place.bucket is not None:
        return [("Scratch", settings.scratch)]
    if stack is None:
        return [("Uploads", settings.uploads_folder), ("Scratch", settings.scratch)]
    return [("Uploads", Path(stack.uploads)), ("Scratch", Path(stack.scratch))]


async def check_api(service: Service) -> Finding:
    """Whether the api answers, and what it says of itself."""
    nothing = f"no answer at {service.api_url}"
    try:
        async with asyncio.timeout(_API_SECONDS), service.api() as api:
            checks = await api.readiness()
    except TimeoutError:
        return Finding("Api", Verdict.WARN, f"{nothing} within {_API_SECONDS} s", _if_it_hangs(service, "api"))
    except RushesError as error:
        return Finding("Api", Verdict.WARN, nothing, sentence_of(error))
    faults = {name: finding for name, finding in checks.items() if finding != "ok"}
    if faults:
        told = " ".join(f"{name}: {finding}" for name, finding in faults.items())
        if faults.keys() == {"temporal"}:
            return Finding(
                "Api", Verdict.WARN, f"{service.api_url} takes uploads, which wait: {told}", "See Temporal's row."
            )
        return Finding("Api", Verdict.FAIL, f"{service.api_url} is not ready: {told}", "See the rows above.")
    return Finding("Api", Verdict.OK, f"ready at {service.api_url}")


def _if_it_hangs(service: Service, name: str) -> str:
    """What to do about a part that takes connections and does not answer."""
    pid = service.stack.pids.get(name) if service.stack is not None else None
    if pid is None:
        return "If it hangs, end its process: whatever supervises it starts it again."
    return f"If it hangs, `kill -9 {pid}`: the stack starts it again."
