"""The whole course of training, on networks so small that it takes seconds."""

import sys

import pytest
import torch
from PIL import Image

from sdui.bench.random_checkpoint import TINY, write_random_checkpoint
from sdui.demo import scenes, sheet, text, train, training
from sdui.demo.single_file import read_networks, training_of
from tests.support.demo_data import write_sprites


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    file = tmp_path_factory.mktemp("model") / "start.safetensors"
    write_random_checkpoint(file, TINY, torch.float32)
    return file


@pytest.fixture
def run(tmp_path, start, monkeypatch):
    """Runs the command on two objects, with the given options."""
    write_sprites(tmp_path)
    everything = scenes.training_scenes(2)
    few = [next(one for one in everything if one.kind == kind and not one.held_out) for kind in scenes.SHARES]
    few += [one for one in everything if one.kind == "size" and not one.held_out][:12] + everything[:6]
    monkeypatch.setattr(train, "training_scenes", lambda objects: few)
    one = sheet.sheet_cases()[:1]
    monkeypatch.setattr(train, "sheet_cases", lambda: one)
    monkeypatch.setattr(sheet, "sheet_cases", lambda: one)
    monkeypatch.setattr(training, "_SAVE_EVERY", 2)
    monkeypatch.setattr(text, "_COMPONENTS", 4)

    def running(*options):
        fixed = [
            "train",
            "--data",
            str(tmp_path),
            "--from",
            str(start),
            "--objects",
            "2",
            "--device",
            "cpu",
            "--batch",
            "2",
        ]
        monkeypatch.setattr(sys, "argv", [*fixed, *options])
        train.main()

    return running


def test_it_writes_a_checkpoint_and_a_sheet_for_every_checkpoint_and_goes_on(run, tmp_path, start, capsys):
    run("--vae", "2", "--text", "2", "--unet", "2", "--decoder", "1")
    file = tmp_path / "sdui-demo.safetensors"
    assert capsys.readouterr().out.splitlines()[-1] == str(file)
    first = read_networks(file).unet.state_dict()
    assert not all(torch.equal(first[name], tensor) for name, tensor in read_networks(start).unet.state_dict().items())
    with Image.open(tmp_path / "sheet-000002.png") as picture:
        assert picture.width > 8 * 128
    said = training_of(file)
    assert said[0].startswith("- begun with a checkpoint of SHA-256")
    assert [line.split(":")[0] for line in said[1:]] == ["- vae", "- text", "- unet", "- decoder"]

    run("--vae", "2", "--text", "2", "--unet", "4", "--decoder", "1")
    assert (tmp_path / "sheet-000004.png").is_file()
    second = read_networks(file)
    assert not all(torch.equal(first[name], tensor) for name, tensor in second.unet.state_dict().items())
    assert "unet: 4 steps" in "\n".join(training_of(file))
