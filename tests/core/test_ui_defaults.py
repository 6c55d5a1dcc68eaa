"""ui-config.json: whose keys are read, what is kept, what is put aside."""

from __future__ import annotations

import json

import pytest

from sdui.core.ui_defaults import Control, UiDefaults

STEPS, SEED = Control("txt2img", "Sampling steps"), Control("txt2img", "Seed")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ui-config.json"


def test_keys_of_every_version_of_a1111_are_read(path):
    path.write_text(
        '{"txt2img/Sampling steps/value": 30, "txt2img/Sampling steps/maximum": 200, "img2img/Sampling steps/value": 9,'
        '"customscript/seed.py/txt2img/Seed/value": 5, "customscript/seed.py/txt2img/Seed/visible": null}'
    )
    defaults = UiDefaults(path)
    assert defaults.of(STEPS) == {"value": 30, "maximum": 200}
    assert defaults.of(SEED) == {"value": 5}
    assert defaults.of(Control("txt2img", "Width")) == {}


def test_a_change_uses_the_key_that_is_there_and_keeps_the_others(path):
    path.write_text('{"customscript/seed.py/txt2img/Seed/value": 5, "tabs/selected": "img2img"}')
    UiDefaults(path).change({SEED: 7, STEPS: 30, Control("txt2img", "Stride", "tiled.py"): 2})
    assert json.loads(path.read_text()) == {
        "customscript/seed.py/txt2img/Seed/value": 7,
        "tabs/selected": "img2img",
        "txt2img/Sampling steps/value": 30,
        "customscript/tiled.py/txt2img/Stride/value": 2,
    }
    assert UiDefaults(path).of(SEED) == {"value": 7}


@pytest.mark.parametrize("text", ["{", "[1]", "", "nothing"])
def test_a_damaged_file_is_put_aside_and_reported(path, text):
    path.write_text(text)
    defaults = UiDefaults(path)
    assert defaults.of(STEPS) == {}
    assert str(path) in defaults.problem and "ui-config.json.damaged" in defaults.problem
    assert path.with_name("ui-config.json.damaged").read_text() == text
    assert not path.exists()


def test_a_change_that_cannot_be_written_is_not_made(tmp_path):
    (tmp_path / "file").touch()
    defaults = UiDefaults(tmp_path / "file" / "ui-config.json")
    with pytest.raises(OSError):
        defaults.change({STEPS: 30})
    assert defaults.of(STEPS) == {}
