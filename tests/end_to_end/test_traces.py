"""What one upload sets going is one trace: from the request through run and steps to ffmpeg."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from embedded.ports import Ports
from tests.fixtures.clips import Clip, Clips
from tests.fixtures.stack import make_home, running
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)


@dataclass(frozen=True)
class Seen:
    """A span that arrived."""

    service: str
    name: str
    trace_id: bytes
    span_id: bytes
    parent_id: bytes


@contextmanager
def collector() -> Iterator[tuple[str, list[Seen]]]:
    """An endpoint that takes OTLP over HTTP, and what it took."""
    seen: list[Seen] = []

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
            for of in request.resource_spans:
                service = next(one.value.string_value for one in of.resource.attributes if one.key == "service.name")
                spans = (span for scope in of.scope_spans for span in scope.spans)
                seen.extend(Seen(service, s.name, s.trace_id, s.span_id, s.parent_span_id) for s in spans)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """The test tells what it misses."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def failures_counted(port: int) -> set[tuple[str, str, float]]:
    """Step, code and count of what a worker has seen fail."""
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    counts = [one for one in samples if one.name == "rushes_step_failures_total"]
    return {(one.labels["step"], one.labels["code"], one.value) for one in counts}


async def test_an_upload_is_one_trace_from_the_request_to_ffmpeg(tmp_path: Path, clips: Clips) -> None:
    with collector() as (endpoint, seen):
        metrics_port = Ports().free(purpose="metrics")
        home = make_home(tmp_path).with_settings(
            RUSHES_METRICS_PORT=str(metrics_port),
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            OTEL_EXPORTER_OTLP_COMPRESSION="none",
            OTEL_BSP_SCHEDULE_DELAY="200",
        )
        async with running(home):
            steps = await failures_counted(metrics_port)
            assert ("encode_chunk", "internal", 0.0) in steps, "the first failure is an increase"
            ended = await home.rushes("upload", "--wait", str(clips.path(Clip.AVI)))
            assert ended.code == 0, ended

            async def of_the_run() -> list[Seen]:
                run = next((span for span in seen if span.name.startswith("RunWorkflow:VideoProcessing")), None)
                return [] if run is None else [span for span in seen if span.trace_id == run.trace_id]

            spans = await eventually(of_the_run, lambda found: any("clean_scratch" in one.name for one in found))
        log, api_log = (
            [json.loads(line) for line in (home.folder / "logs" / name).read_text(encoding="utf-8").splitlines()]
            for name in ("worker.log", "api.log")
        )
    by_id = {span.span_id: span for span in spans}
    roots = [span for span in spans if span.parent_id not in by_id]
    assert [(root.service, root.name) for root in roots] == [("rushes-api", "PATCH /api/v1/uploads/{video_id}")]
    names = {span.name for span in spans}
    assert {"RunActivity:validate_video", "RunActivity:mark_ready", "ffmpeg", "ffprobe"} <= names
    of_ffmpeg = {by_id[span.parent_id].name for span in spans if span.name == "ffmpeg"}
    assert {"RunActivity:encode_chunk", "RunActivity:create_thumbnail", "RunActivity:join_streams"} <= of_ffmpeg
    lines = [line for line in log if line.get("video_id") == ended.out.strip()]
    assert lines
    assert all(line["run_id"] for line in lines)
    assert {line["trace_id"] for line in lines} == {spans[0].trace_id.hex()}
    accepted = [line for line in api_log if line["event"] == "upload accepted"]
    assert [line["video_id"] for line in accepted] == [ended.out.strip()]
    assert accepted[0]["trace_id"] == spans[0].trace_id.hex()
    of_its_request = [line for line in api_log if line.get("request_id") == accepted[0]["request_id"]]
    assert [line["event"] for line in of_its_request] == ["upload accepted", "request"], "an event is one line"
