"""What a checkpoint's timesteps mean in noise, against A1111's numbers."""

import json
import math
from pathlib import Path

import pytest
import torch

from sdui.core.sampling_options import SamplingOptions
from sdui.sampling.levels import noise_levels

from .gaussian import STABLE_DIFFUSION

TABLE = json.loads((Path(__file__).parent / "goldens" / "sigma_tables.json").read_text())["cases"][0]


def levels(**options):
    return noise_levels(STABLE_DIFFUSION, SamplingOptions(**options))


def test_the_table_is_that_of_a1111():
    sigmas = levels().sigmas
    for place, sigma in TABLE["model_wrap_sigmas"].items():
        assert sigmas[int(place)].item() == pytest.approx(sigma, rel=1e-6)


@pytest.mark.parametrize(("sigma", "timestep", "nearest"), TABLE["sigma_to_t"])
def test_the_network_is_asked_about_the_same_timestep(sigma, timestep, nearest):
    assert levels().timestep(sigma) == pytest.approx(timestep, abs=1e-3)
    assert levels(enable_quantization=True).timestep(sigma) == nearest


@pytest.mark.parametrize(("timestep", "sigma"), TABLE["t_to_sigma"])
def test_a_timestep_between_two_has_the_same_level(timestep, sigma):
    assert levels().sigma(timestep) == pytest.approx(sigma, rel=1e-6)


@pytest.mark.parametrize("options", [{}, {"use_downcasted_alpha_bar": True}])
def test_there_and_back(options):
    table = levels(**options)
    for timestep in (0, 0.5, 17, 500.25, 998.9, 999):
        assert table.timestep(table.sigma(timestep)) == pytest.approx(timestep, abs=1e-3)


def test_beyond_the_table_is_its_end():
    table = levels()
    assert (table.timestep(1e9), table.timestep(0.0)) == (999, 0)
    assert (table.sigma(2000), table.sigma(-5)) == pytest.approx((table.highest, table.lowest))


@pytest.mark.parametrize("downcast", [False, True])
def test_zero_terminal_snr_ends_in_noise_alone_and_keeps_the_first_step(downcast):
    table = levels(sd_noise_schedule="Zero Terminal SNR", use_downcasted_alpha_bar=downcast)
    assert table.highest == pytest.approx(math.sqrt(1 / 4.8973451890853435e-08), rel=1e-3)
    assert table.lowest == pytest.approx(levels().lowest, rel=0.1 if downcast else 1e-5)
    assert (table.sigmas.diff() > 0).all()


def test_downcast_levels_are_those_of_half_precision():
    table = levels(use_downcasted_alpha_bar=True)
    assert torch.equal(table.sigmas, table.sigmas.half().float())
    assert not torch.equal(table.precise().sigmas, table.sigmas)


def test_a_distilled_network_knows_fifty_timesteps():
    table = levels().distilled()
    assert table.timesteps.tolist() == list(range(19, 1000, 20))
    assert table.timestep(5.0) in table.timesteps
    assert table.highest == levels().highest


def test_a_checkpoint_trained_to_end_in_noise_alone_needs_no_option():
    made = noise_levels(STABLE_DIFFUSION, SamplingOptions(), zero_snr=True)
    assert torch.equal(made.sigmas, levels(sd_noise_schedule="Zero Terminal SNR").sigmas)
