"""``make runbooks``: what each alert tells of is brought about on a real stack, seen by Prometheus, and mended."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from tests.fixtures.prometheus import Missing
from tests.runbooks.situations import SITUATIONS, LeftOut, Situation
from tests.runbooks.stage import SHORTENED, Stage, say, staged


@dataclass
class Walked:
    """How runbooks went.

    Attributes:
        through: Alerts whose runbook led to their end.
        left_out: Those whose situation this machine can't bring about.
        broken: Those whose runbook did not go as written.
    """

    through: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    async def walk(self, alert: str, situation: Situation, stage: Stage) -> None:
        """Walk through one."""
        try:
            await situation(stage)
        except LeftOut as reason:
            self.left_out.append(alert)
            say(f"  LEFT OUT: {reason}")
        except Exception as error:  # noqa: BLE001 - the next runbook is walked through all the same
            self.broken.append(alert)
            say(f"  NOT AS WRITTEN: {type(error).__name__}: {error}")
        else:
            self.through.append(alert)

    def __str__(self) -> str:
        """A sentence about all of them."""
        count = len(self.through) + len(self.left_out) + len(self.broken)
        left_out = f" Left out: {', '.join(self.left_out)}." if self.left_out else ""
        return f"{len(self.through)} of {count} runbooks lead to the end of their alert.{left_out}"


async def walk(only: Collection[str]) -> Walked:
    """Walk through the runbooks of these alerts, one after the other."""
    walked = Walked()
    with tempfile.TemporaryDirectory(prefix="rushes-runbooks-") as place:
        async with staged(Path(place)) as stage:
            for alert in only:
                began = time.monotonic()
                note = " as ".join(SHORTENED[alert][::-1]) if alert in SHORTENED else ""
                say(f"{alert}: {(SITUATIONS[alert].__doc__ or '').strip()}{f' ({note})' if note else ''}")
                await walked.walk(alert, SITUATIONS[alert], stage)
                say(f"  {time.monotonic() - began:.0f} s\n")
    return walked


def main() -> int:
    """Print what was seen and done; 1 if a runbook did not lead to the end of its alert."""
    parser = argparse.ArgumentParser(prog="tests.runbooks.every", description=__doc__)
    parser.add_argument("--only", choices=SITUATIONS, action="append", help="an alert; may be given several times")
    only = parser.parse_args().only or list(SITUATIONS)
    try:
        walked = asyncio.run(walk(only))
    except Missing as missing:
        say(str(missing))
        return 1
    say(str(walked))
    return int(bool(walked.broken))


if __name__ == "__main__":
    sys.exit(main())
