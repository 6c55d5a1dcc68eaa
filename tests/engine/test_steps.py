"""How many steps img2img and hires fix make."""

import json
from pathlib import Path

import pytest

from sdui.engine.steps import partial_steps

CASES = json.loads((Path(__file__).parent / "img2img_steps.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES)
def test_as_many_steps_as_a1111(case):
    assert list(partial_steps(case["steps"], case["denoise"], case["img2img_fix_steps"])) == case["out"]
    assert list(partial_steps(12, case["denoise"], exactly=True)) == case["hires_with_steps12"]
