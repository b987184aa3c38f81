"""What the documents say is there is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from typer.core import TyperCommand, TyperGroup

from cli.command_line import loaded
from cli.commands import COMMANDS, GROUPS
from cli.main import build
from database.revisions import known_revisions

ROOT: Final = Path(__file__).resolve().parents[2]
_NOT_OURS: Final = {"var", "node_modules", "dist"}
_LINK: Final = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_CODE: Final = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_BEFORE: Final = r"(?:^|`|\$ |[A-Z_]+=\S+ |bin/|exec api )"
_CALL: Final = re.compile(_BEFORE + r"rushes ((?:[^\n`|;&#>\\]|\\\n)+)", re.MULTILINE)
"""A command as somebody types it, over its lines, until another one begins."""
_OPTION: Final = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_HEADING: Final = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)


def documents() -> list[Path]:
    """Every Markdown file of the project."""
    folders = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")]
    found = [path for folder in folders if folder.name not in _NOT_OURS for path in folder.rglob("*.md")]
    return sorted([*ROOT.glob("*.md"), *found])


DOCUMENTS: Final = documents()


def code_of(text: str) -> Iterator[str]:
    """Code blocks and inline code."""
    return (match.group() for match in _CODE.finditer(text))


def anchors_of(text: str) -> set[str]:
    """Names by which headings can be linked to, made as GitHub makes them."""
    titles = (match["title"] for match in _HEADING.finditer(re.sub(r"```.*?```", "", text, flags=re.DOTALL)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def rushes_commands() -> set[str]:
    return set(build().commands)


def options_of(line: str) -> set[str]:
    """Those of the command with which a line begins, of which `rushes` is left out."""
    entries = {entry.name: entry for _, panel in COMMANDS for entry in panel}
    entries |= {f"{group.name} {entry.name}": entry for group in GROUPS for entry in group.commands}
    words = line.split()
    entry = entries.get(words[0]) or entries.get(" ".join(words[:2]))
    command: TyperCommand | TyperGroup = build() if entry is None else loaded(entry)
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return {*options, "--help"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_resolves(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    broken = []
    for match in _LINK.finditer(_CODE.sub("", text)):
        place, _, anchor = match["target"].partition("#")
        if "://" in place:
            continue
        target = (document.parent / place).resolve() if place else document
        missing = not target.exists() or (anchor and anchor not in anchors_of(target.read_text(encoding="utf-8")))
        if missing:
            broken.append(match["target"])
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_target_and_command_that_is_named_exists(document: Path) -> None:
    code = "\n".join(code_of(document.read_text(encoding="utf-8")))
    targets = set(re.findall(r"(?:^|`|\$ )make ([a-z-]+)", code, re.MULTILINE))
    commands = set(re.findall(_BEFORE + r"rushes ([a-z]+)\b", code, re.MULTILINE))
    assert targets - make_targets() == set()
    assert commands - rushes_commands() == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_option_of_a_command_that_is_shown_exists(document: Path) -> None:
    shown = [match.group(1) for code in code_of(document.read_text(encoding="utf-8")) for match in _CALL.finditer(code)]
    unknown = {line: sorted(missing) for line in shown if (missing := set(_OPTION.findall(line)) - options_of(line))}
    assert unknown == {}


def test_an_option_that_does_not_exist_is_found() -> None:
    line = "webhooks create https://example.com --event video.ready --evnet video.error --since 2h"
    assert set(_OPTION.findall(line)) - options_of(line) == {"--evnet", "--since"}


def test_the_readme_names_every_command_that_is_about_videos() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {name for name in rushes_commands() if f"rushes {name}" not in text} <= {"up", "demo"}


def test_every_document_that_the_code_names_is_there() -> None:
    folders = ("api", "workflows", "activities", "media", "storage", "database", "ingest", "runs", "cli", "embedded")
    files = [*ROOT.glob("*.py"), *(file for folder in folders for file in (ROOT / folder).rglob("*.py"))]
    named = {name for file in files for name in re.findall(r"docs/[\w./-]+\.md", file.read_text(encoding="utf-8"))}
    assert {name for name in named if not (ROOT / name).is_file()} == set()


def test_the_index_of_decisions_has_each_once_and_no_number_is_used_twice() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    index = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert index == records
    numbers = [name[:4] for name in records]
    assert len(set(numbers)) == len(numbers)
    for name in records:
        first = (folder / name).read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith(f"# {int(name[:4])}. "), name


def test_no_document_names_the_newest_revision_which_is_another_one_soon() -> None:
    revisions = {revision: re.compile(rf"(revision|was at) {revision}\b") for revision in known_revisions()}
    named = [
        (document.name, revision)
        for document in DOCUMENTS
        for revision, said in revisions.items()
        if said.search(document.read_text(encoding="utf-8"))
    ]
    assert named == []
