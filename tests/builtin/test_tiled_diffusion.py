"""MultiDiffusion: windows over a large latent, the plain result where one window covers it, undone afterwards."""

import numpy as np
import pytest
import torch

from sdui.builtin.tiled_diffusion.engine import _windows
from sdui.builtin.tiled_diffusion.params import TiledDiffusion
from sdui.core import infotext
from sdui.core.groups import having
from sdui.core.request import GenerationRequest
from tests.support.checkpoints import write_tiny_checkpoint
from tests.support.running import draw, make_engine, make_host

REQUEST = make_host().request(GenerationRequest, "always", "script")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    work = tmp_path_factory.mktemp("tiled")
    write_tiny_checkpoint(work / "checkpoints")
    return make_engine([work / "checkpoints"], work)


def request(**values):
    return REQUEST(prompt="a red circle", seed=3, steps=2, **({"width": 128, "height": 64} | values))


def tiled(asked, **values):
    return having(asked, TiledDiffusion(**values))


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (64, 128), (9, 23), (128, 65)])
@pytest.mark.parametrize(("size", "stride"), [(8, 4), (64, 16), (16, 16), (8, 100)])
def test_windows_of_one_size_cover_everything(rows, columns, size, stride):
    covered = torch.zeros(rows, columns)
    for window in _windows(rows, columns, TiledDiffusion(window_size=size, stride=stride)):
        covered[window] += 1
        assert covered[window].shape == (min(size, rows), min(size, columns))
    assert covered.min() >= 1


def test_one_window_is_the_plain_picture(engine):
    plain = draw(engine, request())[0].pixels
    one = draw(engine, tiled(request(), window_size=16))[0].pixels
    assert np.array_equal(plain, one)


def test_windows_draw_another_picture_which_its_text_draws_again(engine):
    plain = draw(engine, request())[0].pixels
    image = draw(engine, tiled(request(), window_size=8, stride=4))[0]
    assert not np.array_equal(plain, image.pixels)
    text = infotext.write(image.request, image.facts)
    assert "Tiled diffusion window: 8, Tiled diffusion stride: 4" in text
    assert np.array_equal(draw(engine, infotext.read(text, REQUEST))[0].pixels, image.pixels)
    assert np.array_equal(draw(engine, request())[0].pixels, plain)


def test_how_many_windows_at_once_changes_only_the_rounding(engine):
    few, many = (draw(engine, tiled(request(), window_size=8, stride=4, views_batch_size=n))[0].pixels for n in (1, 16))
    assert np.abs(few.astype(int) - many).max() <= 1
