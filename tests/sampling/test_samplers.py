"""Every sampler solves a problem whose answer is known."""

import math

import pytest
import torch

from sdui.core.sampling_options import SamplingOptions
from sdui.sampling.distilled import tcd
from sdui.sampling.noise import ImageNoise
from sdui.sampling.samplers import Step
from sdui.sampling.schedules import SCHEDULES

from .gaussian import MEAN, REGISTRY, SPREAD, denoiser, exact, jump, levels_for, run, start

ORDERS = {
    "Euler": 1,
    "Euler a": 1,
    "DDIM": 1,
    "DDIM CFG++": 1,
    "HeunPP2": 1,
    "Heun": 2,
    "DPM2": 2,
    "DPM2 a": 2,
    "DPM++ 2S a": 2,
    "DPM++ SDE": 2,
    "DPM++ 2M": 2,
    "DPM++ 2M SDE": 2,
    "DPM++ 2M SDE Heun": 2,
    "DPM++ 3M SDE": 2,
    "PLMS": 2,
    "IPNDM": 2,
    "UniPC": 2,
    "DPM fast": 2,
    "DEIS": 2.7,
    "IPNDM_V": 2.7,
    "LMS": 3,
}
"""How the error falls with the steps where nothing is added (eta 0); first or last steps of low order count."""
STOCHASTIC = ("Restart", "DDPM")
DISTILLED = ("LCM", "TCD")
NAMES = REGISTRY.names()
Z = torch.linspace(-2, 2, 64, dtype=torch.float64).view(1, 1, 8, 8)
CALM = {"eta_ancestral": 0.0}
PLAIN = SamplingOptions()


def zeros(sigma, sigma_next):
    return torch.zeros_like(Z)


def drawn(shape, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return lambda sigma, sigma_next: torch.randn(shape, generator=generator)


def scheduled(name, schedule, steps):
    spec = REGISTRY[name]
    return spec.sigmas(schedule, steps, levels_for(spec), PLAIN)


def test_every_sampler_is_tested():
    assert {*ORDERS, *STOCHASTIC, *DISTILLED, "DPM adaptive"} == {*NAMES}


@pytest.mark.parametrize("name", ORDERS)
def test_error_falls_at_the_known_order(name):
    errors = []
    for steps in (65, 131):
        sigmas = [10 * 0.01 ** (i / steps) for i in range(steps + 1)]
        x = start(Z, sigmas[0])
        out = run(name, sigmas, x, noise=zeros, **CALM)
        errors.append((out - exact(x, sigmas[0], sigmas[-1])).abs().max().item())
    assert errors[1] < 0.02
    assert math.log2(errors[0] / errors[1]) > ORDERS[name] - 0.2


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", ORDERS)
def test_error_falls_with_every_schedule(name, schedule):
    errors = [error(name, schedule, steps) for steps in (20, 320)]
    # Linear Quadratic is made for other networks: nearly all of the way is in its last few steps.
    assert errors[1] < (0.3 if schedule == "Linear Quadratic" else 0.03)
    # The last step goes from the lowest level straight to 0, however many there are.
    assert errors[1] < max(0.4 * errors[0], 4e-3)


def error(name, schedule, steps):
    sigmas = scheduled(name, schedule, steps)
    x = start(Z, sigmas[0])
    return (run(name, sigmas, x, noise=zeros, **CALM) - exact(x, sigmas[0], sigmas[-1])).abs().max().item()


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_adaptive_sampler_keeps_its_error_small_whatever_the_steps(schedule):
    assert error("DPM adaptive", schedule, 2) < 0.03


@pytest.mark.parametrize("name", [name for name in NAMES if REGISTRY[name].noise != "none" and name not in DISTILLED])
def test_noise_leads_to_the_right_distribution(name):
    shape = (1, 1, 120, 120)
    sigmas = scheduled(name, "Karras", 100)
    out = run(name, sigmas, start(drawn(shape, 2)(0, 0), sigmas[0]).float(), noise=drawn(shape), eta_ddim=1, s_churn=10)
    assert out.mean().item() == pytest.approx(MEAN, abs=0.02)
    assert out.std().item() == pytest.approx(math.hypot(SPREAD, sigmas[-1]), abs=0.03)


@pytest.mark.parametrize("steps", [1, 2, 4, 8])
@pytest.mark.parametrize("name", DISTILLED)
def test_distilled_networks_need_few_steps(name, steps):
    shape = (1, 1, 120, 120)
    sigmas = scheduled(name, "Automatic", steps)
    out = run(name, sigmas, start(drawn(shape, 2)(0, 0), sigmas[0]), model=jump, noise=drawn(shape))
    assert out.mean().item() == pytest.approx(MEAN, abs=0.02)
    # What TCD's networks learn depends on where a step ends; one that always sees the end is somewhat off.
    assert out.std().item() == pytest.approx(SPREAD, abs=0.02 if name == "LCM" else 0.2)


def test_tcd_without_noise_is_ddim():
    sigmas, levels = [10.0, 5.0, 2.0, 0.0], levels_for(REGISTRY["TCD"])
    calm = tcd(denoiser, Z, sigmas, noise=zeros, on_step=lambda step: None, levels=levels, gamma=0)
    assert torch.allclose(calm, run("DDIM", sigmas, Z), atol=0.05)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "DPM adaptive"])
def test_a_picture_does_not_depend_on_its_batch(name):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        batch, alone = pictures(name, [5, 6, 7]), pictures(name, [6])
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(batch[1], alone[0])


def pictures(name, seeds, steps=24):
    spec, noise = REGISTRY[name], ImageNoise(seeds, (4, 8, 8), torch.device("cpu"))
    sigmas = scheduled(name, "Automatic", steps)
    x = noise.draw() * spec.noise_scale(sigmas[0], PLAIN)
    between = noise.fresh
    if spec.noise == "brownian":
        between = noise.brownian(min(sigma for sigma in sigmas if sigma > 0), sigmas[0])
    return run(name, sigmas, x, model=curved, noise=between, s_churn=10, eta_ddim=0.5)


def curved(x, sigma):
    return torch.tanh(x / (1 + sigma)) * 0.8 + 0.1


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_reported_once_in_order(name, steps):
    seen: list[Step] = []
    x = torch.zeros(1, 1, 4, 4)
    out = run(name, scheduled(name, "Automatic", steps), x, noise=drawn(x.shape), on_step=seen.append)
    assert out.isfinite().all()
    assert [step.index for step in seen] == list(range(len(seen)))
    assert all(step.sigma > 0 and step.denoised.shape == x.shape for step in seen)
    if name not in ("DPM adaptive", "DPM fast"):
        assert len(seen) == len(scheduled(name, "Automatic", steps)) - 1


@pytest.mark.parametrize("name", NAMES)
def test_interrupted_anywhere_a_picture_is_there(name):
    class Interrupted(BaseException):
        pass

    def until(last):
        def on_step(step):
            reached.append(step)
            if step.index == last:
                raise Interrupted

        return on_step

    sigmas = scheduled(name, "Automatic", 6)
    x = start(drawn((1, 1, 8, 8), 2)(0, 0), sigmas[0])
    reached: list[Step] = []
    run(name, sigmas, x, noise=drawn(x.shape), on_step=reached.append)
    for last in range(len(reached)):
        reached = []
        with pytest.raises(Interrupted):
            run(name, sigmas, x, noise=drawn(x.shape), on_step=until(last))
        assert reached[-1].index == last
        assert reached[-1].denoised.isfinite().all()
        assert reached[-1].denoised.abs().max() < 5


@pytest.mark.parametrize("rho", [0.1, 50, 100])
@pytest.mark.parametrize("name", NAMES)
def test_no_steepness_of_a_schedule_breaks_a_sampler(name, rho):
    spec, options = REGISTRY[name], SamplingOptions(rho=rho)
    for schedule in ("Karras", "Polyexponential"):
        way = spec.picture_sigmas(schedule, 20, 12, levels_for(spec), options)
        x = start(Z, way.sigmas[0])
        assert run(name, way.sigmas, x, noise=zeros).isfinite().all()


@pytest.mark.parametrize("name", ["DPM fast", "DPM adaptive"])
def test_a_way_of_no_length_ends_at_the_image(name):
    x = start(Z, 0.5)
    assert torch.equal(run(name, [0.5, 0.5], x), denoiser(x, 0.5))


def test_a_network_that_fails_does_not_keep_the_adaptive_sampler_for_ever():
    out = run("DPM adaptive", [10.0, 0.1], Z, model=lambda x, sigma: x * math.nan, noise=zeros)
    assert out.isnan().all()


def test_churn_between_limits_does_not_shift_the_random_numbers():
    """At the levels where both churn, they get the same noise."""
    asked = []

    def noise(sigma, sigma_next):
        asked.append(sigma)
        return torch.zeros_like(Z)

    sigmas = [10.0, 5.0, 2.0, 1.0, 0.0]
    run("Euler", sigmas, Z, noise=noise, s_churn=1)
    run("Euler", sigmas, Z, noise=noise, s_churn=1, s_tmin=1.5, s_tmax=6)
    assert asked == sigmas[:-1] * 2


@pytest.mark.parametrize("variant", ["bh1", "bh2", "vary_coeff"])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("lower", [True, False])
def test_unipc_converges_in_each_form(variant, order, lower):
    options = {"uni_pc_variant": variant, "uni_pc_order": order, "uni_pc_lower_order_final": lower}
    errors = []
    for steps in (20, 80):
        sigmas = [10 * 0.01 ** (i / steps) for i in range(steps + 1)]
        x = start(Z, sigmas[0])
        out = run("UniPC", sigmas, x, **options)
        errors.append((out - exact(x, sigmas[0], sigmas[-1])).abs().max().item())
    # The authors' corrector with varying coefficients, which A1111 has, is of first order.
    assert errors[1] < (0.35 if variant == "vary_coeff" else 0.1) * errors[0] or errors[1] < 1e-4


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_unipc_lowers_its_order_where_there_are_few_steps(steps):
    sigmas = [10 * 0.01 ** (i / steps) for i in range(steps + 1)]
    x = start(Z, sigmas[0])
    lowered, fitting = (run("UniPC", sigmas, x, uni_pc_order=order) for order in (9, steps))
    assert torch.equal(lowered, fitting)


def test_guidance_free_noise_is_what_cfgpp_renoises_with():
    """One step from the guided image, with the slope of the negative prompt's."""
    spec, x = REGISTRY["DDIM CFG++"], start(Z, 10.0)
    out = spec.run(denoiser, x, [10.0, 5.0], noise=zeros, on_step=lambda step: None, uncond=lambda: x - 10 * Z)
    assert torch.allclose(out, denoiser(x, 10.0) + 5 * Z)
