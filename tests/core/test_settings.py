"""Start options and config.json: what wins, what is kept, what is refused."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from sdui.core import settings
from sdui.core.errors import LaunchError, RequestError
from sdui.core.files import write_atomic
from sdui.core.launch import read_launch
from sdui.core.settings import Preferences, SettingsFile
from sdui.core.settings_history import KEPT, differences


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config.json"


def test_the_command_line_wins():
    env = {"SDUI_PORT": "1", "COMMANDLINE_ARGS": "--port 2 --ckpt 'a b'"}
    assert read_launch([], {"SDUI_PORT": "1"})[0].port == 1
    assert read_launch([], env)[0].port == 2
    launch, unknown = read_launch(["--port", "3"], env)
    assert (launch.port, launch.ckpt, unknown) == (3, "a b", [])


def test_files_of_styles_can_be_several():
    launch, _ = read_launch(["--styles-file", "mine.csv", "--styles-file", "more/*.csv"], {})
    assert launch.styles_file == (Path("mine.csv"), Path("more/*.csv"))


def test_a1111_flags_that_mean_nothing_here_are_given_back():
    launch, unknown = read_launch(["--xformers", "--port", "5", "--opt-sdp-attention"], {})
    assert (launch.port, unknown) == (5, ["--xformers", "--opt-sdp-attention"])


@pytest.mark.parametrize(
    ("arguments", "mode", "of_sdxl"),
    [
        ([], "auto", "auto"),
        (["--medvram"], "model", "model"),
        (["--medvram-sdxl"], "auto", "model"),
        (["--lowvram", "--medvram-sdxl"], "sequential", "sequential"),
    ],
)
def test_how_much_of_a_checkpoint_is_on_the_gpu(arguments, mode, of_sdxl):
    launch, _ = read_launch(arguments, {})
    assert (launch.vram_mode(sdxl=False), launch.vram_mode(sdxl=True)) == (mode, of_sdxl)


@pytest.mark.parametrize(
    ("arguments", "env", "message"),
    [
        (["--port", "70000"], {}, "Port: '70000' is too large, at most 65535."),
        (["--loglevel", "loud"], {}, "Log level: "),
        ([], {"COMMANDLINE_ARGS": "--ckpt 'a"}, "COMMANDLINE_ARGS cannot be read"),
    ],
)
def test_a_wrong_option_is_named(arguments, env, message):
    with pytest.raises(LaunchError, match=message):
        read_launch(arguments, env)


def test_level_names_in_any_case():
    assert read_launch(["--loglevel", "DEBUG"], {})[0].loglevel == "debug"


def test_folders(tmp_path):
    launch, _ = read_launch(["--data-dir", str(tmp_path), "--models-dir", str(tmp_path / "m")], {})
    assert launch.folder("models") == tmp_path / "m"
    assert launch.folder("outputs") == tmp_path / "outputs"


@pytest.mark.parametrize(("arguments", "host"), [([], "127.0.0.1"), (["--listen"], "0.0.0.0")])
def test_only_this_machine_unless_asked(arguments, host):
    assert read_launch(arguments, {})[0].host == host


def test_a_change_is_there_after_a_restart(path):
    SettingsFile(path).change(jpeg_quality=50)
    assert SettingsFile(path).current == Preferences(jpeg_quality=50)


def test_keys_of_a1111_that_are_unknown_here_are_kept(path):
    path.write_text('{"jpeg_quality": 33, "sd_vae": "x.pt", "quicksettings_list": ["sd_vae"]}')
    SettingsFile(path).change(webp_lossless=True)
    kept = json.loads(path.read_text())
    assert (kept["sd_vae"], kept["quicksettings_list"]) == ("x.pt", ["sd_vae"])
    assert (kept["jpeg_quality"], kept["webp_lossless"]) == (33, True)


@pytest.mark.parametrize("text", ["{", "[1]", "", "\xff", '{"a": }'])
def test_a_damaged_file_is_put_aside_and_reported(path, text):
    path.write_bytes(text.encode("latin-1"))
    file = SettingsFile(path)
    assert file.current == Preferences()
    assert str(path) in file.problem
    assert "config.json.damaged" in file.problem
    assert path.with_name("config.json.damaged").read_bytes() == text.encode("latin-1")
    assert not path.exists()


def test_a_byte_order_mark_is_no_damage(path):
    path.write_bytes(b'\xef\xbb\xbf{"jpeg_quality": 33}')
    file = SettingsFile(path)
    assert (file.current.jpeg_quality, file.problem) == (33, "")


def test_one_wrong_value_does_not_cost_the_others(path):
    path.write_text('{"jpeg_quality": 1000, "webp_lossless": true}')
    assert SettingsFile(path).current == Preferences(webp_lossless=True)


def test_a_refused_change_changes_nothing(path):
    file = SettingsFile(path)
    file.change(jpeg_quality=50)
    before = path.read_bytes()
    with pytest.raises(ValidationError):
        file.change(jpeg_quality=101)
    assert (path.read_bytes(), file.current.jpeg_quality) == (before, 50)


def test_a_change_that_cannot_be_written_is_not_made(path, monkeypatch):
    file = SettingsFile(path)
    file.change(jpeg_quality=50)
    before = path.read_bytes()

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(settings, "write_atomic", full)
    with pytest.raises(OSError, match="No space left"):
        file.change(jpeg_quality=60)
    assert (path.read_bytes(), file.current.jpeg_quality) == (before, 50)


def test_changes_at_the_same_time_are_all_kept(path, monkeypatch):
    def slow(path: Path, data: bytes) -> None:
        time.sleep(0.003)
        write_atomic(path, data)

    monkeypatch.setattr(settings, "write_atomic", slow)
    file = SettingsFile(path)
    names = [name for name, field in Preferences.model_fields.items() if field.annotation is str]
    threads = [threading.Thread(target=file.change, kwargs={name: "new"}) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dict.fromkeys(names, "new").items() <= SettingsFile(path).current.model_dump().items()


def test_values_that_are_not_valid_are_named_and_the_others_kept(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"samples_format": "gif", "n_rows": 99, "jpeg_quality": 90}')
    settings = SettingsFile(path)
    assert settings.current.jpeg_quality == 90
    assert "samples_format, n_rows" in settings.problem


def test_a_second_damaged_file_does_not_replace_the_first(tmp_path):
    for text in ("{1", "{2"):
        (tmp_path / "config.json").write_text(text)
        SettingsFile(tmp_path / "config.json")
    assert sorted(path.read_text() for path in tmp_path.glob("*.damaged*")) == ["{1", "{2"]


def changes(file: SettingsFile) -> list[list[tuple]]:
    """What each change has changed, the newest first."""
    after = [file.current, *(file.lenient(version.content)[0] for version in file.history.versions())]
    pairs = zip(after[1:], after, strict=False)
    return [[(d.declared.name, d.old, d.new) for d in differences(old, new)] for old, new in pairs]


def test_each_change_keeps_the_file_that_it_replaced(path):
    path.write_text('{"jpeg_quality": 33, "sd_vae": "x.pt"}')
    before = path.read_bytes()
    file = SettingsFile(path)
    file.change(jpeg_quality=50)
    file.change(webp_lossless=True, n_rows=2)
    assert changes(file) == [[("n_rows", -1, 2), ("webp_lossless", False, True)], [("jpeg_quality", 33, 50)]]
    oldest = file.history.versions()[-1]
    assert (path.parent / "config-history" / f"{oldest.name}.json").read_bytes() == before


def test_going_back_restores_what_was_shown_and_can_be_gone_back_from(path):
    path.write_text('{"sd_vae": "x.pt"}')
    file = SettingsFile(path)
    file.change(jpeg_quality=50)
    file.change(jpeg_quality=60, webp_lossless=True)
    file.change(sd_model_checkpoint="chosen later")
    assert len(file.history.versions()) == 2, "a checkpoint is not chosen on the Settings tab"
    file.go_back(file.history.versions()[0].name)
    again = SettingsFile(path).current
    assert (again.jpeg_quality, again.webp_lossless, again.sd_model_checkpoint) == (50, False, "chosen later")
    assert json.loads(path.read_text())["sd_vae"] == "x.pt"
    file.go_back(file.history.versions()[0].name)
    assert (file.current.jpeg_quality, file.current.webp_lossless) == (60, True)


def test_only_so_many_versions_are_kept(path):
    file = SettingsFile(path)
    for quality in range(1, KEPT + 4):
        file.change(jpeg_quality=quality)
    versions = file.history.versions()
    assert len(versions) == len(list(file.history.folder.iterdir())) == KEPT
    assert versions[0].content["jpeg_quality"] == KEPT + 2 and versions[-1].content["jpeg_quality"] == 3


def test_a_damaged_history_hurts_nothing(path):
    file = SettingsFile(path)
    file.change(jpeg_quality=50)
    (kept,) = file.history.folder.iterdir()
    kept.write_text("{")
    (file.history.folder / "notes.json").write_text("{}")
    assert file.history.versions() == []
    kept.write_text('{"jpeg_quality": 1000, "n_rows": 3}')
    file.go_back(kept.stem)
    assert (file.current.jpeg_quality, file.current.n_rows) == (80, 3)
    for gone in ("", "../config", "20260101T000000000000Z"):
        with pytest.raises(RequestError, match="not there any more"):
            file.go_back(gone)


def test_a_history_that_cannot_be_written_does_not_stop_a_change(path):
    path.with_name("config-history").write_text("a file in its place")
    SettingsFile(path).change(jpeg_quality=50)
    assert SettingsFile(path).current.jpeg_quality == 50


def test_the_files_of_settings_and_defaults_can_be_elsewhere(tmp_path):
    launch, _ = read_launch(["--data-dir", "d", "--ui-settings-file", "s.json", "--ui-config-file", "u.json"], {})
    assert (launch.settings_path, launch.ui_config_path) == (Path("s.json"), Path("u.json"))
    launch, _ = read_launch(["--data-dir", "d"], {})
    assert (launch.settings_path, launch.ui_config_path) == (Path("d/config.json"), Path("d/ui-config.json"))
