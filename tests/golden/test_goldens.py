"""The same request gives the same picture as A1111."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdui.core import infotext
from sdui.core.a1111_body import request_from
from tests.support.checkpoints import BUNDLED, write_tiny_checkpoint
from tests.support.running import draw, make_engine

HERE = Path(__file__).parent
CASES = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    work = tmp_path_factory.mktemp("golden")
    write_tiny_checkpoint(work / "checkpoints")
    return make_engine([work / "checkpoints", BUNDLED], work)


def request_of(case):
    """The recorded body of A1111's API; 1.7 had no schedule field: its sampler names are those of old infotexts."""
    files = tuple((HERE / "pictures" / case[key]).read_bytes() if key in case else b"" for key in ("image", "mask"))
    names = infotext.read(f"Steps: 1, Sampler: {case['request']['sampler_name']}, Seed: 1")
    body = {"sd_model_checkpoint": case["model"]} | case["request"]
    body |= {"sampler_name": names.sampler, "scheduler": names.schedule}
    request, unused = request_from(body, "img2img" if "image" in case else "txt2img", files)
    assert not unused
    return request


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
