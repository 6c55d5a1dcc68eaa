"""One command makes a checkpoint the bundled one, with its card and its sheet."""

from dataclasses import fields

import pytest
import torch
from PIL import Image

from sdui.bench.random_checkpoint import TINY, write_random_checkpoint
from sdui.core.errors import SduiError
from sdui.demo import publish, sheet
from sdui.demo.figures import Measured, Obeyed
from sdui.demo.sources import PACKAGES
from sdui.models.hashes import sha256_of
from tests.support.demo_data import write_sprites


def figures(objects):
    obeyed = Obeyed(400, objects, 1.0, 1.0, 1.0)
    known = {"everything": obeyed, "first": obeyed, "held_out": obeyed}
    known |= {name: {} for name in ("by_object", "by_colour", "by_background")}
    return Measured(**{field.name: known.get(field.name) for field in fields(Measured)})


@pytest.fixture
def bundled(tmp_path, monkeypatch):
    """A repository of its own, with an old checkpoint; `new.safetensors` beside it is to replace it."""
    file = tmp_path / "models" / "sdui-demo.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"the old one")
    monkeypatch.setattr(publish, "BUNDLED", file)
    monkeypatch.setattr(publish, "SHEET", tmp_path / "sheet.png")
    monkeypatch.setattr(publish, "ideal", lambda data: figures(1.0))
    monkeypatch.setattr(publish, "measured", lambda file, data: figures(0.5 if file == publish.BUNDLED else 0.97))
    two = sheet.sheet_cases()[:2]
    monkeypatch.setattr(sheet, "sheet_cases", lambda: two)
    write_sprites(tmp_path / "data")
    write_random_checkpoint(tmp_path / "new.safetensors", TINY, torch.float32)
    return file


def test_the_card_says_which_file_it_is_of_how_good_it_is_and_whose_work_is_in_it(bundled, tmp_path):
    new, old = tmp_path / "new.safetensors", sha256_of(bundled)
    publish.publish(new, tmp_path / "data", 48)
    assert sha256_of(bundled) == sha256_of(new)
    card = bundled.with_suffix(".md").read_text()
    assert sha256_of(new) in card
    assert f"| {old[:10]}, which it replaced |" in card
    assert "| 50 % | 97 % |" in card
    assert all(package.name in card for package in PACKAGES)
    assert "Copyright (c) Microsoft Corporation" in card
    assert "guitar" in card
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.height > 128
    assert not list(tmp_path.rglob("*.part"))


def test_one_that_is_too_large_changes_nothing(bundled, tmp_path, monkeypatch):
    monkeypatch.setattr(publish, "_MOST", 1000)
    with pytest.raises(SduiError, match="bytes; at most 1,000 can be bundled"):
        publish.publish(tmp_path / "new.safetensors", tmp_path / "data", 48)
    assert bundled.read_bytes() == b"the old one"
