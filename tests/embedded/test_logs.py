"""What a process writes to its log: one object a line, and not the same warning without end."""

import json
import logging
import subprocess
import sys
from collections import Counter

from logs import FewAlike

FLOOD = """
import logging
import structlog
from logs import configure_logs

configure_logs("json", "info")
for number in range(1000):
    logging.getLogger("asyncio").warning("socket.accept() out of system resource %s", number)
    structlog.stdlib.get_logger("api").warning("storage refuses", number=number)
for number in range(6000):
    structlog.stdlib.get_logger("requests").info("request")
"""


def test_a_warning_is_written_a_hundred_times_and_what_goes_well_five_thousand_times_in_ten_seconds() -> None:
    flooded = subprocess.run([sys.executable, "-c", FLOOD], capture_output=True, text=True, check=True)
    written = Counter(json.loads(line)["logger"] for line in flooded.stderr.splitlines())
    assert written == {"asyncio": 100, "api": 100, "requests": 5000}


AUDITED = """
import structlog
from logs import configure_logs

configure_logs("json", "error")
for name in ("api", "audit"):
    for number in range(6000):
        structlog.stdlib.get_logger(name).info("video deleted")
"""


def test_what_audits_say_is_written_at_every_level_and_never_left_out() -> None:
    said = subprocess.run([sys.executable, "-c", AUDITED], capture_output=True, text=True, check=True)
    assert Counter(json.loads(line)["logger"] for line in said.stderr.splitlines()) == {"audit": 6000}


def test_the_next_warning_of_its_kind_tells_how_many_were_left_out() -> None:
    seconds = 0.0
    few = FewAlike(most=1, seconds=10, clock=lambda: seconds)

    def record(message: object) -> logging.LogRecord:
        return logging.LogRecord("api", logging.WARNING, "", 0, message, None, None)

    assert [few.filter(record({"event": "away", "number": number})) for number in range(3)] == [True, False, False]
    assert few.filter(record({"event": "another"}))
    seconds = 11.0
    later = record({"event": "away"})
    assert few.filter(later)
    assert later.msg == {"event": "away", "left_out_before": 2}


NAMED = r"""
import structlog
from logs import configure_logs

configure_logs("console", "info")
structlog.stdlib.get_logger("api").info("request", path="/web/\x1b]0;pwned\x07")
"""


def test_an_address_that_a_stranger_asks_for_steers_no_terminal_that_shows_the_log() -> None:
    written = subprocess.run([sys.executable, "-c", NAMED], capture_output=True, text=True, check=True).stderr
    assert r"/web/\u001b]0;pwned\u0007" in written
    assert "\x1b]" not in written
