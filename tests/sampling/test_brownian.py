"""SDE samplers get increments of one path per picture, with torchsde's numbers."""

import gc
import random
from itertools import pairwise

import pytest
import torch
import torchsde

from sdui.sampling.brownian import BrownianPath
from sdui.sampling.noise import ImageNoise, Variation

SHAPE = (4, 8, 8)
CPU = torch.device("cpu")
HIGH, *BETWEEN, LOW = torch.tensor([14.6146, 9.31, 5.9, 1.234567, 0.5, 0.0291675]).tolist()
QUERIES = [(HIGH, BETWEEN[1]), *pairwise([HIGH, *BETWEEN, LOW])]


def from_torch(seed):
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def tensors_in_use():
    gc.collect()
    return sum(type(thing) is torch.Tensor for thing in gc.get_objects())


def expected(tree, sigma, sigma_next):
    """k-diffusion's noise."""
    there, here = torch.tensor(sigma_next), torch.tensor(sigma)
    return -tree(there, here) / (there - here).abs().sqrt()


@pytest.mark.filterwarnings("ignore:Should have")
@pytest.mark.parametrize("seed", [0, 1000, 2**32 - 1, 2**63 - 1])
def test_noise_is_that_of_torchsde_to_the_bit(seed):
    tree = torchsde.BrownianTree(LOW, torch.zeros(SHAPE), HIGH, entropy=seed)
    noise = ImageNoise([seed], SHAPE, CPU).brownian(LOW, HIGH)
    for sigma, sigma_next in QUERIES:
        assert torch.equal(noise(sigma, sigma_next)[0], expected(tree, sigma, sigma_next))


@pytest.mark.parametrize(("low", "high"), [(0.0, 1e-5), (0.03, 14.6), (0.002, 157.4), (3.0, 3.000004)])
def test_any_interval_in_any_order_is_that_of_torchsde(low, high):
    chance = random.Random(1)
    tree = torchsde.BrownianTree(low, torch.zeros(SHAPE), high, entropy=7)
    path = BrownianPath(low, high, 7, from_torch)
    for _ in range(40):
        begin, end = sorted(round(chance.uniform(low, high), 6) for _ in range(2))
        assert torch.equal(path(begin, end), tree(begin, end))
    assert torch.equal(path(low, high), tree(low, high))


def test_beyond_its_ends_a_path_stands_still():
    path = BrownianPath(1.0, 2.0, 7, from_torch)
    assert torch.equal(path(0.0, 3.0), path(1.0, 2.0))
    assert path(2.0, 3.0).abs().max() == 0


def test_increments_add_up():
    noise = ImageNoise([1], SHAPE, CPU).brownian(1.0, 9.0)
    whole = noise(9.0, 1.0) * 8**0.5
    parts = noise(9.0, 4.0) * 5**0.5 + noise(4.0, 1.0) * 3**0.5
    assert torch.allclose(whole, parts, atol=1e-5)


@pytest.mark.parametrize("source", ["CPU", "NV"])
def test_noise_is_unit_noise(source):
    noise = ImageNoise(range(15), SHAPE, CPU, Variation(source)).brownian(LOW, HIGH)
    drawn = [noise(sigma, sigma_next) for sigma, sigma_next in QUERIES]
    assert [each.std().item() for each in drawn] == pytest.approx([1] * len(drawn), abs=0.05)
    assert (drawn[0] * drawn[-1]).mean().abs() < 0.05


@pytest.mark.parametrize("source", ["GPU", "CPU", "NV"])
def test_a_picture_gets_the_same_noise_in_any_batch(source):
    batch, alone = (ImageNoise(seeds, SHAPE, CPU, Variation(source)).brownian(LOW, HIGH) for seeds in ([5, 6], [6]))
    for sigma, sigma_next in QUERIES:
        assert torch.equal(batch(sigma, sigma_next)[1], alone(sigma, sigma_next)[0])


def test_the_source_decides_the_numbers():
    one, other = (ImageNoise([5], SHAPE, CPU, Variation(source)).brownian(LOW, HIGH) for source in ("CPU", "NV"))
    assert not torch.equal(one(9.0, 5.0), other(9.0, 5.0))


def test_a_path_of_the_whole_batch_is_seeded_from_its_last_picture():
    drawn = [ImageNoise(seeds, SHAPE, CPU).brownian(LOW, HIGH, False)(9.0, 5.0) for seeds in ([5, 6], [4, 6], [6])]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0][1], drawn[2][0])
    seed = int(torch.randint(0, 2**63 - 1, (), generator=torch.Generator().manual_seed(6)))
    tree = torchsde.BrownianTree(LOW, torch.zeros(2, *SHAPE), HIGH, entropy=seed)
    assert torch.equal(drawn[0], expected(tree, 9.0, 5.0))


def test_a_long_job_keeps_little_in_memory():
    path = BrownianPath(LOW, HIGH, 7, from_torch)
    before = tensors_in_use()
    for sigma, sigma_next in pairwise(torch.linspace(HIGH, LOW, 200).tolist()):
        path(sigma_next, sigma)
    assert tensors_in_use() < before + 100
