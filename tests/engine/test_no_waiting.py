"""Nothing in the loop waits for the device: tensors without data, on torch's meta device, go through it."""

import pytest
import torch

from sdui.core.events import StopToken
from sdui.core.request import GenerationRequest
from sdui.core.sampling_options import GuidanceOptions, SamplingOptions
from sdui.core.text_options import TextOptions
from sdui.engine.conditioning import Prompts, Scheduled
from sdui.engine.guided import Guide, GuidedDenoiser, Plans
from sdui.engine.refining import Guides
from sdui.models.families.base import Conditioning
from sdui.models.timesteps import alphas_cumprod
from sdui.sampling.guidance import coefficients
from sdui.sampling.levels import noise_levels
from sdui.sampling.registry import builtin

META = torch.device("meta")
REGISTRY = builtin()
ADAPTIVE = "DPM adaptive"
"""Looks at its error after each step, as it must."""


class Network:
    """Asks nothing of its input's values, as a real network's launch does not."""

    kind = "plain"

    def denoise(
        self, x: torch.Tensor, sigma: float, timestep: float, conditioning: Conditioning, *, as_noise: bool = False
    ) -> torch.Tensor:
        assert isinstance(sigma, float) and isinstance(timestep, float)
        return x / (1 + sigma) + conditioning.context.mean()


def denoiser(spec, request, levels):
    first, second = (Conditioning(torch.empty(1, 77, 8, device=META)) for _ in range(2))
    edited = Scheduled(((2, first), (100, second)))
    prompts = Prompts(((1.0, edited), (0.7, Scheduled(((100, second),)))), Scheduled(((100, first),)), first.context)
    guide = Guide(Network(), levels, prompts, coefficients([1.0, 0.7], 7.0))
    plans = Plans(guide, TextOptions(), 2, "uncond" in spec.needs)
    guides = Guides(plans, request, 10, spec.variance_preserving, StopToken().check, None, lambda: plans)
    return GuidedDenoiser(guides.plans, guides.without_negative)


@pytest.mark.parametrize("name", [name for name in REGISTRY.names() if name != ADAPTIVE])
def test_a_step_never_asks_for_a_number_from_the_device(name):
    spec, options = REGISTRY[name], SamplingOptions(s_churn=5.0, eta_ddim=0.5)
    levels = spec.levels(noise_levels(alphas_cumprod(0.00085, 0.012, 1000), options))
    request = GenerationRequest(guidance=GuidanceOptions(s_min_uncond=3.0))
    asked = denoiser(spec, request, levels)
    sigmas = spec.sigmas("Automatic", 8, levels, options)
    x = torch.empty(2, 4, 8, 8, device=META)
    steps = []
    keywords = spec.keywords(options, levels, asked.negative)

    def noise(here: float, there: float) -> torch.Tensor:
        return torch.empty_like(x)

    out = spec.run(asked, x, sigmas, noise=noise, on_step=steps.append, **keywords)
    assert out.shape == x.shape and out.device == META and len(steps) >= 2
