"""A problem whose answer is known: data of N(MEAN, SPREAD^2), cell by cell, under a real checkpoint's levels."""

from __future__ import annotations

import torch

from sdui.core.sampling_options import SamplingOptions
from sdui.sampling.levels import noise_levels
from sdui.sampling.registry import builtin

MEAN, SPREAD = 0.7, 0.5
REGISTRY = builtin()
STABLE_DIFFUSION = (1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2).cumprod(0).float()


def denoiser(x, sigma):
    """The best one: the posterior mean."""
    return (SPREAD**2 * x + sigma**2 * MEAN) / (SPREAD**2 + sigma**2)


def jump(x, sigma):
    """Where the flow ends at level 0: what a distilled network has learned."""
    return exact(x, sigma, 0.0)


def exact(x, start, end):
    """Where the probability-flow ODE takes x from level `start` to level `end`."""
    return MEAN + (x - MEAN) * ((SPREAD**2 + end**2) / (SPREAD**2 + start**2)) ** 0.5


def start(z, sigma):
    """Unit noise z -> a sample of the noisy data."""
    return MEAN + z * (SPREAD**2 + sigma**2) ** 0.5


def levels_for(spec, **options):
    return spec.levels(noise_levels(STABLE_DIFFUSION, SamplingOptions(**options)))


def run(name, sigmas, x, *, model=denoiser, noise=None, on_step=lambda step: None, **options):
    """A sampler by its row, as the engine runs it; the negative prompt agrees with the positive one."""
    spec, chosen, seen = REGISTRY[name], SamplingOptions(**options), []

    def look(x, sigma):
        seen[:] = [model(x, sigma)]
        return seen[0]

    keywords = spec.keywords(chosen, levels_for(spec, **options), lambda: seen[0])
    return spec.run(look, x, sigmas, noise=noise or forbidden, on_step=on_step, **keywords)


def forbidden(sigma, sigma_next):
    raise AssertionError("asked for noise")
