"""Stable Diffusion 2 depth sees how near each point of a picture is, as MiDaS' own code tells it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sdui.engine.seen_picture import seen_by
from sdui.models.families import family_of
from sdui.models.families.base import Source
from sdui.models.header import read_header
from tests.support.variants import OpenClip, as_sd2, depth_weights, random_weights, save

GOLDENS = Path(__file__).parent / "goldens" / "midas.safetensors"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("depth")
    torch.manual_seed(0)
    weights = as_sd2(random_weights(folder, 5), OpenClip()) | depth_weights()
    path = save(weights, folder / "x.safetensors")
    return family_of(read_header(path).shapes).load(Source(path, None, torch.device("cpu"), torch.float32, ()))


def picture(height, width):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(height))


@torch.inference_mode()
@pytest.mark.parametrize(("height", "width"), [(64, 96), (200, 120)])
def test_depth_is_that_of_midas(model, height, width):
    expected = load_file(GOLDENS)[f"{height}x{width}"]
    assert torch.allclose(model.depth(picture(height, width))[:, :, ::4, ::4], expected, atol=1e-3)


@torch.inference_mode()
def test_the_network_sees_depth_from_minus_1_to_1_of_the_first_picture(model):
    images = picture(64, 96)
    seen = seen_by(model, images.repeat(2, 1, 1, 1), None, 1.0, (8, 12))
    assert seen.shape == (1, 1, 8, 12)
    assert seen.aminmax() == (-1, 1)


@torch.inference_mode()
def test_without_a_picture_all_is_as_near(model):
    assert not seen_by(model, None, None, 1.0, (8, 12)).any()
