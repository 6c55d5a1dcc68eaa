"""What only SDXL and its refiner are told shows in their pictures, and depth checkpoints draw."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from sdui.core.request import GenerationRequest
from sdui.core.stages import Hires, InitImage, Refiner
from sdui.core.text_options import SdxlOptions, TextOptions
from sdui.models.ldm import VECTOR
from tests.support.running import draw, make_engine
from tests.support.variants import SDXL, SDXL_REFINER, OpenClip, as_sd2, depth_weights, random_weights, save

ASKED = GenerationRequest(prompt="a red circle", seed=5, steps=2, width=64, height=64, sampler="Euler", model="base")


def listening(weights):
    """With an ear for what is told beside the text, which random weights lack."""
    return weights | {VECTOR: weights[VECTOR] * 30}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    work = tmp_path_factory.mktemp("engine")
    folder = work / "checkpoints"
    base = listening(random_weights(folder, sizes=SDXL))
    save(base, folder / "base.safetensors")
    save(base | {"v_pred": torch.zeros(0), "ztsnr": torch.zeros(0)}, folder / "marked.safetensors")
    save(listening(random_weights(folder, sizes=SDXL_REFINER)), folder / "refiner.safetensors")
    torch.manual_seed(0)
    save(as_sd2(random_weights(folder, 5), OpenClip()) | depth_weights(), folder / "depth.safetensors")
    return make_engine([folder], work)


def pixels(engine, *, sdxl=None, **values):
    text = TextOptions(sdxl=SdxlOptions(**sdxl or {}))
    return draw(engine, ASKED.model_copy(update=values | {"text": text}))[0].pixels


def test_what_was_cut_off_and_the_size_count(engine):
    plain = pixels(engine)
    assert np.array_equal(plain, pixels(engine))
    assert not np.array_equal(plain, pixels(engine, sdxl={"crop_top": 512}))


def test_the_scores_count_for_the_refiner_alone(engine):
    scores = {"low_aesthetic_score": 0.0, "high_aesthetic_score": 10.0}
    assert np.array_equal(pixels(engine), pixels(engine, sdxl=scores))
    refined = pixels(engine, refiner=Refiner(model="refiner", switch_at=0.5))
    assert not np.array_equal(refined, pixels(engine))
    scored = pixels(engine, refiner=Refiner(model="refiner", switch_at=0.5), sdxl=scores)
    assert not np.array_equal(refined, scored)


def test_hires_fix_draws_the_larger_size(engine):
    assert pixels(engine, hires=Hires(scale=1.5, steps=1)).shape == (96, 96, 3)


def test_a_checkpoint_that_says_so_is_drawn_as_one_that_predicts_v(engine):
    assert not np.array_equal(pixels(engine), pixels(engine, model="marked"))


def test_a_depth_checkpoint_draws_with_and_without_a_picture(engine):
    def drawn_from(slope):
        data, ramp = BytesIO(), np.linspace(0, 255, 64)[::slope].astype(np.uint8)
        Image.fromarray(np.tile(ramp, (64, 1))).save(data, "PNG")
        return pixels(engine, model="depth", init=InitImage(image=data.getvalue(), denoising_strength=1.0))

    assert not np.array_equal(drawn_from(1), drawn_from(-1))
    assert pixels(engine, model="depth").shape == (64, 64, 3)
