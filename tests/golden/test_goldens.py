"""The same request gives the same picture as A1111."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdui.core import infotext
from sdui.core.request import GenerationRequest, InitImage
from tests.support.checkpoints import BUNDLED, write_tiny_checkpoint
from tests.support.running import draw, make_engine

HERE = Path(__file__).parent
CASES = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))
NAMES = {"n_iter": "batch_count", "CLIP_stop_at_last_layers": "clip_skip"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    work = tmp_path_factory.mktemp("golden")
    write_tiny_checkpoint(work / "checkpoints")
    return make_engine([work / "checkpoints", BUNDLED], work)


def request_of(case):
    """A1111 1.7 had no schedule field: its sampler names are those of old infotexts."""
    body = dict(case["request"])
    body |= body.pop("override_settings", {})
    names = infotext.read(f"Steps: 1, Sampler: {body.pop('sampler_name')}, Seed: 1")
    init = init_of(case, body)
    values = {NAMES.get(key, key): value for key, value in body.items()}
    return GenerationRequest(model=case["model"], sampler=names.sampler, schedule=names.schedule, init=init, **values)


def init_of(case, body):
    """Takes img2img's fields out of the body. The only fill and area here are "original" and "Whole picture"."""
    if "image" not in case:
        return None
    assert body.pop("inpainting_fill", 1) == 1 and not body.pop("inpaint_full_res", False)
    assert body.pop("resize_mode", 0) == 0
    files = {key: (HERE / "pictures" / case[key]).read_bytes() for key in ("image", "mask") if key in case}
    return InitImage(**files, **{key: body.pop(key) for key in ("denoising_strength", "mask_blur") if key in body})


def assert_same_picture(made, expected):
    assert made.shape == expected.shape
    difference = np.abs(made.astype(int) - expected.astype(int)).max(axis=-1)
    assert (difference <= 1).mean() >= 0.999, f"{(difference > 1).mean():.2%} of the pixels differ"
    assert difference.max() <= 3


@pytest.mark.parametrize("case", CASES, ids=[f"{case['group']}-{case['id']}" for case in CASES])
def test_same_picture_as_a1111(engine, case):
    images = draw(engine, request_of(case))
    assert len(images) == len(case["files"])
    for image, name in zip(images, case["files"], strict=True):
        with Image.open(HERE / "pictures" / name) as opened:
            assert_same_picture(image.pixels, np.asarray(opened.convert("RGB")))


@pytest.mark.parametrize("case", CASES[:3], ids=[case["id"] for case in CASES[:3]])
def test_same_picture_from_the_infotext_of_a1111(engine, case):
    with Image.open(HERE / "pictures" / case["files"][0]) as opened:
        text, expected = opened.text["parameters"], np.asarray(opened.convert("RGB"))
    assert_same_picture(draw(engine, infotext.read(text))[0].pixels, expected)
