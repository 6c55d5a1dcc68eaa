"""Pictures of older A1111 versions come out as they were."""

from __future__ import annotations

import pytest

from sdui.core import infotext

START = "a [b:c:3]\nSteps: 5, Seed: 1, Size: 640x512, "


def read(pairs: str):
    return infotext.read(START + pairs)


@pytest.mark.parametrize(
    ("pairs", "sampler", "schedule"),
    [
        ("Sampler: DPM++ 2M Karras", "DPM++ 2M", "Karras"),
        ("Sampler: DPM++ 2M SDE Heun Exponential", "DPM++ 2M SDE Heun", "Exponential"),
        ("Sampler: DPM++ 2M SDE", "DPM++ 2M SDE", "Uniform"),
        ("Sampler: DPM++ 2M SDE, Version: v1.8.0-RC", "DPM++ 2M SDE", "Uniform"),
        ("Sampler: DPM++ 2M SDE, Version: v1.9.0-RC", "DPM++ 2M SDE", "Automatic"),
        ("Sampler: Restart, Version: 1.7.0", "Restart", "Karras"),
        ("Sampler: DDIM", "DDIM", "Automatic"),
        ("Sampler: LCM", "LCM", "Automatic"),
        ("Sampler: k_dpmpp_2m_ka", "DPM++ 2M", "Karras"),
        ("Sampler: dpm++_2m_karras, Version: v1.10.1", "DPM++ 2M", "Karras"),
        ("Sampler: euler_a, Schedule type: Karras, Version: v1.10.1", "Euler a", "Karras"),
        ("Sampler: pndm", "PLMS", "Automatic"),
        ("Sampler: DPM++ 2M Karras, Schedule type: exponential, Version: 1.7.0", "DPM++ 2M", "Exponential"),
        ("Sampler: Euler a, Schedule type: polyexponential, Version: 1.7.0", "Euler a", "Polyexponential"),
        ("Sampler: Euler a, Schedule type: SGM Uniform, Version: v1.10.1", "Euler a", "SGM Uniform"),
        ("Sampler: Euler a, Schedule type: Automatic, Version: v1.10.1", "Euler a", "Automatic"),
    ],
)
def test_sampler_and_schedule(pairs, sampler, schedule):
    request = read(pairs)
    assert (request.sampler, request.schedule) == (sampler, schedule)


@pytest.mark.parametrize(
    ("pairs", "sampler", "schedule"),
    [
        ("Sampler: Euler, Hires sampler: DPM++ 2M Karras", "DPM++ 2M", "Karras"),
        ("Sampler: Euler, Hires sampler: heun_karras, Version: v1.10.1", "Heun", "Karras"),
        ("Sampler: Euler, Hires sampler: dpm2-a, Version: v1.10.1", "DPM2 a", ""),
        ("Sampler: DPM++ 2M Karras, Hires sampler: Euler", "Euler", "Uniform"),
        ("Sampler: Heun, Hires sampler: Euler", "Euler", ""),
        ("Sampler: Euler, Hires sampler: Use same sampler, Hires schedule type: Use same scheduler", "", ""),
        ("Sampler: Euler, Schedule type: Karras, Hires sampler: Heun, Version: v1.10.1", "Heun", ""),
        ("Sampler: Euler, Schedule type: karras, Hires sampler: Heun, Version: 1.7.0", "Heun", ""),
    ],
)
def test_the_hires_pass_own_sampler(pairs, sampler, schedule):
    hires = read(f"{pairs}, Denoising strength: 0.6, Hires upscale: 2").hires
    assert (hires.sampler, hires.schedule, hires.denoising_strength) == (sampler, schedule, 0.6)


@pytest.mark.parametrize(("first", "size"), [("320x256", (320, 256)), ("0x0", (576, 512))])
def test_hires_fix_that_named_its_target_as_the_size(first, size):
    request = read(f"Sampler: Euler, Denoising strength: 0.7, First pass size: {first}")
    assert (request.width, request.height) == size
    assert (request.hires.resize_x, request.hires.resize_y) == (640, 512)


@pytest.mark.parametrize(
    ("version", "old_timelines", "pad_v0", "downcast"),
    [
        ("v1.5.2", True, True, True),
        ("v1.6.0-2-g4afaaf8a", False, False, True),
        ("1.7.0", False, False, False),  # may be from after the change
        ("v1.7.0-100-gabc", False, False, True),
        ("v1.7.0-225-gabc", False, False, False),
        ("f2.0.1v1.10.1", False, False, False),
        ("sdui 0.1.0", False, False, False),
    ],
)
def test_old_behaviour(version, old_timelines, pad_v0, downcast):
    request = read(f"Sampler: DDIM, Version: {version}")
    assert request.text.use_old_scheduling is old_timelines
    assert request.text.pad_cond_uncond_v0 is pad_v0
    assert request.sampling.use_downcasted_alpha_bar is downcast


def test_a_hypernetwork_becomes_a_tag():
    request = read("Sampler: Euler, Hypernet: anime, Hypernet strength: 0.6")
    assert request.prompt == "a [b:c:3]<hypernet:anime:0.6>"
    assert request.others == {}


def test_what_a_picture_was_started_from_is_left_to_be_given():
    assert read("Sampler: Euler").init is None
    assert read("Sampler: Euler, Denoising strength: 0.5").init.inpaint is None
    inpaint = read("Sampler: Euler, Denoising strength: 0.5, Inpaint area: Only masked, Masked area padding: 0").init
    assert (inpaint.image, inpaint.inpaint.mask, inpaint.inpaint.padding) == (b"", b"", 0)
    soft = read(
        "Sampler: Euler, Denoising strength: 0.5, Soft inpainting enabled: True, Soft inpainting mask influence: 1"
    )
    assert soft.init.inpaint.soft.mask_influence == 1
    assert read("Sampler: Euler, Refiner: m [0123456789], Refiner switch at: 0.5").refiner.switch_at == 0.5


def test_other_programs_pairs_are_carried_through():
    pairs = (
        'Sampler: Euler, Schedule type: Karras, ControlNet 0: "Module: canny, Weight: 1", TI hashes: "a: b", User: me'
    )
    request = read(f"{pairs}, Version: v1.10.1")
    assert request.others == {"ControlNet 0": "Module: canny, Weight: 1", "TI hashes": "a: b"}
    assert 'ControlNet 0: "Module: canny, Weight: 1"' in infotext.write(request, {})
    assert 'TI hashes: "c: d"' in infotext.write(request, {"TI hashes": "c: d"})
