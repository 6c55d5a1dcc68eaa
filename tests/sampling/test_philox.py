"""The source NV draws what a GeForce draws, on every machine."""

import time

import numpy as np
import pytest

from sdui.sampling.philox import Philox


def test_every_golden_is_equal_to_the_bit(random_goldens, digest):
    assert len(random_goldens["philox"]) == 6
    for case in random_goldens["philox"]:
        philox = Philox(case["seed"])
        draws = [philox.normal((3, 4)) for _ in case["sha256"]]
        assert draws[0].dtype == np.float32
        assert draws[0].ravel().tolist() == case["first"]
        assert [digest(draw) for draw in draws] == case["sha256"]


def test_it_is_what_torch_prints_on_a_gpu():
    """torch.manual_seed(0); torch.randn(3, device="cuda"), as in PyTorch's forum since version 1.7."""
    assert np.round(Philox(0).normal((3,)), 4).tolist() == pytest.approx([-0.9247, -0.4253, -2.6438])


def test_an_element_depends_on_its_place_alone():
    few, many = Philox(7).normal((5,)), Philox(7).normal((2, 50))
    assert few.tolist() == many.ravel()[:5].tolist()


def test_draws_differ_and_all_bits_of_the_seed_count():
    philox = Philox(5)
    draws = [philox.normal((8,)) for _ in range(3)] + [Philox(5 + (1 << bit)).normal((8,)) for bit in range(5, 64)]
    assert len({draw.tobytes() for draw in draws}) == len(draws)


def test_the_numbers_are_normal():
    numbers = np.sort(Philox(1).normal((40_000,)).astype(float))
    moments = [float(np.mean(numbers**power)) for power in (1, 2, 3, 4)]
    assert moments == pytest.approx([0, 1, 0, 3], abs=0.06)


def test_a_large_latent_takes_milliseconds():
    philox, took = Philox(3), []
    for _ in range(5):
        begin = time.process_time()
        philox.normal((4, 128, 128))
        took.append(time.process_time() - begin)
    assert min(took) < 0.05
