"""The Save and Zip buttons keep what they are given and log it."""

from __future__ import annotations

import csv
import re
import zipfile
from pathlib import Path

import pytest

from sdui.core.errors import OutputError
from sdui.core.settings import Preferences
from sdui.imaging.copies import copy_to, zip_of

FLAT = Preferences(save_to_dirs=False, grid_save_to_dirs=False)


@pytest.fixture
def saved(store, make_image):
    return [store.save(make_image(seed, prompt='a "cat",\nsitting'), FLAT)[0] for seed in (1, 2)]


def lines(folder: Path) -> list[list[str]]:
    with (folder / "log.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_copies_have_their_names_and_bytes_and_a_line_in_the_log(saved, tmp_path):
    folder = tmp_path / "log/images"
    paths = copy_to(saved, folder)
    assert [path.name for path in paths] == ["00000-1.png", "00001-2.png"]
    assert [path.read_bytes() for path in paths] == [Path(image.path).read_bytes() for image in saved]
    assert lines(folder) == [
        ["prompt", "seed", "width", "height", "sampler", "cfgs", "steps", "filename", "negative_prompt"],
        ['a "cat",\nsitting', "1", "64", "64", "DPM++ 2M", "7.0", "20", "00000-1.png", "bad"],
        ['a "cat",\nsitting', "2", "64", "64", "DPM++ 2M", "7.0", "20", "00001-2.png", "bad"],
    ]


def test_saving_twice_overwrites_nothing(saved, tmp_path):
    paths = copy_to(saved[:1], tmp_path / "log") + copy_to(saved[:1], tmp_path / "log")
    assert [path.name for path in paths] == ["00000-1.png", "00000-1-1.png"]
    assert len(lines(tmp_path / "log")) == 3


def test_a_log_with_other_columns_stays_a_table(saved, tmp_path):
    (tmp_path / "log.csv").write_text("filename,seed,sd_model_hash\n", encoding="utf-8")
    copy_to(saved, tmp_path)
    assert lines(tmp_path)[1:] == [["00000-1.png", "1", ""], ["00001-2.png", "2", ""]]


def test_a_folder_that_cannot_be_written_is_named(saved, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=re.escape(str(tmp_path / "file"))):
        copy_to(saved, tmp_path / "file")
    with pytest.raises(OutputError, match=re.escape(str(tmp_path / "file"))):
        zip_of(saved, tmp_path / "file")


def test_the_zip_has_every_picture_also_when_names_repeat(saved, store, make_image, tmp_path):
    other = store.save(make_image(1), FLAT.model_copy(update={"outdir_samples": "elsewhere"}))[0]
    path = zip_of([*saved, other], tmp_path / "log")
    assert re.fullmatch(r"\d{14}_\[m\]_1-1\.zip", path.name)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["00000-1.png", "00001-2.png", "2-00000-1.png"]
        assert [archive.read(name) for name in archive.namelist()] == [
            Path(image.path).read_bytes() for image in (*saved, other)
        ]
