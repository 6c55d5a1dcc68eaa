"""Levels from step to step: A1111's numbers, names in any spelling, ends that hold."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from sdui.core.errors import RequestError
from sdui.core.infotext import read
from sdui.core.sampling_options import SamplingOptions
from sdui.sampling.levels import noise_levels
from sdui.sampling.schedules import AUTOMATIC, SCHEDULES, find_schedule, schedule_sigmas

from .gaussian import REGISTRY, STABLE_DIFFUSION, levels_for

CASES = json.loads((Path(__file__).parent / "goldens" / "sigmas.json").read_text())["cases"]


def asked(case):
    """The sampler, its schedule and the options of a request to A1111 before 1.9, where names were combined."""
    options = dict(case.get("opts", {}))
    old = read(f"Steps: 1, Sampler: {case['sampler']}, Seed: 1")
    spec, schedule = REGISTRY.resolve(old.sampler, options.pop("k_sched_type", old.schedule))
    return spec, schedule, SamplingOptions(**options)


@pytest.mark.parametrize("case", CASES, ids=[f"{case['sampler']}-{case['steps']}" for case in CASES])
def test_the_levels_are_those_of_a1111(case):
    spec, schedule, options = asked(case)
    levels = spec.levels(noise_levels(STABLE_DIFFUSION, options))
    if "timesteps" in case:
        way = REGISTRY["DDIM"].sigmas(schedule, case["steps"], levels, options)
        assert [round(levels.timestep(sigma)) for sigma in reversed(way)] == case["timesteps"]
    else:
        # The DPM solvers take only the ends of what A1111 computes for them.
        spec = REGISTRY["Euler"] if spec.stays_above_zero else spec
        # Powers differ in their last digits from processor to processor.
        assert spec.sigmas(schedule, case["steps"], levels, options) == pytest.approx(case["sigmas"], rel=5e-6)


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 150])
@pytest.mark.parametrize("name", SCHEDULES)
def test_levels_fall_from_the_highest_to_the_end(name, steps):
    levels = levels_for(REGISTRY["Euler"])
    sigmas = schedule_sigmas(name, steps, levels, SamplingOptions())
    assert len(sigmas) == steps + 1 or (name == "DDIM" and len(sigmas) > steps)
    assert all(a > b >= 0 for a, b in pairwise(sigmas))
    if name != "DDIM":
        assert sigmas[0] == pytest.approx(levels.highest, rel=0.01)
    assert sigmas[-1] == (pytest.approx(levels.lowest) if name == "KL Optimal" else 0)


def test_align_your_steps_is_what_its_authors_published():
    """https://research.nvidia.com/labs/toronto-ai/AlignYourSteps/howto.html, for 10 steps."""
    published = [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029, 0]
    levels = noise_levels(STABLE_DIFFUSION, SamplingOptions(), sdxl=True)
    assert schedule_sigmas("Align Your Steps", 11, levels, SamplingOptions()) == pytest.approx(published)
    assert schedule_sigmas("Align Your Steps", 21, levels, SamplingOptions())[:-1:2] == pytest.approx(published[:-1])


@pytest.mark.parametrize("name", ["Karras", "Exponential", "Polyexponential", "KL Optimal", "Beta", "Normal"])
def test_the_ends_can_be_chosen(name):
    options = SamplingOptions(sigma_min=0.5, sigma_max=8)
    sigmas = schedule_sigmas(name, 10, levels_for(REGISTRY["Euler"]), options)
    assert [sigmas[0], min(sigma for sigma in sigmas if sigma > 0)] == pytest.approx([8, 0.5])


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("karras", "Karras"),
        ("sgm_uniform", "SGM Uniform"),
        ("SGMUniform", "SGM Uniform"),
        ("ays", "Align Your Steps"),
        ("align_your_steps_GITS", "Align Your Steps GITS"),
        ("kl_optimal", "KL Optimal"),
        ("ddim_uniform", "DDIM"),
        ("linear_quadratic", "Linear Quadratic"),
        ("automatic", AUTOMATIC),
    ],
)
def test_names_are_understood_in_every_spelling(spelling, name):
    assert find_schedule(spelling) == name


def test_an_unknown_schedule_is_refused_with_what_is_known():
    with pytest.raises(RequestError, match="there is no 'cosine'; known are Automatic, Uniform, Karras"):
        find_schedule("cosine")


def test_ends_that_leave_nothing_between_them_are_refused():
    with pytest.raises(RequestError, match="sigma min: 20 is not below sigma max, which is 14"):
        schedule_sigmas("Karras", 10, levels_for(REGISTRY["Euler"]), SamplingOptions(sigma_min=20))


@pytest.mark.parametrize("rho", [0.01, 0.001, 1e-320])
def test_a_steepness_beyond_all_numbers_is_refused(rho):
    with pytest.raises(RequestError, match="rho: "):
        schedule_sigmas("Karras", 10, levels_for(REGISTRY["Euler"]), SamplingOptions(rho=rho))
