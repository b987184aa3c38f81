"""What a check of ``rushes doctor`` found."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        subject: What was looked at.
        verdict: How bad it is.
        found: What is so.
        mend: What to do; empty where nothing is to be done.
    """

    subject: str
    verdict: Verdict
    found: str
    mend: str = ""
