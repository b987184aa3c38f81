"""Pictures of the documents that are older than what they show are named."""

from pathlib import Path
from typing import Final

import pytest

from tests.web.picture_age import SHOWN, note_taken, older

_ROOT: Final = Path(__file__).resolve().parents[2]
_OF_THE_PAGE: Final = ["uploading", "library", "video", "failure-page"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """One with all that pictures show, each of them just taken."""
    for place in {place for shown in SHOWN.values() for place in shown}:
        assert (_ROOT / place).exists(), place
        file = tmp_path / place / "page.js" if (_ROOT / place).is_dir() else tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text('/** Says hello. */\nconst text = "Hello";\n', encoding="utf-8")
    (tmp_path / "docs" / "pictures").mkdir(parents=True)
    note_taken(SHOWN, tmp_path)
    return tmp_path


def test_a_page_that_has_changed_makes_its_pictures_old_until_they_are_taken_anew(project: Path) -> None:
    assert older(project) == []
    (project / "web" / "page.js").write_text('/** Greets. */\nconst text = "Hello";\n', encoding="utf-8")
    assert older(project) == [], "nobody sees what a comment says"
    (project / "web" / "page.js").write_text('/** Greets. */\nconst text = "Good evening";\n', encoding="utf-8")
    assert older(project) == _OF_THE_PAGE
    note_taken(["video", "script"], project)
    assert older(project) == [name for name in _OF_THE_PAGE if name != "video"]


def test_a_file_that_is_new_or_gone_is_a_change_as_well(project: Path) -> None:
    (project / "web" / "more.css").touch()
    assert older(project) == _OF_THE_PAGE
    (project / "web" / "more.css").unlink()
    assert older(project) == []


def test_every_picture_of_which_that_is_known_is_there() -> None:
    assert [name for name in SHOWN if not (_ROOT / "docs" / "pictures" / f"{name}.png").exists()] == []
