"""What no control shows stands in entries "Key: value", and the request that they make is the one they came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdui.core import infotext, override_settings
from sdui.core.errors import RequestError
from sdui.core.params import declared, nest
from sdui.core.request import GenerationRequest
from sdui.core.stages import Hires, InitImage, Refiner

WRITTEN = {d.path: d for d in declared(GenerationRequest) if d.param.infotext and not d.path.startswith("init.")}
CONTROLS = {"prompt", "negative_prompt", *(path for path, d in WRITTEN.items() if d.param.infotext_always)} - {
    path for path in WRITTEN if "." in path
}
"""A page with the prompts and what every infotext has."""


def values(d):
    low, high = d.bounds()
    if isinstance(d.param.choices, tuple):
        return st.sampled_from(d.param.choices)
    if d.path in ("width", "height"):
        return st.integers(low // 8, high // 8).map(lambda cells: cells * 8)
    words = st.sampled_from(["Latent", "a, b: c", '"x"', "two\nlines", " blanks ", "猫"])
    of_type = {int: st.integers(low, high), float: st.floats(low, high), str: words, bool: st.booleans()}
    return of_type[d.field.annotation]


REQUESTS = st.fixed_dictionaries(
    {
        "refiner.model": st.just("r"),
        "hires.scale": st.just(1.5),
        "others": st.just({"ControlNet 0": "Module: x, Model: y"}),
    },
    optional={path: values(d) for path, d in WRITTEN.items() if path not in ("refiner.model", "hires.scale")},
).map(lambda flat: GenerationRequest.model_validate(nest(flat)))


@given(REQUESTS)
def test_controls_and_entries_together_are_the_request(request_):
    shown = {path: WRITTEN[path].of(request_) if path in WRITTEN else "" for path in CONTROLS}
    entries = override_settings.entries(request_, CONTROLS)
    assert override_settings.apply(GenerationRequest.model_validate(shown), entries) == request_


@pytest.mark.parametrize("path", [path for path in WRITTEN if "." not in path and path not in CONTROLS])
def test_a_setting_with_its_default_or_with_a_control_has_no_entry(path):
    d = WRITTEN[path]
    other = next(v for v in (True, 1, 2, 0.5, "CPU", "x") if is_valid(path, v) and v != d.field.default)
    request = GenerationRequest.model_validate({path: other})
    half = infotext.pairs_of(GenerationRequest())
    assert override_settings.entries(GenerationRequest(), CONTROLS) == []
    assert len(override_settings.entries(request, CONTROLS)) == len(infotext.pairs_of(request)) - len(half)
    assert override_settings.entries(request, {*CONTROLS, *beside(path)}) == []


def is_valid(path, value):
    try:
        return type(value) is WRITTEN[path].field.annotation and bool(GenerationRequest.model_validate({path: value}))
    except ValueError:
        return False


def beside(path):
    """Both halves of a pair such as "512x768"."""
    name = WRITTEN[path].param.infotext.partition("-")[0]
    return [p for p, d in WRITTEN.items() if d.param.infotext.partition("-")[0] == name]


def test_a_stage_has_an_entry_for_all_that_its_text_has():
    request = GenerationRequest(hires=Hires(upscaler="Lanczos", steps=4), refiner=Refiner(model="r"))
    assert override_settings.entries(request, CONTROLS) == [
        "Denoising strength: 0.7",
        "Hires upscale: 2",
        "Hires steps: 4",
        "Hires upscaler: Lanczos",
        "Refiner: r",
        "Refiner switch at: 0.8",
        "Refiner switch by sampling steps: True",
    ]


def test_what_is_done_to_a_picture_becomes_entries_and_these_change_it():
    request = GenerationRequest(init=InitImage(image=b"x", denoising_strength=0.3), tiling=True)
    controls = {*CONTROLS, "init.denoising_strength", "init.resize_mode"}
    asked = request.model_copy(
        update={"init": request.init.model_copy(update={"initial_noise_multiplier": 1.1, "img2img_fix_steps": True})}
    )
    entries = override_settings.entries(asked, controls)
    assert sorted(entries) == ["Fix steps: True", "Noise multiplier: 1.1", "Tiling: True"]
    assert override_settings.apply(GenerationRequest(init=request.init), entries) == asked


def test_entries_win_over_controls_and_leave_the_batch_alone():
    request = GenerationRequest(prompt="a", steps=9, batch_size=3, styles=("s",))
    assert override_settings.apply(request, ["steps: 7", "Clip skip: 2"]) == request.model_copy(
        update={"steps": 7, "clip_skip": 2}
    )


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["Tiling: True", "Hires steps: 5"], "'Hires steps: 5' does nothing here; remove it"),
        (["Denoising strength: 0.5"], "'Denoising strength: 0.5' does nothing here"),
        (["Mask blur: 3"], "'Mask blur: 3' does nothing here"),
        (["Size: wide"], "'Size: wide' does nothing here"),
        (["Hires upscale: 99"], "Hires upscale: '99' is too large, at most 16"),
        (["ENSD: soon"], "ENSD: a whole number is needed, not 'soon'"),
        (["RNG: TPU"], "known are GPU, CPU, NV"),
        (["Clip skip"], "'Key: value' is needed, not 'Clip skip'"),
        (["two\nlines: x"], "'Key: value' is needed"),
        ([None], "'Key: value' is needed"),
        ([{"Clip skip": "2"}], "'Key: value' is needed"),
        ("Clip skip: 2", "a list of entries is needed"),
        ({"Clip skip": 2}, "a list of entries is needed"),
    ],
)
def test_what_cannot_be_used_is_named(texts, message):
    with pytest.raises(RequestError, match=r"^Override settings: ") as refused:
        override_settings.apply(GenerationRequest(), texts)
    assert message in str(refused.value)


@given(
    st.lists(
        st.text()
        | st.none()
        | st.tuples(
            st.sampled_from([*infotext.pairs_of(GenerationRequest()), "Refiner", "ControlNet 0", "Prompt"]), st.text()
        ).map(": ".join)
    )
    | st.text()
)
def test_anything_is_a_request_whose_text_can_be_read_again_or_is_refused(texts):
    try:
        request = override_settings.apply(GenerationRequest(), texts)
    except RequestError:
        return
    assert infotext.read(infotext.write(request, {})) == request
