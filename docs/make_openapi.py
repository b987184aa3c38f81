"""Write ``docs/openapi.json`` as the api serves it: ``make docs``. With ``--check``, say whether it is current.

A document that breaks the clients of the one that is there is not written until the changelog names what breaks.
"""

import json
import os
import sys
from pathlib import Path
from typing import Final

from generated import write_or_check

from api.main import build
from tests.api.openapi_breaks import breaking_changes, unnamed

TARGET: Final = Path(__file__).with_name("openapi.json")
_CHANGELOG: Final = Path(__file__).parents[1] / "CHANGELOG.md"
_NO_DATABASE: Final = "postgresql://127.0.0.1/none"
"""Nothing is asked of it: the application is built, and not started."""


def main() -> int:
    """1 if the document is out of date, or breaks clients and the changelog does not say so."""
    os.environ["DATABASE_URL"] = _NO_DATABASE
    document = build().openapi()
    if TARGET.is_file():
        breaks = breaking_changes(json.loads(TARGET.read_text(encoding="utf-8")), document)
        if silent := unnamed(breaks, _CHANGELOG.read_text(encoding="utf-8")):
            told = "\n".join(f"  `{found.subject}`: {found.what}" for found in silent)
            sys.stderr.write(f"These break clients. Name them in CHANGELOG.md, below ### Breaking:\n{told}\n")
            return 1
    page = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    return write_or_check(TARGET, page, "the api", __doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
