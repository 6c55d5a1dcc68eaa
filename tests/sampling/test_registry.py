"""Which sampler is meant by a name, and what its row says."""

from itertools import pairwise

import pytest

from sdui.core.errors import RequestError
from sdui.core.sampler_names import ALIASES, known
from sdui.core.sampling_options import SamplingOptions
from sdui.sampling.registry import builtin

from .gaussian import REGISTRY, levels_for

PLAIN = SamplingOptions()


def test_a_name_can_be_taken_only_once_and_a_refusal_changes_nothing():
    registry = builtin()
    before = registry.names()
    with pytest.raises(ValueError, match="already taken"):
        registry.add(REGISTRY["k_euler"])
    assert registry.names() == before


@pytest.mark.parametrize(
    ("name", "sampler", "schedule"),
    [
        ("unipc", "UniPC", "Automatic"),
        ("euler_a", "Euler a", "Automatic"),
        ("euler", "Euler", "Automatic"),
        ("ddim", "DDIM", "Automatic"),
        ("ddpm", "DDPM", "Automatic"),
        ("deis", "DEIS", "Automatic"),
        ("dpm2", "DPM2", "Automatic"),
        ("dpm2-a", "DPM2 a", "Automatic"),
        ("dpm++_2m", "DPM++ 2M", "Automatic"),
        ("dpm++_2m_karras", "DPM++ 2M", "Karras"),
        ("heun", "Heun", "Automatic"),
        ("heun_karras", "Heun", "Karras"),
        ("lms", "LMS", "Automatic"),
        ("pndm", "PLMS", "Automatic"),
        ("plms", "PLMS", "Automatic"),
        ("dpm_solver", "DPM++ 2M", "Automatic"),
        ("DPM++ 2M Karras", "DPM++ 2M", "Karras"),
        ("DPM++ 2M SDE Heun Exponential", "DPM++ 2M SDE Heun", "Exponential"),
        ("DPM++ 2M SGM Uniform", "DPM++ 2M", "SGM Uniform"),
        ("k_dpmpp_2m_ka", "DPM++ 2M", "Karras"),
        ("k_dpmpp_2m_sde_exp", "DPM++ 2M SDE", "Exponential"),
        ("k_dpm_2_a_ka", "DPM2 a", "Karras"),
        ("K_EULER_ANCESTRAL", "Euler a", "Automatic"),
        ("dpmpp_2m_sde_gpu", "DPM++ 2M SDE", "Automatic"),
        ("k_dpm_ad", "DPM adaptive", "Automatic"),
        ("ddim_cfgpp", "DDIM CFG++", "Automatic"),
    ],
)
def test_every_old_and_foreign_name_is_understood(name, sampler, schedule):
    spec, found = REGISTRY.resolve(name, "Automatic")
    assert (spec.name, found) == (sampler, schedule)
    assert REGISTRY[name] is spec


def test_every_name_is_known_without_torch_too():
    assert set(REGISTRY.names()) == set(ALIASES)
    for own, others in ALIASES.items():
        for name in (own, *others):
            assert (known(name), REGISTRY[name].name) == (own, own)


def test_a_schedule_in_the_name_wins_and_any_other_is_kept():
    assert REGISTRY.resolve("DPM++ 2M Karras", "Exponential")[1] == "Karras"
    assert REGISTRY.resolve("DPM++ 2M", "sgm_uniform")[1] == "SGM Uniform"


@pytest.mark.parametrize("name", ["", "Karras", "Euler cosine", "DPM++ 2M Karras Karras"])
def test_an_unknown_sampler_is_refused_with_what_is_known(name):
    with pytest.raises(RequestError, match=r"Sampling method: there is no .*; known are DPM\+\+ 2M, DPM\+\+ SDE"):
        REGISTRY.resolve(name, "Automatic")


def sigmas(name, schedule="Automatic", steps=10, **options):
    spec, chosen = REGISTRY[name], SamplingOptions(**options)
    return spec.sigmas(schedule, steps, levels_for(spec, **options), chosen)


@pytest.mark.parametrize(
    ("name", "schedule"),
    [("DPM++ 2M", "Karras"), ("DPM++ 2M SDE", "Exponential"), ("Restart", "Karras"), ("Euler a", "Uniform")],
)
def test_automatic_is_what_a1111_prefers(name, schedule):
    assert sigmas(name) == sigmas(name, schedule)


@pytest.mark.parametrize("name", ["DPM2", "DPM2 a", "DPM++ 3M SDE"])
def test_these_leave_out_the_last_level_but_one(name):
    whole = sigmas("Euler", "Karras", 11)
    assert sigmas(name, "Karras", 10) == [*whole[:-2], 0.0]
    assert sigmas("Euler", "Karras", 10, always_discard_next_to_last_sigma=True) == [*whole[:-2], 0.0]


@pytest.mark.parametrize("name", ["DPM fast", "DPM adaptive"])
def test_dpm_solvers_go_over_the_whole_range_from_noise_and_over_the_schedules_end_from_a_picture(name):
    spec = REGISTRY[name]
    levels = levels_for(spec)
    way = spec.sigmas("Karras", 10, levels, PLAIN)
    assert (way[0], way[-1], len(way)) == (levels.highest, levels.lowest, 11)
    scheduled = sigmas("Euler", "Karras")
    assert spec.picture_sigmas("Karras", 10, 4, levels, PLAIN).sigmas == [*scheduled[5:-1], scheduled[-2]]


@pytest.mark.parametrize("taken", [0, 1, 5, 9])
def test_a_picture_is_begun_where_its_noise_belongs(taken):
    for name in REGISTRY.names():
        spec = REGISTRY[name]
        way = spec.picture_sigmas("Automatic", 10, taken, levels_for(spec), PLAIN)
        assert way.sigmas and way.start > 0
        assert all(a >= b for a, b in pairwise(way.sigmas))
        if not spec.own_levels:
            assert (way.start, len(way.sigmas)) == (way.sigmas[0], taken + 2)


def test_ddim_starts_a_picture_one_level_below_its_noise():
    spec = REGISTRY["DDIM"]
    levels = levels_for(spec)
    start, timesteps = spec.picture_sigmas("Automatic", 6, 4, levels, PLAIN).start, [1, 167, 333, 499, 665]
    way = spec.picture_sigmas("Automatic", 6, 4, levels, PLAIN).sigmas
    assert [round(levels.timestep(sigma)) for sigma in (*reversed(way), start)] == timesteps


def test_only_named_options_reach_a_sampler():
    options = SamplingOptions(s_noise=1.1, s_churn=5, eta_ancestral=0.3, eta_ddim=0.2)
    levels = levels_for(REGISTRY["Euler"])
    assert REGISTRY["Euler a"].keywords(options, levels, lambda: None) == {"eta": 0.3}
    assert REGISTRY["DDIM"].keywords(options, levels, lambda: None) == {"eta": 0.2}
    assert REGISTRY["DPM++ SDE"].keywords(options, levels, lambda: None) == {"eta": 0.3, "s_noise": 1.1}
    assert REGISTRY["DPM++ 2M"].keywords(options, levels, lambda: None) == {}
