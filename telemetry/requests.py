"""What an api process measures of requests and of its own clock."""

import time
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 600)
_DONE: Final = "done"
_FAILED: Final = "failed"


class RequestMetrics:
    """Requests by route, and what was refused by code.

    Args:
        registry: Where they are read.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "rushes_http_requests",
            "Requests that were answered, or whose client went away (status 0).",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "rushes_http_request_duration_seconds",
            "From the request's first byte to the answer's last.",
            ["method", "route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._refused = Counter(
            "rushes_http_refused",
            "Requests that were refused, by code.",
            ["route", "code"],
            registry=registry,
        )

    def expect(self, method: str, route: str, statuses: Iterable[int], codes: Iterable[str]) -> None:
        """The route may be answered so: each counts from 0, so that the first of its kind is an increase."""
        for status in statuses:
            self._requests.labels(method, route, str(status))
        for code in codes:
            self._refused.labels(route, code)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. ``route`` is a pattern such as ``/api/v1/videos/{video_id}``, never an address."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def refused(self, route: str, code: str) -> None:
        """Count a problem document."""
        self._refused.labels(route, code).inc()


class RoundMetrics:
    """The api's own clock: reconciler, sweep and the like.

    Args:
        registry: Where they are read.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._rounds = Counter(
            "rushes_rounds", "Rounds of the api's own clock.", ["work", "outcome"], registry=registry
        )
        self._found = Counter(
            "rushes_round_findings", "What these rounds had to do.", ["work", "finding"], registry=registry
        )
        self._last = Gauge(
            "rushes_round_last_success_timestamp_seconds",
            "When one last went through, or this process began.",
            ["work"],
            registry=registry,
        )

    def begun(self, work: str, findings: Iterable[str]) -> None:
        """From now on a round is expected, so that one which never goes through is seen too. All counts from 0."""
        self._last.labels(work).set(time.time())
        for outcome in (_DONE, _FAILED):
            self._rounds.labels(work, outcome)
        for finding in findings:
            self._found.labels(work, finding)

    def done(self, work: str, counts: dict[str, int]) -> None:
        """Count a round that went through, and what it did."""
        self._rounds.labels(work, _DONE).inc()
        self._last.labels(work).set(time.time())
        for finding, count in counts.items():
            self._found.labels(work, finding).inc(count)

    def failed(self, work: str) -> None:
        """Count one that did not."""
        self._rounds.labels(work, _FAILED).inc()
