"""Structured logs: one event a line, with the video, the request or the workflow that it is about.

``structlog`` renders both its own loggers and those of the standard library (uvicorn, temporalio, alembic), so that one
process writes one format.
"""

import logging
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import structlog
from opentelemetry import trace
from structlog.tracebacks import ExceptionDictTransformer
from temporalio import activity

from contracts.printable import printable

LogFormat = Literal["json", "console"]

AUDIT: Final = "audit"
"""The logger that tells who was let in, and who deleted, cancelled or shared what: written whatever the level."""

MOST_ALIKE: Final = 100
"""Warnings of one kind that are written within ``ALIKE_SECONDS``; a thousand connections may all have the same one."""
MOST_TOLD_ALIKE: Final = 5000
"""The same of lines that tell what went well: a busy api writes some hundred a second, a flood of strangers more."""
ALIKE_SECONDS: Final = 10.0
_MOST_KINDS: Final = 1000
_ID_OF_VIDEO: Final = re.compile(r"(?:video|delete)-([0-9a-f-]{36})")


class FewAlike(logging.Filter):
    """Leaves out lines that were written often just now; the next one of the kind tells how many.

    Args:
        most: How many warnings or errors of a kind pass within a while.
        most_told: How many lines of a kind that are neither.
        seconds: How long the while is.
        clock: Tells the seconds.
    """

    def __init__(
        self,
        most: int = MOST_ALIKE,
        seconds: float = ALIKE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        *,
        most_told: int = MOST_TOLD_ALIKE,
    ) -> None:
        super().__init__()
        self._clock = clock
        self._most = most
        self._most_told = most_told
        self._seconds = seconds
        self._kinds: dict[tuple[str, int, str], _Kind] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if record.levelno < logging.INFO or record.name == AUDIT:
            return True
        most = self._most if record.levelno >= logging.WARNING else self._most_told
        said = record.msg.get("event") if isinstance(record.msg, dict) else record.msg
        name, now = (record.name, record.levelno, str(said)), self._clock()
        if name not in self._kinds and len(self._kinds) >= _MOST_KINDS:
            self._kinds.clear()
        kind = self._kinds.setdefault(name, _Kind(now))
        if now - kind.since >= self._seconds:
            if kind.left_out:
                _add(record, kind.left_out)
            kind.since, kind.written, kind.left_out = now, 0, 0
        if kind.written >= most:
            kind.left_out += 1
            return False
        kind.written += 1
        return True


@dataclass
class _Kind:
    since: float
    written: int = 0
    left_out: int = 0


def _add(record: logging.LogRecord, left_out: int) -> None:
    if isinstance(record.msg, dict):
        record.msg = {**record.msg, "left_out_before": left_out}
    else:
        record.left_out_before = left_out


def say_what_it_is_about(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Add the trace, and within an activity its video, run, step and attempt."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event.setdefault("trace_id", trace.format_trace_id(context.trace_id))
    if activity.in_activity():
        info = activity.info()
        _add_run(event, info.workflow_id, info.workflow_run_id)
        event.setdefault("step", info.activity_id)
        event.setdefault("step_attempt", info.attempt)
    return event


def flatten_temporal_context(
    _logger: object, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Put Temporal's own words for run and step into ours: the same names in every line."""
    workflow = event.pop("temporal_workflow", None)
    if isinstance(workflow, dict):
        _add_run(event, workflow.get("workflow_id"), workflow.get("run_id"))
    step = event.pop("temporal_activity", None)
    if isinstance(step, dict):
        _add_run(event, step.get("workflow_id"), step.get("workflow_run_id"))
        event.setdefault("step", step.get("activity_id"))
        event.setdefault("step_attempt", step.get("attempt"))
    return event


def _add_run(event: structlog.types.EventDict, workflow_id: str | None, run_id: str | None) -> None:
    if workflow_id is None:
        return
    found = _ID_OF_VIDEO.fullmatch(workflow_id)
    event.setdefault("workflow_id" if found is None else "video_id", workflow_id if found is None else found[1])
    event.setdefault("run_id", run_id)


def without_what_steers_a_terminal(
    _logger: object, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Write out what a stranger may have put into an address or a name; JSON does so by itself."""
    return {key: printable(value) if isinstance(value, str) else value for key, value in event.items()}


def configure_logs(log_format: LogFormat, level: str) -> None:
    """Send every log line of this process to standard error, in one format.

    Args:
        log_format: ``json``, one object a line, or ``console``, for people.
        level: The least level that is logged: ``debug``, ``info``, ``warning`` or ``error``; audits always are.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        say_what_it_is_about,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        flatten_temporal_context,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    render: list[structlog.types.Processor] = (
        [
            # Without local variables: they hold addresses with passwords, and rendering them blocks the event loop.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ]
        if log_format == "json"
        else [
            without_what_steers_a_terminal,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    handler.addFilter(FewAlike())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger(AUDIT).setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)  # the api's own access line has the video_id
