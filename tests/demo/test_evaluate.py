"""A checkpoint is measured as a user draws with it, and not twice."""

import json
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from sdui.bench.random_checkpoint import TINY, write_random_checkpoint
from sdui.demo import evaluate
from sdui.demo.drawing import Artist, artist, request_for
from sdui.demo.features import Learning, features
from sdui.demo.figures import Measured, table
from sdui.demo.prompts import Case, limits
from sdui.demo.reconstruction import Reconstruction
from sdui.demo.scenes import Scene, Stage, Thing
from sdui.demo.sprites import sprites
from sdui.models.hashes import sha256_of
from tests.support.demo_data import painted_sprites, write_sprites

APPLE = Case(Scene((Thing("apple"),), width=64, height=64), "an apple", 1)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    file = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    write_random_checkpoint(file, TINY, torch.float32)
    return file


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_sprites(folder)
    features(Stage(sprites(folder)), folder, Learning(variants=1, steps=1))
    return folder


def test_a_picture_is_drawn_once(checkpoint, tmp_path):
    with artist(checkpoint, Stage({}), tmp_path / "pictures") as drawing:
        picture = drawing.picture(APPLE)
    assert (picture.shape, picture.dtype) == ((64, 64, 3), np.float32)
    broken = Artist(None, Stage({}), tmp_path / "pictures")
    assert np.array_equal(broken.picture(APPLE), picture)
    with pytest.raises(AttributeError):
        broken.picture(replace(APPLE, negative="red"))


def test_time_is_taken_on_two_threads_and_no_more_later(checkpoint, tmp_path):
    threads = torch.get_num_threads()
    with artist(checkpoint, Stage({}), tmp_path) as drawing:
        assert drawing.seconds(APPLE, rounds=1) > 0
    assert torch.get_num_threads() == threads


def test_pictures_go_through_a_vae_and_keep_their_size(checkpoint):
    pictures = Reconstruction(checkpoint).through([np.full((16, 24, 3), 0.5, np.float32)] * 2)
    assert [(one.shape, 0 <= one.min() <= one.max() <= 1) for one in pictures] == [((16, 24, 3), True)] * 2


def test_requests_are_those_of_a_user():
    request = request_for(replace(APPLE, negative="red"), Stage({}))
    assert (request.prompt, request.negative_prompt, request.steps, request.cfg_scale) == ("an apple", "red", 20, 5)
    assert (request.sampler, request.schedule, request.width, request.init) == ("DPM++ 2M", "Automatic", 64, None)


def test_inpainting_and_img2img_begin_with_a_true_picture():
    stage = Stage(painted_sprites())
    repair, other = (request_for(limits()[limit][0], stage).init for limit in ("repair", "img2img"))
    assert (repair.denoising_strength, other.denoising_strength, other.inpaint) == (1, 0.75, None)
    assert repair.image.startswith(b"\x89PNG")
    assert repair.inpaint.mask.startswith(b"\x89PNG")


class Copyist:
    """Draws what is right, and knows a VAE that changes nothing."""

    def __init__(self, stage):
        self._stage = stage

    def picture(self, case):
        return self._stage.show(case.scene)

    def seconds(self, case):
        return 1.5

    def through(self, pictures):
        return pictures

    def psnr(self, stage):
        return 40.0


@pytest.fixture
def copyist(monkeypatch):
    @contextmanager
    def artist(file, stage, folder):
        folder.mkdir(parents=True)
        yield Copyist(stage)

    monkeypatch.setattr(evaluate, "artist", artist)
    monkeypatch.setattr(evaluate, "Reconstruction", Copyist)


def test_a_quick_look_prints_a_table_and_writes_the_figures(copyist, checkpoint, data, tmp_path, capsys):
    out = tmp_path / "figures.json"
    assert evaluate.main([str(checkpoint), "--data", str(data), "--count", "1", "--json", str(out)]) == 0
    assert "| tiny |" in capsys.readouterr().out.splitlines()[0]
    figures = json.loads(out.read_text())
    assert set(figures) == {"true pictures", "tiny"}
    assert figures["tiny"]["seconds"] == 1.5
    assert figures["tiny"]["everything"] == figures["true pictures"]["everything"]
    assert not list((data / "measured").glob("*.json"))


def test_what_was_measured_is_not_measured_again(checkpoint, data, tmp_path):
    true = evaluate.ideal(data, 1)
    folder = tmp_path / "measured"
    folder.mkdir()
    (folder / f"{sha256_of(checkpoint)}.json").write_bytes(TypeAdapter(Measured).dump_json(true))
    assert evaluate.measured(checkpoint, tmp_path) == true


def test_a_file_that_is_no_checkpoint_is_named(data, tmp_path, capsys):
    file = tmp_path / "none.safetensors"
    file.write_bytes(b"nothing")
    assert evaluate.main([str(file), "--data", str(data), "--count", "1"]) == 1
    assert "none.safetensors" in capsys.readouterr().err


def test_the_table_has_a_column_for_each_and_a_dash_for_the_unknown(data):
    true = evaluate.ideal(data, 1)
    lines = table({"one": true, "two": true}).splitlines()
    assert lines[0] == "|  | one | two |"
    assert all(line.count("|") == 4 for line in lines)
    assert lines[-1].endswith("| - | - |")
