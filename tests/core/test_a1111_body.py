"""Bodies of A1111's API mean what they meant there."""

from __future__ import annotations

import pytest

from sdui.core.a1111_body import request_from


def txt2img(**body):
    return request_from(body, "txt2img")


@pytest.mark.parametrize(
    ("body", "sampler", "schedule"),
    [
        ({"sampler_name": "DPM++ 2M Karras"}, "DPM++ 2M", "Karras"),
        ({"sampler_name": "DPM++ 2M"}, "DPM++ 2M", "Uniform"),
        ({"sampler_name": "DPM++ 2M", "scheduler": "Automatic"}, "DPM++ 2M", "Automatic"),
        ({"sampler_name": "DPM++ 2M", "scheduler": "sgm_uniform"}, "DPM++ 2M", "SGM Uniform"),
        ({"sampler_index": "DDIM"}, "DDIM", "Automatic"),
        ({"sampler_name": "pndm"}, "PLMS", "Automatic"),
        ({"sampler_name": "dpm2-a", "scheduler": "Automatic"}, "DPM2 a", "Automatic"),
        ({"sampler_name": "dpm++_2m_karras"}, "DPM++ 2M", "Karras"),
        ({"sampler_name": "Euler", "override_settings": {"k_sched_type": "karras"}}, "Euler", "Karras"),
    ],
)
def test_samplers_and_schedules(body, sampler, schedule):
    request, unused, _ = txt2img(**body)
    assert (request.sampler, request.schedule, unused) == (sampler, schedule, ())


def test_hires_choices():
    same = {"hr_sampler_name": "Use same sampler", "hr_checkpoint_name": "Use same checkpoint"}
    hires = txt2img(sampler_name="Euler", enable_hr=True, **same).request.hires
    assert (hires.sampler, hires.schedule, hires.model) == ("", "", "")
    hires = txt2img(sampler_name="Euler", enable_hr=True, hr_sampler_name="DPM++ SDE Karras").request.hires
    assert (hires.sampler, hires.schedule) == ("DPM++ SDE", "Karras")
    hires = txt2img(
        sampler_name="Euler", scheduler="Automatic", enable_hr=True, hr_sampler_name="euler_a"
    ).request.hires
    assert (hires.sampler, hires.schedule) == ("Euler a", "")


def test_options_count_like_fields_and_strangers_are_reported():
    request, unused, _ = txt2img(
        styles=["a"], eta=0.5, override_settings={"s_churn": 2, "sd_lyco": "x"}, alwayson_scripts={"ADetailer": {}}
    )
    assert request.styles == ("a",)
    assert (request.sampling.eta_ancestral, request.sampling.s_churn) == (0.5, 2)
    assert unused == ("sd_lyco", "ADetailer")


def test_the_hypernetwork_option_adds_a_tag_where_there_is_none():
    chosen = {"override_settings": {"sd_hypernetwork": "a.b"}}
    tag = "<hypernet:a.b:1.0>"
    request, unused, _ = txt2img(prompt="x", enable_hr=True, hr_prompt="y", **chosen)
    assert (request.prompt, request.hires.prompt, unused) == (f"x{tag}", f"y{tag}", ())
    assert txt2img(prompt="x", enable_hr=True, **chosen).request.hires.prompt == ""
    assert txt2img(prompt="x <hypernet:a.b:0.5>", **chosen).request.prompt == "x <hypernet:a.b:0.5>"
    assert txt2img(prompt="x", override_settings={"sd_hypernetwork": "None"}).request.prompt == "x"
