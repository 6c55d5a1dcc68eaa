"""A1111's paste button is imitated to the letter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdui.core import a1111_paste

CASES = json.loads((Path(__file__).parent / "goldens/infotext_parse.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case["infotext"][:40]))
def test_takes_apart_exactly_like_a1111(case):
    found = a1111_paste.parse(case["infotext"])
    assert found == case["out"]
    assert {key: type(value) for key, value in found.items()} == {k: type(v) for k, v in case["out"].items()}
    assert [list(setting) for setting in a1111_paste.override_settings(found)] == case["override_settings"]


@pytest.mark.parametrize(
    ("version", "downcast"),
    [("v1.7.0", True), ("v1.7.0-224-gabc", True), ("v1.7.0-225-gabc", False), ("v1.8.0-RC", False), ("sdui 1", False)],
)
def test_behaviour_of_old_versions(version, downcast):
    found = a1111_paste.parse(f"a\nSteps: 2, Sampler: DDIM, Seed: 1, Version: {version}")
    assert found.get("Downcast alphas_cumprod", False) is downcast


@given(st.text(alphabet='a1x:,"\\ \n0') | st.text())
def test_takes_apart_anything(text):
    start = "Steps: 1, First pass size: 0x0, Size: 0x00, VAE: x, Clip skip: "
    a1111_paste.override_settings(a1111_paste.parse(f"{start}{text}, CFG scale: {text}, Eta: {text}"))
