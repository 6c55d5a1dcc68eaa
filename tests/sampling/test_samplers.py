"""Every sampler solves a problem whose answer is known."""

import math

import pytest
import torch

from sdui.sampling.registry import builtin
from sdui.sampling.schedules import SCHEDULES

TABLE = torch.logspace(math.log10(0.03), math.log10(14.6), 1000)
MEAN, SPREAD = 0.7, 0.5
REGISTRY = builtin()
DETERMINISTIC = [name for name in REGISTRY.names() if REGISTRY[name].noise == "none" or name == "DDIM"]


def gaussian_denoiser(x, sigma):
    """The best denoiser when the data are N(MEAN, SPREAD^2): the posterior mean."""
    return (SPREAD**2 * x + sigma**2 * MEAN) / (SPREAD**2 + sigma**2)


def exact_end(x, start, end):
    """Where the probability-flow ODE of that Gaussian takes x from level `start` to level `end`."""
    return MEAN + (x - MEAN) * ((SPREAD**2 + end**2) / (SPREAD**2 + start**2)) ** 0.5


def run(name, schedule, steps, x, noise=lambda a, b: pytest.fail("asked for noise"), on_step=lambda step: None):
    spec = REGISTRY[name]
    sigmas = spec.sigmas(schedule, steps, TABLE)
    start = MEAN + x * (SPREAD**2 + sigmas[0] ** 2).sqrt()
    out = spec.run(gaussian_denoiser, start, sigmas, noise=noise, on_step=on_step)
    return out, exact_end(start, sigmas[0], sigmas[-1])


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", DETERMINISTIC)
def test_error_falls_with_the_steps(name, schedule):
    x = torch.linspace(-2, 2, 64).view(1, 1, 8, 8)
    errors = []
    for steps in (20, 80):
        out, exact = run(name, schedule, steps, x)
        errors.append((out - exact).abs().max().item())
    assert errors[1] < 0.4 * errors[0]
    assert errors[1] < 0.05


@pytest.mark.parametrize("name", [name for name in REGISTRY.names() if name not in DETERMINISTIC])
def test_stochastic_samplers_end_in_the_right_distribution(name):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, 1, 120, 120, generator=generator)
    out, _ = run(name, "Karras", 200, x, noise=lambda a, b: torch.randn(x.shape, generator=generator))
    assert out.mean().item() == pytest.approx(MEAN, abs=0.02)
    assert out.std().item() == pytest.approx(SPREAD, abs=0.03)


@pytest.mark.parametrize("name", REGISTRY.names())
def test_every_step_is_reported_once_in_order(name):
    seen = []
    x = torch.zeros(1, 1, 4, 4)
    run(name, "Automatic", 7, x, noise=lambda a, b: torch.zeros_like(x), on_step=lambda step: seen.append(step.index))
    assert seen == list(range(len(seen))) and len(seen) >= 7


def test_a_name_can_be_taken_only_once_and_a_refusal_changes_nothing():
    registry = builtin()
    before = registry.names()
    with pytest.raises(ValueError, match="already taken"):
        registry.add(REGISTRY["k_euler"])
    assert registry.names() == before


@pytest.mark.parametrize("alias", ["euler_a", "K_EULER_A", "dpm++_2m", "ddim"])
def test_aliases_are_understood_in_any_case(alias):
    assert REGISTRY[alias].name in REGISTRY.names()
