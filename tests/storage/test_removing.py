"""What goes with a folder is what is in it, and nothing beyond."""

from pathlib import Path

import pytest

from storage.placing import remove_folder


def go_on() -> None:
    """Nobody gives it up."""


def made(folder: Path, *names: str) -> Path:
    """The folder, with these files in it."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text(name)
    return folder


def test_a_folder_goes_with_all_that_is_in_it_and_its_links_lead_nowhere(tmp_path: Path) -> None:
    elsewhere = made(tmp_path / "elsewhere", "kept")
    folder = made(tmp_path / "folder", "a")
    made(folder / "2", "b")
    (folder / "link").symlink_to(elsewhere)
    for _ in range(2):
        remove_folder(folder, go_on)
        assert not folder.exists()
    assert [*elsewhere.iterdir()] == [elsewhere / "kept"]


@pytest.mark.parametrize("asked", range(1, 5))
def test_a_folder_that_is_exchanged_for_a_link_while_it_goes_leads_nowhere(tmp_path: Path, asked: int) -> None:
    elsewhere = made(tmp_path / "elsewhere", "a", "b")
    folder = tmp_path / "folder"
    inner = made(folder / "2", "a", "b")
    times = 0

    def exchange() -> None:
        nonlocal times
        times += 1
        if times == asked:
            inner.rename(tmp_path / "moved") if inner.exists() else folder.rename(tmp_path / "moved")
            (inner if folder.exists() else folder).symlink_to(elsewhere)

    with pytest.raises(NotADirectoryError):
        remove_folder(folder, exchange)
    assert sorted(path.name for path in elsewhere.iterdir()) == ["a", "b"]


def test_a_link_in_place_of_the_folder_is_refused_and_nothing_goes(tmp_path: Path) -> None:
    elsewhere = made(tmp_path / "elsewhere", "kept")
    folder = tmp_path / "folder"
    folder.symlink_to(elsewhere)
    with pytest.raises(NotADirectoryError):
        remove_folder(folder, go_on)
    assert [*elsewhere.iterdir()] == [elsewhere / "kept"]
