"""How the scripts of this folder write their page, or say that it is not current."""

import argparse
import sys
from pathlib import Path


def write_or_check(target: Path, page: str, source: str, about: str) -> int:
    """Write ``page`` to ``target``; with ``--check`` on the command line, compare only.

    Args:
        target: The document.
        page: What it shall say, all of it.
        source: What the page is made of, for the sentence that says that it is out of date.
        about: What the script does, for ``--help``.

    Returns:
        Exit code: 1 where the page is out of date, else 0.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is out of date")
    if not parser.parse_args().check:
        target.write_text(page, encoding="utf-8")
        return 0
    if target.is_file() and target.read_text(encoding="utf-8") == page:
        return 0
    sys.stderr.write(f"{target} is not what {source} says. Run `make docs`.\n")
    return 1
