"""A picture's random numbers depend on its seed alone."""

import pytest
import torch

from sdui.sampling.noise import ImageNoise

SHAPE = (4, 8, 8)
CPU = torch.device("cpu")


def test_a_picture_gets_the_same_noise_in_any_batch():
    batch, alone = ImageNoise([5, 6, 7], SHAPE, CPU), ImageNoise([6], SHAPE, CPU)
    for _ in range(3):
        assert torch.equal(batch.draw()[1], alone.draw()[0])


def test_brownian_noise_is_the_same_in_any_batch():
    sigmas = torch.tensor([10.0, 5.0, 1.0, 0.0])
    batch, alone = ImageNoise([5, 6], SHAPE, CPU).brownian(sigmas), ImageNoise([6], SHAPE, CPU).brownian(sigmas)
    assert torch.equal(batch(sigmas[0], sigmas[1])[1], alone(sigmas[0], sigmas[1])[0])


def test_brownian_increments_add_up():
    noise = ImageNoise([1], SHAPE, CPU).brownian(torch.tensor([9.0, 4.0, 1.0]))
    high, middle, low = torch.tensor(9.0), torch.tensor(4.0), torch.tensor(1.0)
    whole = noise(high, low) * (high - low).sqrt()
    parts = noise(high, middle) * (high - middle).sqrt() + noise(middle, low) * (middle - low).sqrt()
    assert torch.allclose(whole, parts, atol=1e-5)


@pytest.mark.parametrize("seed", [0, 2**32 - 1, 2**63 - 1])
def test_the_largest_seeds_work(seed):
    assert ImageNoise([seed], SHAPE, CPU).draw().isfinite().all()
