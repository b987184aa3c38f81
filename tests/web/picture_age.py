"""Which pictures of docs/pictures are older than what they show.

What takes a picture notes a digest of the files that it shows. `make check` names those whose files have changed since,
and fails for none: not every change of a page can be seen on its picture, and to take them anew is minutes. Whoever has
looked and sees no difference says so by ``python -m tests.web.picture_age stand NAME …``.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[2]
_NOTED: Final = Path("docs/pictures/taken.json")
_PAGE: Final = ("web",)
SHOWN: Final[Mapping[str, Sequence[str]]] = {
    "uploading": _PAGE,
    "library": _PAGE,
    "video": _PAGE,
    "failure-page": _PAGE,
    "failure-status": ("cli/console.py", "cli/show.py", "cli/status_view.py", "cli/steps_view.py"),
    "dashboard": ("deploy/monitoring/grafana-dashboard.json", "tests/web/dashboard.py"),
}
"""Files and folders of ours that a picture shows, by its name; the other pictures are of Temporal's and Prometheus' own
pages, and of a script that its page has as text, too."""

_COMMENTS: Final = {".js": ("//", "/*", "*"), ".py": ("#",)}


def digest_of(root: Path, shown: Sequence[str]) -> str:
    """Of what these files and folders hold, comments that have a line to themselves left out."""
    digest = hashlib.sha256()
    for place in (root / one for one in shown):
        for file in sorted(place.rglob("*.*")) if place.is_dir() else [place]:
            digest.update(f"{file.relative_to(root)}\n".encode())
            digest.update("\n".join(_said(file)).encode())
    return digest.hexdigest()


def _said(file: Path) -> Iterable[str]:
    comments = _COMMENTS.get(file.suffix, ())
    for line in file.read_text(encoding="utf-8").splitlines():
        if not (comments and line.lstrip().startswith(comments)):
            yield line


def note_taken(names: Iterable[str], root: Path = _ROOT) -> None:
    """Note that these pictures show their files as they are now; nothing for one that is of other things."""
    taken = {name: digest_of(root, SHOWN[name]) for name in names if name in SHOWN}
    noted = dict(sorted((_noted(root) | taken).items()))
    (root / _NOTED).write_text(json.dumps(noted, indent=2) + "\n", encoding="utf-8")


def older(root: Path = _ROOT) -> list[str]:
    """Names of the pictures whose files have changed since they were taken."""
    noted = _noted(root)
    return [name for name, shown in SHOWN.items() if noted.get(name) != digest_of(root, shown)]


def _noted(root: Path) -> dict[str, str]:
    try:
        noted: dict[str, str] = json.loads((root / _NOTED).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return noted


def main(arguments: Sequence[str]) -> None:
    """Name those that are older, or note that the ones that are named still stand."""
    if arguments[:1] == ["stand"]:
        unknown = sorted(set(arguments[1:]) - set(SHOWN))
        if unknown or len(arguments) == 1:
            raise SystemExit(f"Name pictures of {', '.join(SHOWN)}, not {', '.join(unknown) or 'none'}.")
        note_taken(arguments[1:])
    elif names := older():
        sys.stdout.write(f"Pictures that are older than what they show: {', '.join(names)} (CONTRIBUTING.md).\n")


if __name__ == "__main__":
    main(sys.argv[1:])
