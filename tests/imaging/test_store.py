"""Saving: A1111's folders and names, numbers used once, and no picture lost."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdui.core import infotext
from sdui.core.errors import OutputError
from sdui.core.replay import Record
from sdui.core.settings import Preferences
from sdui.core.stages import InitImage
from sdui.imaging.file_formats import read, read_infotext
from sdui.imaging.fingerprints import of_pixels
from sdui.imaging.store import OutputStore, output_folders

FLAT = Preferences(save_to_dirs=False, grid_save_to_dirs=False)
SAMPLES = "outputs/txt2img-images"


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_picture_goes_to_a1111s_folder_and_name_with_its_infotext(store, make_image, tmp_path):
    image = make_image()
    before = datetime.now().astimezone()
    saved, warning = store.save(image, Preferences())
    dates = {f"{day:%Y-%m-%d}" for day in (before, datetime.now().astimezone())}
    path = Path(saved.path)
    assert warning == ""
    assert path.relative_to(tmp_path / SAMPLES).parts[0] in dates
    assert path.name == "00000-7.png"
    with Image.open(path) as opened:
        assert np.array_equal(np.asarray(opened), image.pixels)
    assert saved.infotext == read_infotext(path.read_bytes()) == infotext.write(image.request, image.facts)
    assert (saved.request, saved.kind) == (image.request, "image")


def test_numbers_count_up_and_are_not_used_again_after_deleting(store, make_image, tmp_path):
    names = [Path(store.save(make_image(), FLAT)[0].path).name for _ in range(3)]
    assert names == ["00000-7.png", "00001-7.png", "00002-7.png"]
    (tmp_path / SAMPLES / names[2]).unlink()
    assert Path(store.save(make_image(), FLAT)[0].path).name == "00003-7.png"


def test_a_new_store_goes_on_counting(store, make_image, tmp_path):
    Path(store.save(make_image(), FLAT)[0].path).unlink()
    other = OutputStore(tmp_path)
    assert Path(other.save(make_image(), FLAT)[0].path).name == "00001-7.png"


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"-5", b"seven", b"9" * 5000])
def test_a_damaged_counter_falls_back_to_the_names(store, make_image, tmp_path, damage):
    store.save(make_image(), FLAT)
    counter = tmp_path / SAMPLES / ".next-number"
    assert counter.exists()
    counter.write_bytes(damage)
    assert Path(store.save(make_image(), FLAT)[0].path).name == "00001-7.png"
    assert counter.read_bytes() == b"2"


def test_files_of_a1111_are_counted_and_never_overwritten(store, make_image, tmp_path):
    folder = tmp_path / SAMPLES
    folder.mkdir(parents=True)
    for name in ("00041-1.png", "notes.txt", "grid-0099.png", "20240305140709-1.png"):
        (folder / name).write_bytes(b"theirs")
    assert Path(store.save(make_image(), FLAT)[0].path).name == "00042-7.png"
    (folder / "00043-9.jpg").write_bytes(b"theirs")
    assert Path(store.save(make_image(), FLAT)[0].path).name == "00044-7.png"
    assert (folder / "00041-1.png").read_bytes() == b"theirs"


def test_grids_have_their_own_folder_and_numbers(store, make_image, tmp_path):
    names = [store.save(make_image(kind="grid"), FLAT)[0].path for _ in range(2)]
    assert names == [str(tmp_path / "outputs/txt2img-grids" / f"grid-000{n}.png") for n in (0, 1)]


def test_pictures_made_from_others_have_folders_of_their_own(store, make_image, tmp_path):
    for kind, folder in (("image", "img2img-images"), ("grid", "img2img-grids")):
        image = make_image(kind=kind)
        started = image.request.model_copy(update={"init": InitImage(image=b"")})
        saved, _ = store.save(replace(image, request=started), FLAT)
        assert Path(saved.path).parent == tmp_path / "outputs" / folder


def test_grids_and_samples_in_one_folder_count_apart(store, make_image, tmp_path):
    together = FLAT.model_copy(update={"outdir_samples": "all", "outdir_grids": "all"})
    for kind in ("image", "grid", "image", "grid"):
        store.save(make_image(kind=kind), together)
    assert visible(tmp_path / "all") == ["00000-7.png", "00001-7.png", "grid-0000.png", "grid-0001.png"]


@pytest.mark.parametrize(
    ("pattern", "add_number", "name"),
    [
        ("", True, "00000-7.png"),
        ("", False, "7.png"),
        ("[seed]-[prompt_words]", True, "00000-7-a cat.png"),
        ("[none]", True, "00000.png"),
        ("[none]", False, "00000.png"),
        ("[seed]/[prompt]", False, "7/a_cat.png"),
        ("[seed]/[prompt]", True, "00000-7/a_cat.png"),
        ("../../[seed]", False, "7.png"),
        ("/etc/[seed]", False, "etc/7.png"),
        ("[seed].v2", False, "7.v2.png"),
    ],
)
def test_the_pattern_makes_the_name(store, make_image, tmp_path, pattern, add_number, name):
    preferences = FLAT.model_copy(
        update={"samples_filename_pattern": pattern, "save_images_add_number": add_number, "outdir_samples": "out"}
    )
    assert store.save(make_image(), preferences)[0].path == str(tmp_path / "out" / name)


def test_without_a_number_an_existing_file_is_left_alone(store, make_image):
    plain = FLAT.model_copy(update={"save_images_add_number": False})
    names = [Path(store.save(make_image(), plain)[0].path).name for _ in range(3)]
    assert names == ["7.png", "7-1.png", "7-2.png"]


@pytest.mark.parametrize("pattern", ["[prompt]", "../..", "/", ""])
def test_the_subfolder_pattern_stays_inside(store, make_image, tmp_path, pattern):
    preferences = Preferences(directories_filename_pattern=pattern, outdir_samples="out")
    path = Path(store.save(make_image(prompt="../x"), preferences)[0].path)
    assert path.is_relative_to(tmp_path / "out")


def test_a_long_prompt_of_wide_letters_still_makes_a_file(store, make_image):
    long = Preferences(samples_filename_pattern="[prompt]-[prompt_spaces]", directories_filename_pattern="[prompt]")
    saved, warning = store.save(make_image(prompt="猫" * 50_000), long)
    assert warning == ""
    assert len(read_infotext(Path(saved.path).read_bytes())) > 50_000


@pytest.mark.parametrize(("format", "pillow"), [("jpg", "JPEG"), ("webp", "WEBP")])
def test_formats_follow_the_preferences(store, make_image, format, pillow):
    preferences = FLAT.model_copy(update={"samples_format": format, "grid_format": format})
    for kind in ("image", "grid"):
        saved, _ = store.save(make_image(kind=kind), preferences)
        assert saved.path.endswith(f".{format}")
        assert read_infotext(Path(saved.path).read_bytes()) == saved.infotext
        with Image.open(saved.path) as opened:
            assert opened.format == pillow


def test_infotext_can_be_left_out_of_the_file(store, make_image):
    saved, _ = store.save(make_image(), FLAT.model_copy(update={"enable_pnginfo": False}))
    assert read_infotext(Path(saved.path).read_bytes()) == ""
    assert "Steps: 20" in saved.infotext


def test_what_a_format_cannot_hold_is_saved_as_png_with_a_warning(store, make_image):
    jpg = FLAT.model_copy(update={"samples_format": "jpg"})
    saved, warning = store.save(make_image(prompt="x" * 50_000), jpg)
    assert saved.path.endswith("00000-7.png")
    assert re.fullmatch(r"A jpg file cannot hold .* characters\. It was saved as png\.", warning)
    assert read_infotext(Path(saved.path).read_bytes()) == saved.infotext


@pytest.mark.parametrize(
    ("kind", "off"),
    [("image", {"samples_save": False}), ("grid", {"grid_save": False}), ("interrupted", {})],
)
def test_what_is_not_kept_is_a_temporary_file(store, make_image, tmp_path, kind, off):
    saved, warning = store.save(make_image(kind=kind), FLAT.model_copy(update=off))
    path = Path(saved.path)
    assert warning == ""
    assert path.is_relative_to(store.temporary_folder())
    assert not path.is_relative_to(tmp_path)
    assert read_infotext(path.read_bytes()) == saved.infotext
    assert not (tmp_path / "outputs").exists()
    store.close()
    assert not path.parent.exists()


def test_interrupted_pictures_are_kept_when_asked(store, make_image, tmp_path):
    keep = FLAT.model_copy(update={"save_incomplete_images": True})
    saved, _ = store.save(make_image(kind="interrupted"), keep)
    assert Path(saved.path) == tmp_path / SAMPLES / "00000-7.png"


def is_rescued(store, saved, warning, folder: Path, reason: str) -> None:
    path = Path(saved.path)
    assert path.is_relative_to(store.temporary_folder())
    assert read_infotext(path.read_bytes()) == saved.infotext
    assert str(folder) in warning
    assert reason in warning
    assert saved.path in warning


def test_a_full_disk_loses_no_picture_and_leaves_nothing_half_written(store, make_image, full_disk):
    before = visible(full_disk)
    preferences = FLAT.model_copy(update={"outdir_samples": str(full_disk)})
    for seed in (1, 2):
        saved, warning = store.save(make_image(seed, size=(200, 200)), preferences)
        is_rescued(store, saved, warning, full_disk, "the disk is full")
    assert visible(full_disk) == before
    assert not list(full_disk.glob(".*.tmp"))


@pytest.mark.parametrize("in_subfolder", [False, True])
def test_a_read_only_disk_loses_no_picture(store, make_image, read_only_disk, in_subfolder):
    preferences = Preferences(outdir_samples=str(read_only_disk), save_to_dirs=in_subfolder)
    saved, warning = store.save(make_image(), preferences)
    is_rescued(store, saved, warning, read_only_disk, "read-only disk")


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_a_file_in_place_of_the_folder_loses_no_picture(store, make_image, tmp_path, folder):
    (tmp_path / "file").write_bytes(b"mine")
    saved, warning = store.save(make_image(), FLAT.model_copy(update={"outdir_samples": folder}))
    is_rescued(store, saved, warning, tmp_path / folder, "a file is in the place of a folder")
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_a_folder_name_that_no_system_accepts_loses_no_picture(store, make_image, tmp_path):
    saved, warning = store.save(make_image(), FLAT.model_copy(update={"outdir_samples": "a\0b"}))
    is_rescued(store, saved, warning, tmp_path / "a\0b", "null")


def test_when_the_temporary_folder_fails_too_the_error_names_it(store, make_image, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="file: a file is in the place of a folder"):
        store.save(make_image(), FLAT.model_copy(update={"outdir_samples": "file"}))


def test_leavings_of_killed_processes_are_removed_on_first_use(store, make_image, tmp_path):
    folder = tmp_path / SAMPLES
    folder.mkdir(parents=True)
    old, fresh, foreign = (folder / name for name in (f".{'a' * 32}.tmp", f".{'b' * 32}.tmp", ".mine.tmp"))
    for path in (old, fresh, foreign):
        path.write_bytes(b"half")
    for path in (old, foreign):
        os.utime(path, (time.time() - 700,) * 2)
    store.save(make_image(), FLAT)
    assert not old.exists()
    assert fresh.exists()
    assert foreign.exists()


def test_threads_of_two_stores_never_take_the_same_number(make_image, tmp_path):
    stores = [OutputStore(tmp_path) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda n: stores[n % 2].save(make_image(n), FLAT)[0].path, range(40)))
    assert sorted(Path(path).name[:5] for path in paths) == [f"{n:05}" for n in range(40)]


SAVE_FIFTY = """
import sys
from pathlib import Path
import numpy as np
from sdui.core.events import GeneratedImage
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.core.stages import InitImage
from sdui.imaging.store import OutputStore, output_folders
store = OutputStore(Path(sys.argv[1]))
image = GeneratedImage(np.zeros((8, 8, 3), np.uint8), GenerationRequest(seed=int(sys.argv[2])))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(50):
    saved, warning = store.save(image, Preferences(save_to_dirs=False))
    assert not warning, warning
"""


def test_two_processes_never_take_the_same_number(tmp_path):
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", SAVE_FIFTY, str(tmp_path), seed],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    for server in servers:
        assert server.stdout.readline() == "ready\n"
    for server in servers:
        server.stdin.write("go\n")
        server.stdin.flush()
    for server in servers:
        server.communicate()
        assert server.returncode == 0
    assert [name[:5] for name in visible(tmp_path / SAMPLES)] == [f"{n:05}" for n in range(100)]
    for path in (tmp_path / SAMPLES).glob("*.png"):
        Image.open(io.BytesIO(path.read_bytes())).load()


def test_an_emptied_folder_setting_means_the_default_and_a_tilde_the_home(tmp_path, make_image, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    store = OutputStore(tmp_path)
    for folder, expected in (("", "outputs/txt2img-images"), ("~/pictures", "home/pictures")):
        saved, _ = store.save(make_image(), Preferences(outdir_txt2img_samples=folder, save_to_dirs=False))
        assert Path(saved.path).parent == tmp_path / expected


def test_the_replay_record_is_in_the_picture_unless_it_is_a_grid_or_unfinished(store, make_image):
    for kind, kept in (("image", True), ("grid", False), ("interrupted", False)):
        image = replace(make_image(kind=kind), conditions={"torch": "2.13.0", "batch_size": 2, "position": 1})
        record = read(Path(store.save(image, Preferences())[0].path).read_bytes()).record
        expected = Record(torch="2.13.0", batch_size=2, position=1, pixels=of_pixels(image.pixels))
        assert record == (expected if kept else None)


def test_without_infotext_there_is_no_record(store, make_image):
    image = replace(make_image(), conditions={"torch": "2.13.0"})
    saved, _ = store.save(image, Preferences(enable_pnginfo=False))
    assert b"2.13.0" not in Path(saved.path).read_bytes()


def test_a_folder_name_that_no_system_accepts_is_no_folder_of_pictures(tmp_path):
    named = FLAT.model_copy(update={"outdir_txt2img_samples": "a\0b"})
    assert (tmp_path / "outputs/img2img-images").resolve() in output_folders(tmp_path, named)
