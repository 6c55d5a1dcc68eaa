"""What is found in a folder of model files, and in which order."""

import os

import pytest

from sdui.models.scan import scan, version_of


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def titles(folder):
    return [found.title for found in scan(folder, lambda name: name.endswith(".pt"))]


def test_files_of_sub_folders_in_the_order_of_their_numbers(folder):
    for name in ("x 10.pt", "X 9.pt", "b/1.pt", "a/c/2.pt", "a/z.pt", "note.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    assert titles(folder) == ["X 9.pt", "x 10.pt", "a/z.pt", "a/c/2.pt", "b/1.pt"]


def test_hidden_files_and_folders_are_passed_over(folder):
    (folder / ".git").mkdir()
    for name in (".git/a.pt", ".b.pt", "c.pt"):
        (folder / name).touch()
    assert titles(folder) == ["c.pt"]


def test_links_are_followed_and_circles_end(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.pt").touch()
    (tmp_path / "elsewhere" / "back").symlink_to(folder)
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "b.pt").symlink_to(tmp_path / "elsewhere" / "a.pt")
    (folder / "nowhere.pt").symlink_to(tmp_path / "nothing")
    (folder / "circle").symlink_to(folder)
    found = list(scan(folder, lambda name: name.endswith(".pt")))
    assert [one.title for one in found] == ["b.pt", "linked/a.pt"]
    assert {one.key for one in found} == {str(tmp_path / "elsewhere" / "a.pt")}, "the index has it once"


def test_a_folder_in_the_place_of_a_file_and_what_is_not_there(folder):
    (folder / "folder.pt").mkdir()
    os.mkfifo(folder / "pipe.pt")
    assert titles(folder) == []
    assert titles(folder / "nothing") == []


def test_the_version_changes_with_any_file_of_a_diffusers_folder(folder):
    (folder / "model" / "unet").mkdir(parents=True)
    (folder / "model" / "model_index.json").write_text("{}")
    (folder / "model" / "unet" / "weights.pt").touch()
    (found,) = scan(folder, lambda name: True, whole_folders=True)
    assert (found.title, found.version) == ("model", version_of(folder / "model"))
    os.utime(folder / "model" / "unet" / "weights.pt", (1, 2**31))
    assert version_of(folder / "model") != found.version
    assert version_of(folder / "nothing") == (-1, -1)
