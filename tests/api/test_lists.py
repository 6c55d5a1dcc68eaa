"""The lists that clients fill their menus with, in the form of A1111's real answers."""

import json
from pathlib import Path

import pytest

ANSWERS = json.loads((Path(__file__).parent / "a1111_answers.json").read_text(encoding="utf-8"))
"""Some of what an A1111 answered."""
NUMBERS = (int, float)


@pytest.fixture
def styled(shared):
    (shared.folder / "styles.csv").write_text("name,prompt,negative_prompt\nink,drawn in ink,colours\n")
    return shared


def alike(theirs, ours):
    """Whether keys and kinds of values are the same; null stands for any."""
    if theirs is None or ours is None:
        return True
    if isinstance(theirs, dict):
        return (
            isinstance(ours, dict) and theirs.keys() <= ours.keys() and all(alike(theirs[k], ours[k]) for k in theirs)
        )
    if isinstance(theirs, list):
        return isinstance(ours, list) and all(alike(one, other) for one in theirs[:1] for other in ours)
    if isinstance(theirs, NUMBERS) and not isinstance(theirs, bool):
        return isinstance(ours, NUMBERS) and not isinstance(ours, bool)
    return type(theirs) is type(ours)


@pytest.mark.parametrize("route", sorted(ANSWERS.keys() - {"script-info"}))
def test_an_answer_has_the_form_of_a1111s(styled, route):
    ours = styled.get(f"/sdapi/v1/{route}")
    assert ours and alike(ANSWERS[route], ours)


def test_samplers_and_schedules_have_their_other_names(shared):
    samplers = {one["name"]: one for one in shared.get("/sdapi/v1/samplers")}
    assert samplers["Euler a"] == {"name": "Euler a", "aliases": ["k_euler_a"], "options": {"uses_ensd": "True"}}
    assert samplers["DDIM"] == {"name": "DDIM", "aliases": [], "options": {}}
    schedules = {one["label"]: one for one in shared.get("/sdapi/v1/schedulers")}
    assert schedules["Karras"] == {
        "name": "karras",
        "label": "Karras",
        "aliases": ["ka"],
        "default_rho": 7.0,
        "need_inner_model": False,
    }


def test_latent_modes_and_upscalers_of_pixels_are_told_apart(shared):
    assert shared.get("/sdapi/v1/latent-upscale-modes") == [{"name": "Latent"}, {"name": "Latent (nearest)"}]
    upscalers = {one["name"]: one for one in shared.get("/sdapi/v1/upscalers")}
    assert [*upscalers] == ["None", "R-ESRGAN 4x+", "DAT x2"]
    assert upscalers["None"]["model_path"] is None and upscalers["DAT x2"]["scale"] == 2
    assert upscalers["R-ESRGAN 4x+"]["model_path"] == "/models/R-ESRGAN 4x+.safetensors"
    assert [one["name"] for one in shared.get("/sdapi/v1/realesrgan-models")] == ["R-ESRGAN 4x+"]


def test_restorers_without_their_files_are_named_too(shared):
    assert [one["name"] for one in shared.get("/sdapi/v1/face-restorers")] == ["CodeFormer", "GFPGAN"]


def test_styles_are_those_of_the_files(styled):
    style = {"name": "ink", "prompt": "drawn in ink", "negative_prompt": "colours"}
    assert styled.get("/sdapi/v1/prompt-styles") == [style]


def test_a_damaged_file_of_styles_is_named(interface):
    (interface.folder / "styles.csv").write_bytes(b"\xff\xfe\x00name")
    answer = interface.client.get("/sdapi/v1/prompt-styles")
    assert answer.status_code == 422 and "styles.csv" in answer.json()["errors"]
