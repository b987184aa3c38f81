"""``make runbooks``: what each alert tells of is brought about on a real stack, seen by Prometheus, and mended."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

from tests.fixtures.prometheus import Missing
from tests.runbooks.situations import SITUATIONS
from tests.runbooks.stage import SHORTENED, say, staged


async def walk(only: Collection[str]) -> list[str]:
    """Walk through the runbooks of these alerts, one after the other; returns those that did not go as written."""
    broken = []
    with tempfile.TemporaryDirectory(prefix="rushes-runbooks-") as place:
        async with staged(Path(place)) as stage:
            for alert in only:
                began = time.monotonic()
                note = " as ".join(SHORTENED[alert][::-1]) if alert in SHORTENED else ""
                say(f"{alert}: {(SITUATIONS[alert].__doc__ or '').strip()}{f' ({note})' if note else ''}")
                try:
                    await SITUATIONS[alert](stage)
                except Exception as error:  # noqa: BLE001 - the next runbook is walked through all the same
                    broken.append(alert)
                    say(f"  NOT AS WRITTEN: {type(error).__name__}: {error}")
                say(f"  {time.monotonic() - began:.0f} s\n")
    return broken


def main() -> int:
    """Print what was seen and done; 1 if a runbook did not lead to the end of its alert."""
    parser = argparse.ArgumentParser(prog="tests.runbooks.every", description=__doc__)
    parser.add_argument("--only", choices=SITUATIONS, action="append", help="an alert; may be given several times")
    only = parser.parse_args().only or list(SITUATIONS)
    try:
        broken = asyncio.run(walk(only))
    except Missing as missing:
        say(str(missing))
        return 1
    say(f"{len(only) - len(broken)} of {len(only)} runbooks lead to the end of their alert.")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
